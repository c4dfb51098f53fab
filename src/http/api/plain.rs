//! Endpoints for machines: is the process there, can it serve, and whom to tell of a hole.

use actix_web::HttpResponse;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Data;
use serde::Serialize;

use crate::workflow::Context;
use crate::workflow::readiness::{self, Readiness};

/// How old the oldest waiting letter may be before it is called late, in seconds.
const LATE: i64 = 15 * 60;
/// When it is worth asking again, in seconds.
const PAUSE: u32 = 5;
/// How long the contact may be relied on, in days.
const VALID_FOR: i64 = 180;

/// The process answers.
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    database: &'static str,
    /// A full disk, or a server that only reads.
    writes: &'static str,
    keys: &'static str,
    /// A mail server that is down or refuses us makes emails late. That is no reason to serve nobody, so it is only told.
    outbox: &'static str,
    worker: &'static str,
    outbox_age_seconds: Option<i64>,
}

/// Whether requests can be served: 200, or 503.
pub(super) async fn readyz(ctx: Data<Context>) -> HttpResponse {
    let Readiness { database, writes, keys, worker, outbox_age, mail_refused } = readiness::look(&ctx).await;
    let word = |good| if good { "ok" } else { "failed" };
    let ready = database && writes && keys && worker;
    let report = Report {
        status: if ready { "ready" } else { "not_ready" },
        database: word(database),
        writes: if database { word(writes) } else { "unknown" },
        keys: if database { word(keys) } else { "unknown" },
        outbox: match outbox_age {
            _ if mail_refused => "refused",
            Some(age) if age > LATE => "late",
            _ => "ok",
        },
        worker: word(worker),
        outbox_age_seconds: outbox_age,
    };
    if ready {
        return HttpResponse::Ok().json(report);
    }
    HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, PAUSE)).json(report)
}

/// RFC 9116.
pub(super) async fn security_txt(ctx: Data<Context>) -> HttpResponse {
    let expires = (ctx.now() + chrono::Duration::days(VALID_FOR)).format("%Y-%m-%dT00:00:00Z");
    let contact = &ctx.config.app.contact;
    let contact = if contact.contains("://") || contact.starts_with("mailto:") || !contact.contains('@') {
        contact.clone()
    } else {
        format!("mailto:{contact}")
    };
    let url = &ctx.config.http.public_url;
    let text = format!(
        "Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n\
         Canonical: {url}/.well-known/security.txt\n"
    );
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}
