//! What has changed under a page that is open: new tickets of a queue, and who looks at which. They announce
//! themselves and do not jump in.
//!
//! The rule: whoever has left the desk is not kept signed in by a page that asks by itself.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::me::Me;
use super::queue::Wanted;
use super::words;
use crate::http::body::query;
use crate::http::problem::Answer;
use crate::workflow::{Context, desk};

#[derive(Serialize)]
struct News {
    references: Vec<String>,
    /// What stands beside a ticket that others look at.
    looking: BTreeMap<String, String>,
}

/// The references of a page of a queue.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::from_afar(&request, &ctx).await?;
    let wanted: Wanted = query(&request)?;
    let found = desk::list(&ctx, &me.session, wanted.asked()?).await?;
    let looking = found.items.iter().map(|row| (row.reference.to_string(), words::lookers(&row.lookers)));
    let looking = looking.filter(|(_, words)| !words.is_empty()).collect();
    let references = found.items.iter().map(|row| row.reference.to_string()).collect();
    Ok(HttpResponse::Ok().json(News { references, looking }))
}

#[derive(Serialize)]
struct TicketNews {
    looking: String,
    version: i32,
}

/// Who else looks at a ticket whose page is open, and whether it has changed.
///
/// # Errors
/// 401, 403, 404.
pub(super) async fn of_ticket(request: HttpRequest, ctx: Data<Context>, reference: Path<String>) -> Answer {
    let me = Me::from_afar(&request, &ctx).await?;
    let glance = desk::look(&ctx, &me.session, &reference).await?;
    let looking = words::lookers(&glance.others);
    Ok(HttpResponse::Ok().json(TicketNews { looking, version: glance.version }))
}
