//! The code at sign-in, and the way on for those whose codes are refused.
//!
//! The rule: here only the password stands. It opens no diagnosis and no ticket; both wait for the mailbox code of a
//! request that begins with everything known already.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::recovery::show_codes;
use super::{HOME, me, words};
use crate::domain::rejection::Rejection;
use crate::domain::sign_in::Refusal;
use crate::domain::ticket::Problem as Trouble;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::form::{self, Button};
use crate::http::pages::{Frame, see_other};
use crate::http::portal;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::owner::{self, OwnerSession};

#[derive(Template)]
#[template(path = "account/code.html")]
struct Code<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    me: &'a OwnerSession,
    /// Whether a key that was sent waits for its first code.
    awaits_key: bool,
}

/// Asks for the code; those who are in are asked only for that of a key that was sent.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match me::find(&request, &ctx).await? {
        Some(me) => ask(&request, &ctx, &me, &Errors::default()).await,
        None => Ok(see_other(HOME)),
    }
}

async fn ask(request: &HttpRequest, ctx: &Context, me: &OwnerSession, errors: &Errors) -> Answer {
    let awaits_key = owner::awaits_sent_key(ctx, me).await?;
    if me.is_full && !awaits_key {
        return Ok(see_other(HOME));
    }
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    f.page(status, &Code { f: &f, errors, me, awaits_key })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Takes the code: six digits, or one of the saved recovery codes.
///
/// # Errors
/// 403, 422.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let CodeForm { code } = form::read(&request, payload, &ctx).await?;
    let Some(me) = me::find(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let why = match owner::give_code(&ctx, &me, SecretString::from(code)).await {
        Ok(owner::Answer::In { token, recovery_codes }) => {
            let mut response = match recovery_codes {
                None => see_other(HOME),
                Some(codes) => show_codes(&request, &ctx, "Your new key is live", &codes)?,
            };
            me::keep(&ctx, &mut response, &token);
            return Ok(response);
        }
        Ok(owner::Answer::Refused(Refusal::Inactive)) if !me.is_fresh => words::STALE,
        Ok(owner::Answer::Refused(reason)) => words::refusal(reason),
        Err(Error::Rejected(Rejection::Invalid(_))) => words::NO_CODE,
        Err(Error::Unauthenticated) => return Ok(see_other(HOME)),
        Err(error) => return Err(Problem::from(error)),
    };
    ask(&request, &ctx, &me, &Errors::one("code", why)).await
}

/// "Check your codes", and help: a request with the account and what is wrong filled in.
///
/// # Errors
/// 403.
pub(super) async fn help(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let Button {} = form::read(&request, payload, &ctx).await?;
    match me::find(&request, &ctx).await? {
        Some(me) if me.is_full => Ok(see_other("/account/ticket")),
        Some(me) => portal::open::prefilled(&request, &ctx, Trouble::NotSetUpCorrectly, &me.email).await,
        None => Ok(see_other("/tickets/new")),
    }
}
