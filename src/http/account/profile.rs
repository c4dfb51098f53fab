//! Settings, Profile: two-factor authentication turned on and off, and moved to a new phone.
//!
//! The rule: on an account that is on, everything takes a code of the app that works now.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::{HOME, PROFILE, SET_UP, me, words};
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::form::{self, Button};
use crate::http::pages::{Frame, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::enrol;
use crate::workflow::owner::OwnerSession;
use crate::workflow::profile::{self, Profile};

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage<'a> {
    f: &'a Frame,
    me: &'a OwnerSession,
    profile: Profile,
}

/// A page that asks for a code of the active app, and what for.
#[derive(Template)]
#[template(path = "account/prove.html")]
struct ProvePage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    turns_off: bool,
}

/// Shows the profile.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let profile = profile::look(&ctx, &me).await?;
    let f = Frame::of(&request, &ctx);
    f.page(StatusCode::OK, &ProfilePage { f: &f, me: &me, profile })
}

/// To the profile.
///
/// # Errors
/// None.
pub(super) async fn back(_: HttpRequest) -> Answer {
    Ok(see_other(PROFILE))
}

/// Turns two-factor authentication on: the notice leaves, and a key waits for its first code.
///
/// # Errors
/// 403.
pub(super) async fn turn_on(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (Button {}, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), SET_UP);
    match enrol::begin(&acting, &me.caller(), None).await {
        Ok(_) => Ok(see_other(SET_UP)),
        // It is on already, in another tab.
        Err(Error::Rejected(Rejection::ProofRequired)) => Ok(see_other(PROFILE)),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Asks for the code that turning off takes.
///
/// # Errors
/// 500.
pub(super) async fn ask_turn_off(request: HttpRequest, ctx: Data<Context>) -> Answer {
    ask(&request, &ctx, true).await
}

/// Asks for the code that a new phone takes.
///
/// # Errors
/// 500.
pub(super) async fn ask_new_phone(request: HttpRequest, ctx: Data<Context>) -> Answer {
    ask(&request, &ctx, false).await
}

async fn ask(request: &HttpRequest, ctx: &Context, turns_off: bool) -> Answer {
    match me::full(request, ctx).await? {
        Some(me) if me.is_on => prove(request, ctx, turns_off, &Errors::default()),
        Some(_) => Ok(see_other(PROFILE)),
        None => Ok(see_other(HOME)),
    }
}

fn prove(request: &HttpRequest, ctx: &Context, turns_off: bool, errors: &Errors) -> Answer {
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    f.page(status, &ProvePage { f: &f, errors, turns_off })
}

/// Turns it off, with a code.
///
/// # Errors
/// 403.
pub(super) async fn turn_off(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (CodeForm { code }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), PROFILE);
    match enrol::turn_off(&acting, &me.caller(), Some(SecretString::from(code))).await {
        Ok(()) | Err(Error::Rejected(Rejection::NotFound)) => Ok(see_other(PROFILE)),
        Err(error) => prove(&request, &ctx, true, &Errors::one("code", words::refused(error)?)),
    }
}

/// Makes a key for another phone; the one that works now goes on working until the new one is proven.
///
/// # Errors
/// 403.
pub(super) async fn new_phone(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (CodeForm { code }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), SET_UP);
    match enrol::begin(&acting, &me.caller(), Some(SecretString::from(code))).await {
        Ok(_) => Ok(see_other(SET_UP)),
        Err(error) => prove(&request, &ctx, false, &Errors::one("code", words::refused(error)?)),
    }
}
