//! Recording who was recognised, and the PIN that is made with it.
//!
//! The rule: a PIN is on one page, once. It stands in no URL, and sending the form again only says that it was shown.

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
use super::words::Say;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::rejection::Rejection;
use crate::http::pages::{Frame, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::verify::{self, PinWish, Verification};
use crate::workflow::{Context, review, session};

/// What the ticket's page says to whoever sends a form again that had made a PIN.
const SHOWN: &str = "pin-shown";

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
    let (me, typed, sent): (Me, Typed, _) = posted(&request, &ctx, payload).await?;
    let method = Method::parse(&typed.method).ok_or_else(|| Problem::invalid("There is no such method."))?;
    let recorded = match verification(method, &typed) {
        Ok(verification) => {
            let place = page(&reference, if typed.pin == "make" { SHOWN } else { "evidence" });
            let acting = sent.once(&request, &ctx, me.session.member().as_str(), &place);
            verify::evidence(&acting, &me.who_saw(typed.version), &reference, verification).await
        }
        Err(rejection) => Err(rejection.into()),
    };
    match recorded {
        Ok(Some(pin)) => show_pin(&request, &ctx, &me, &reference, &pin),
        Ok(None) => Ok(see_other(&page(&reference, "evidence"))),
        Err(error) => {
            let kept = Kept { form: method.as_str().to_owned(), text: typed.text, decline: typed.decline };
            refuse(&request, &ctx, &me, &reference, typed.version, error, kept).await
        }
    }
}

fn verification(method: Method, typed: &Typed) -> Result<Verification, Rejection> {
    let outcome =
        Outcome::parse(&typed.outcome).ok_or(Rejection::Invalid("Say whether they were recognised."))?;
    let why = typed.decline.trim();
    let pin = match &*typed.pin {
        "decline" if outcome == Outcome::Passed && why.is_empty() => {
            return Err(Rejection::Invalid("Say why no PIN is made."));
        }
        "" => PinWish::None,
        "decline" => PinWish::Declined(format!("No PIN was made after: {}. {why}", method.say())),
        _ => PinWish::Make,
    };
    Ok(Verification { method, outcome, note: typed.text.clone(), pin })
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
    let (me, ForPin { version, code }, sent) = posted(&request, &ctx, payload).await?;
    let acting = sent.once(&request, &ctx, me.session.member().as_str(), &page(&reference, SHOWN));
    let fresh = match &*code {
        "" => Ok(()),
        code => session::step_up_by_form(&ctx, &me.session, code).await.map(drop),
    };
    let made = match fresh {
        Ok(()) => verify::make_pin(&acting, &me.who_saw(version), &reference).await,
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
    let (me, Keep { version, keep }, sent) = posted(&request, &ctx, payload).await?;
    let place = page(&reference, "requests");
    let acting = sent.once(&request, &ctx, me.session.member().as_str(), &place);
    match review::keep_request(&acting, &me.who_saw(version), &reference, &keep).await {
        Ok(()) => Ok(see_other(&place)),
        Err(error) => refuse(&request, &ctx, &me, &reference, version, error, Kept::default()).await,
    }
}
