//! Recording who was recognised, and the PIN that is made with it.
//!
//! The rule: a PIN is on one page, once. It stands in no URL, and sending the form again does not show it.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::commands::page;
use super::draft::posted;
use super::me::Me;
use super::ticket::{Kept, refuse};
use super::view::has_evidence;
use super::words::Say;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::{Frame, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::session;
use crate::workflow::{Context, desk, review, verify};

/// A verification, as the form has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    version: i32,
    method: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    text: String,
    /// `make` or `decline`; nothing where the evidence is not complete yet.
    #[serde(default)]
    pin: String,
    /// Why no PIN is made.
    #[serde(default)]
    decline: String,
}

#[derive(Template)]
#[template(path = "desk/pin.html")]
struct Pin<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    reference: &'a str,
    first: &'a str,
    second: &'a str,
}

/// Records a verification, and makes the PIN where that was the last that was missing.
///
/// # Errors
/// 401, 403, 404, 422; other refusals come back as the ticket's page.
pub(super) async fn record(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let (me, typed): (Me, Typed) = posted(&request, &ctx, payload).await?;
    let method = Method::parse(&typed.method).ok_or_else(|| Problem::invalid("There is no such method."))?;
    match recorded(&ctx, &me, &reference, method, &typed).await {
        Ok(Some(pin)) => show_pin(&request, &ctx, &me, &reference, &pin),
        Ok(None) => Ok(see_other(&page(&reference, "evidence"))),
        Err(error) => {
            let kept = Kept { form: method.as_str().to_owned(), text: typed.text, decline: typed.decline };
            refuse(&request, &ctx, &me, &reference, typed.version, error, kept).await
        }
    }
}

async fn recorded(
    ctx: &Context,
    me: &Me,
    reference: &str,
    method: Method,
    typed: &Typed,
) -> Result<Option<SecretString>, Error> {
    let outcome =
        Outcome::parse(&typed.outcome).ok_or(Rejection::Invalid("Say whether they were recognised."))?;
    let declines = typed.pin == "decline";
    if outcome == Outcome::Passed && declines && typed.decline.trim().is_empty() {
        return Err(Rejection::Invalid("Say why no PIN is made.").into());
    }
    verify::evidence(ctx, &me.who_saw(typed.version), reference, method, outcome, &typed.text).await?;
    if outcome == Outcome::Failed || typed.pin.is_empty() {
        return Ok(None);
    }
    let by = &me.session.acting();
    if declines {
        let note = format!("No PIN was made after: {}. {}", method.say(), typed.decline.trim());
        review::note(ctx, by, reference, &note).await?;
        return Ok(None);
    }
    let after = desk::ticket(ctx, &me.session, reference).await?;
    if !has_evidence(&after.policy.missing) {
        return Ok(None);
    }
    verify::make_pin(ctx, by, reference).await.map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForPin {
    version: i32,
    /// A fresh code, where the key is sent already.
    #[serde(default)]
    code: String,
}

/// Makes a PIN.
///
/// # Errors
/// As [`record`].
pub(super) async fn pin(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let (me, ForPin { version, code }) = posted(&request, &ctx, payload).await?;
    let fresh = match &*code {
        "" => Ok(()),
        code => session::step_up(&ctx, &me.session, code).await.map(drop),
    };
    let made = match fresh {
        Ok(()) => verify::make_pin(&ctx, &me.who_saw(version), &reference).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(pin) => show_pin(&request, &ctx, &me, &reference, &pin),
        Err(error) => refuse(&request, &ctx, &me, &reference, version, error, Kept::default()).await,
    }
}

fn show_pin(request: &HttpRequest, ctx: &Context, me: &Me, reference: &str, pin: &SecretString) -> Answer {
    let f = Frame::of(request, ctx);
    let (first, second) = pin.expose_secret().split_at_checked(4).ok_or_else(Problem::internal)?;
    f.page(StatusCode::OK, &Pin { f: &f, me, here: "", reference, first, second })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keep {
    version: i32,
    #[serde(default)]
    keep: String,
}

/// Records which of several requests is the person's own.
///
/// # Errors
/// As [`record`].
pub(super) async fn keep(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let (me, Keep { version, keep }) = posted(&request, &ctx, payload).await?;
    match review::keep_request(&ctx, &me.who_saw(version), &reference, &keep).await {
        Ok(()) => Ok(see_other(&page(&reference, "requests"))),
        Err(error) => refuse(&request, &ctx, &me, &reference, version, error, Kept::default()).await,
    }
}
