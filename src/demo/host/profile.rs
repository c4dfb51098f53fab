//! Settings, Profile: two-factor authentication turned on and off, as the help page has it.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::sign_in::{show_codes, state};
use super::visitor::Visitor;
use super::{HOME, PROFILE, SET_UP};
use crate::demo::Show;
use crate::demo::cast::{self, Person};
use crate::demo::page::Bar;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::account::words;
use crate::http::pages::errors::Errors;
use crate::http::pages::form::{self, Button};
use crate::http::pages::{Frame, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::accounts::TwoFactorState;
use crate::workflow::caller::Caller;
use crate::workflow::enrol;

#[derive(Template)]
#[template(path = "demo/host/profile.html")]
struct Profile<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    person: &'static Person,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "demo/host/set_up.html")]
struct SetUp<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    /// What the entry is called in an app.
    entry: String,
    /// Groups of four.
    groups: Vec<String>,
    qr_svg: String,
}

/// Shows the profile.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let Some(visitor) = Visitor::signed_in(&request, &ctx) else { return Ok(see_other(HOME)) };
    profile(&request, &ctx, &show, &visitor, Errors::default()).await
}

async fn profile(
    request: &HttpRequest,
    ctx: &Context,
    show: &Show,
    visitor: &Visitor,
    errors: Errors,
) -> Answer {
    let person = visitor.person()?;
    let is_on = state(ctx, show, person).await? == TwoFactorState::On;
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    frame.page(status, &Profile { f: &frame, bar: Bar::at(HOME, ctx), errors, person, is_on })
}

/// Turns two-factor authentication on: a key is handed out, and waits for its first code.
pub(super) async fn turn_on(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let Button {} = form::read(&request, payload, &ctx).await?;
    let Some(visitor) = Visitor::signed_in(&request, &ctx) else { return Ok(see_other(HOME)) };
    match enrol::begin(&ctx, &caller(&show, &visitor), None).await {
        Ok(enrolment) => {
            show.host_app.enrolments().insert(visitor.id, enrolment);
            Ok(see_other(SET_UP))
        }
        // It is on already, in another tab.
        Err(Error::Rejected(Rejection::ProofRequired)) => Ok(see_other(PROFILE)),
        Err(error) => Err(error.into()),
    }
}

fn caller(show: &Show, visitor: &Visitor) -> Caller {
    Caller::Host { client: show.host.clone(), external_id: visitor.id.clone() }
}

/// Shows square code and key.
pub(super) async fn set_up(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    match Visitor::signed_in(&request, &ctx) {
        Some(visitor) => setting_up(&request, &ctx, &show, &visitor, Errors::default()),
        None => Ok(see_other(HOME)),
    }
}

fn setting_up(
    request: &HttpRequest,
    ctx: &Context,
    show: &Show,
    visitor: &Visitor,
    errors: Errors,
) -> Answer {
    let (groups, qr_svg) = {
        let enrolments = show.host_app.enrolments();
        let Some(enrolment) = enrolments.get(&visitor.id) else { return Ok(see_other(PROFILE)) };
        (words::groups(enrolment.secret.expose_secret()), enrolment.qr_svg.expose_secret().to_owned())
    };
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let entry = format!("{} ({})", cast::APP, visitor.id);
    frame.page(status, &SetUp { f: &frame, bar: Bar::at(HOME, ctx), errors, entry, groups, qr_svg })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Takes the first code; the key is live, and the recovery codes are shown this once.
pub(super) async fn prove(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let CodeForm { code } = form::read(&request, payload, &ctx).await?;
    let Some(visitor) = Visitor::signed_in(&request, &ctx) else { return Ok(see_other(HOME)) };
    match enrol::confirm(&ctx, &caller(&show, &visitor), SecretString::from(code)).await {
        Ok(codes) => {
            show.host_app.enrolments().remove(&visitor.id);
            show_codes(&request, &ctx, "Two-factor authentication is on", &codes)
        }
        Err(Error::Rejected(Rejection::NotFound)) => Ok(see_other(PROFILE)),
        Err(error) => {
            let errors = Errors::one("code", words::refused(error)?);
            setting_up(&request, &ctx, &show, &visitor, errors)
        }
    }
}

/// Turns it off, with a code.
pub(super) async fn turn_off(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let CodeForm { code } = form::read(&request, payload, &ctx).await?;
    let Some(visitor) = Visitor::signed_in(&request, &ctx) else { return Ok(see_other(HOME)) };
    match enrol::turn_off(&ctx, &caller(&show, &visitor), Some(SecretString::from(code))).await {
        Ok(()) | Err(Error::Rejected(Rejection::NotFound)) => Ok(see_other(PROFILE)),
        Err(error) => {
            let errors = Errors::one("code", words::refused(error)?);
            profile(&request, &ctx, &show, &visitor, errors).await
        }
    }
}
