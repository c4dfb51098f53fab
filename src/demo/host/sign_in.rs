//! Signing in at the host application: name and password, then a code that Rekey is asked about.
//!
//! The rule: the sign-in is refused on every `refused`, and two-factor is `off` only where Rekey says so.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::visitor::Visitor;
use super::{CODE, HOME};
use crate::demo::Show;
use crate::demo::cast::{self, PERSON_PASSWORD, Person};
use crate::demo::page::Bar;
use crate::domain::proof::FirstFactor;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::account::words;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::accounts::{self, TwoFactorState};
use crate::workflow::caller::Caller;
use crate::workflow::codes::{self, Presented, Verified};

#[derive(Template)]
#[template(path = "demo/host/sign_in.html")]
struct SignIn<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    name: &'a str,
    password: &'static str,
}

#[derive(Template)]
#[template(path = "demo/host/home.html")]
struct Home<'a> {
    f: &'a Frame,
    bar: Bar,
    person: &'static Person,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "demo/host/code.html")]
struct AskCode<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    person: &'static Person,
}

#[derive(Template)]
#[template(path = "demo/host/codes.html")]
pub(super) struct NewCodes<'a> {
    pub(super) f: &'a Frame,
    pub(super) bar: Bar,
    pub(super) heading: &'static str,
    pub(super) codes: Vec<&'a str>,
}

/// Shows the sign-in, or the first page for those who are in.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    match Visitor::find(&request, &ctx) {
        None => sign_in(&request, &ctx, Errors::default(), ""),
        Some(visitor) if !visitor.is_in => Ok(see_other(CODE)),
        Some(visitor) => {
            let person = visitor.person()?;
            let is_on = state(&ctx, &show, person).await? == TwoFactorState::On;
            let frame = Frame::of(&request, &ctx);
            frame.page(StatusCode::OK, &Home { f: &frame, bar: Bar::at(HOME, &ctx), person, is_on })
        }
    }
}

fn sign_in(request: &HttpRequest, ctx: &Context, errors: Errors, name: &str) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let page = SignIn { f: &frame, bar: Bar::at(HOME, ctx), errors, name, password: PERSON_PASSWORD };
    frame.page(status, &page)
}

/// Where two-factor authentication stands, as Rekey has it.
pub(super) async fn state(ctx: &Context, show: &Show, person: &Person) -> Result<TwoFactorState, Problem> {
    Ok(accounts::get(ctx, &show.host, person.id).await?.two_factor)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// Takes name and password.
pub(super) async fn send(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let typed: PasswordForm = form::read(&request, payload, &ctx).await?;
    let Some(person) = cast::find(&typed.name).filter(|_| typed.password == PERSON_PASSWORD) else {
        return sign_in(&request, &ctx, Errors::one("name", "Name or password is not right"), &typed.name);
    };
    let is_in = state(&ctx, &show, person).await? != TwoFactorState::On;
    let since = ctx.now().and_utc().timestamp();
    let visitor = Visitor { id: person.id.to_owned(), since, is_in, with_code: false };
    let mut response = see_other(if is_in { HOME } else { CODE });
    cookies::set(&mut response, &visitor.cookie(&ctx)?);
    Ok(response)
}

/// Asks for the code.
pub(super) async fn ask_code(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match Visitor::find(&request, &ctx).filter(|visitor| !visitor.is_in) {
        Some(visitor) => code_page(&request, &ctx, &visitor, Errors::default()),
        None => Ok(see_other(HOME)),
    }
}

fn code_page(request: &HttpRequest, ctx: &Context, visitor: &Visitor, errors: Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let person = visitor.person()?;
    frame.page(status, &AskCode { f: &frame, bar: Bar::at(HOME, ctx), errors, person })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Takes the code: six digits, or one of the saved recovery codes.
pub(super) async fn send_code(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let CodeForm { code } = form::read(&request, payload, &ctx).await?;
    let Some(visitor) = Visitor::find(&request, &ctx).filter(|visitor| !visitor.is_in) else {
        return Ok(see_other(HOME));
    };
    let caller = Caller::Host { client: show.host.clone(), external_id: visitor.id.clone() };
    let refused = |why| code_page(&request, &ctx, &visitor, Errors::one("code", why));
    let presented = Presented::typed(SecretString::from(code), Some(FirstFactor::Password), None);
    match codes::verify(&ctx, &caller, presented).await {
        Ok(Verified::Accepted { recovery_codes }) => let_in(&request, &ctx, &visitor, recovery_codes),
        Ok(Verified::Refused(reason)) => refused(words::refusal(reason)),
        Err(Error::Rejected(Rejection::Invalid(_))) => refused(words::NO_CODE),
        Err(error) => Err(error.into()),
    }
}

fn let_in(
    request: &HttpRequest,
    ctx: &Context,
    visitor: &Visitor,
    new_codes: Option<Vec<SecretString>>,
) -> Answer {
    let visitor = Visitor { is_in: true, with_code: true, ..visitor.clone() };
    let mut response = match new_codes {
        None => see_other(HOME),
        Some(codes) => show_codes(request, ctx, "You are signed in, and your new key is live", &codes)?,
    };
    cookies::set(&mut response, &visitor.cookie(ctx)?);
    Ok(response)
}

/// Ten recovery codes, shown in this one answer.
pub(super) fn show_codes(
    request: &HttpRequest,
    ctx: &Context,
    heading: &'static str,
    codes: &[SecretString],
) -> Result<HttpResponse, Problem> {
    let frame = Frame::of(request, ctx);
    let codes = codes.iter().map(ExposeSecret::expose_secret).collect();
    frame.page(StatusCode::OK, &NewCodes { f: &frame, bar: Bar::at(HOME, ctx), heading, codes })
}
