//! Which tickets a queue has now, for the page that shows it: new ones announce themselves and do not jump in.
//!
//! The rule: whoever has left the desk is not kept signed in by a page that asks by itself.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::me::Me;
use super::queue::Wanted;
use crate::http::body::query;
use crate::http::problem::Answer;
use crate::workflow::{Context, desk};

#[derive(Serialize)]
struct News {
    references: Vec<String>,
}

/// The references of a page of a queue.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::from_afar(&request, &ctx).await?;
    let wanted: Wanted = query(&request)?;
    let found = desk::list(&ctx, &me.session, wanted.asked()?).await?;
    let references = found.items.into_iter().map(|row| row.reference.to_string()).collect();
    Ok(HttpResponse::Ok().json(News { references }))
}
