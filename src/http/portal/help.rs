//! The help page: what two-factor authentication is, how to set it up, and what to do when it does not work.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::domain::advice::Platform;
use crate::domain::apps::{App, OTHERS};
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "portal/help.html")]
struct Help<'a> {
    f: &'a Frame,
    issuer: &'a str,
    platforms: &'static [Platform],
    apps: &'static [App],
}

/// Shows it.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    let issuer = &ctx.config.app.issuer;
    frame.page(StatusCode::OK, &Help { f: &frame, issuer, platforms: &Platform::ALL, apps: OTHERS })
}
