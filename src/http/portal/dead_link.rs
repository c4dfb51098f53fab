//! The page of a link that leads nowhere: unknown, used and expired ones look alike.

use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;

use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "portal/dead_link.html")]
struct DeadLinkPage<'a> {
    f: &'a Frame,
}

/// Shows it: 404.
///
/// # Errors
/// 500.
pub(super) fn show(request: &HttpRequest, ctx: &Context) -> Answer {
    let frame = Frame::of(request, ctx);
    frame.page(StatusCode::NOT_FOUND, &DeadLinkPage { f: &frame })
}
