//! The keys of the desk, and the switch that turns them off, in every browser of whoever presses it.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::Deserialize;

use super::draft::posted;
use super::me::Me;
use crate::http::pages::{Frame, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::{Context, session};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    /// `on` or `off`: what is wanted, so that two presses are one.
    keys: String,
}

/// Turns them on or off.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn switch(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (me, Switch { keys }, _) = posted(&request, &ctx, payload).await?;
    let on = match &*keys {
        "on" => true,
        "off" => false,
        _ => return Err(Problem::invalid("Say whether the keys are to be on or off.")),
    };
    session::use_keys(&ctx, &me.session, on).await?;
    Ok(see_other("/desk/keys"))
}
