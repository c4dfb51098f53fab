//! "This wasn't me": the link of every letter. Looking at it stops nothing, pressing its button does.
//!
//! The rule: GET looks the same for every token and looks nothing up, so that scanners neither stop nor learn.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;

use super::dead_link;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::form::{self, Button};
use crate::http::pages::{Frame, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::freeze::stop;

/// Where it is said that something was stopped.
const STOPPED: &str = "/stopped";

#[derive(Template)]
#[template(path = "portal/stop.html")]
struct StopPage<'a> {
    f: &'a Frame,
}

#[derive(Template)]
#[template(path = "portal/stopped.html")]
struct StoppedPage<'a> {
    f: &'a Frame,
}

/// Shows what the button does.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    frame.page(StatusCode::OK, &StopPage { f: &frame })
}

/// Stops.
///
/// # Errors
/// 403.
pub(super) async fn send(
    request: HttpRequest,
    ctx: Data<Context>,
    token: Path<String>,
    payload: Payload,
) -> Answer {
    let (Button {}, sent) = form::read_once(&request, payload, &ctx).await?;
    match stop(&sent.once(&request, &ctx, "", STOPPED), &token).await {
        Ok(()) => Ok(see_other(STOPPED)),
        Err(Error::Rejected(Rejection::NotFound)) => dead_link::show(&request, &ctx),
        Err(error) => Err(error.into()),
    }
}

/// What was stopped.
///
/// # Errors
/// 500.
pub(super) async fn done(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    frame.page(StatusCode::OK, &StoppedPage { f: &frame })
}
