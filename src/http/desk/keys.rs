//! The keys of the desk, and the switch that turns them off in this browser.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::me::Me;
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "desk/keys.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    keys: &'static [(&'static [&'static str], &'static str)],
}

const KEYS: &[(&[&str], &str)] = &[
    (&["j"], "Next ticket of the list"),
    (&["k"], "The one before"),
    (&["Enter"], "Open it"),
    (&["x"], "Take it (on its page), or take the next one (in a queue)"),
    (&["/"], "Search"),
    (&["g", "u"], "Unassigned"),
    (&["g", "m"], "Mine"),
    (&["g", "a"], "Awaiting approval"),
    (&["g", "w"], "Waiting"),
    (&["r"], "Write to the requester"),
    (&["n"], "Write an internal note"),
    (&["Ctrl", "Enter"], "Send what is being written"),
    (&["?"], "This page"),
];

/// Shows them.
///
/// # Errors
/// 401.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::of(&request, &ctx).await?;
    let f = Frame::of(&request, &ctx);
    f.page(StatusCode::OK, &Page { f: &f, me: &me, here: "keys", keys: KEYS })
}
