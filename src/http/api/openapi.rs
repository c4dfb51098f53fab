//! The API as an OpenAPI 3.1 document, written from the code.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use serde_json::{Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::wire::Queue;
use super::{
    accounts, activation, audit, codes, desk_review, desk_session, desk_tickets, desk_verify, stop, tickets,
    vouch,
};
use crate::http::problem::Body;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rekey",
        description = "The desk for lost second factors. Errors are RFC 9457 problem details.",
    ),
    tags(
        (name = "requesters", description = "For people who ask; no account needed"),
        (name = "staff", description = "For the desk"),
        (name = "hosts", description = "For the applications that people sign in to"),
    ),
    paths(
        tickets::open, tickets::show, tickets::confirm_ticket, tickets::diagnose_ticket, tickets::reply_ticket,
        tickets::withdraw_ticket, activation::prove_ticket, activation::return_ticket,
        activation::activate_ticket, stop::stop, vouch::vouch,
        desk_session::sign_in, desk_session::sign_out, desk_session::step_up,
        desk_tickets::list, desk_tickets::show,
        desk_review::claim, desk_review::release, desk_review::resume, desk_review::ask, desk_review::reply,
        desk_review::note, desk_review::reject, desk_review::close, desk_review::flag, desk_review::requests,
        desk_verify::evidence, desk_verify::vouch, desk_verify::pin,
        desk_review::approve, desk_review::reissue, desk_review::freeze, desk_review::thaw,
        audit::list,
        accounts::put, accounts::show, accounts::remove,
        codes::begin_enrolment, codes::confirm_enrolment, codes::turn_off, codes::verify_code,
        codes::replace_recovery_codes,
        document,
    ),
    components(schemas(Body, Queue)),
    modifiers(&Bearers),
)]
struct Document;

struct Bearers;

impl Modify for Bearers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, token) in [
            ("ticket", "`rk_tkt_…`: speaks for the requester of a ticket"),
            ("activation", "`rk_act_…`: of the setup letter's link, good for activating its key"),
            ("staff", "`rk_ses_…`: a session of a member of the staff"),
            ("client", "`rk_cli_…`: a host"),
        ] {
            let mut bearer = Http::new(HttpAuthScheme::Bearer);
            bearer.description = Some(token.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(bearer));
        }
    }
}

/// Of which two fields a call takes one.
const EITHER: [(&str, [&str; 2]); 3] = [
    ("ToProve", ["recovery_code", "codes"]),
    ("ToActivate", ["code", "codes"]),
    ("ToVerify", ["code", "recovery_code"]),
];

/// Says of a shape that one of two fields is given, and the other left out or null.
fn say_either(document: &mut Value, shape: &str, [one, other]: [&str; 2]) {
    let schema = document.pointer_mut(&format!("/components/schemas/{shape}")).and_then(Value::as_object_mut);
    let only = |given: &str, without: &str| {
        let none = json!({ "type": "null" });
        json!({ "required": [given], "properties": { given: { "not": none }, without: none } })
    };
    if let Some(schema) = schema {
        schema.insert("oneOf".to_owned(), json!([only(one, other), only(other, one)]));
    }
}

/// How long the document and its page may be kept.
pub(super) const KEPT: &str = "public, max-age=300";

/// The document.
pub(super) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
        super::refusals::make_precise(&mut document);
        for (shape, fields) in EITHER {
            say_either(&mut document, shape, fields);
        }
        document.to_string()
    })
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "requesters",
    responses((status = 200, description = "OpenAPI 3.1", body = Object), super::refusals::Faults), security(()))]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").insert_header((CACHE_CONTROL, KEPT)).body(text())
}
