//! The code from the mailbox: it confirms a new request, and brings people back to one that they opened before.
//!
//! The rule: the page is the same for every reference, held or not.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::{come_back, holder};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::State;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::requester::{Confirmed, confirm};

#[derive(Template)]
#[template(path = "portal/confirm.html")]
struct ConfirmPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
    is_new: bool,
}

/// Asks for the code.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(reference) = holder::reference(&request) else { return come_back::stranger(&request, &ctx) };
    ask(&request, &ctx, &reference, &Errors::default()).await
}

async fn ask(request: &HttpRequest, ctx: &Context, reference: &str, errors: &Errors) -> Answer {
    let held = holder::look(request, ctx).await?;
    let is_new = held.is_some_and(|held| held.status.state == State::Unconfirmed);
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    frame.page(status, &ConfirmPage { f: &frame, errors, reference, is_new })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Looks at the code; a right one opens the request's page.
///
/// # Errors
/// 403, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (CodeForm { code }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(reference) = holder::reference(&request) else { return come_back::stranger(&request, &ctx) };
    let place = format!("/tickets/{reference}");
    let acting = sent.once(&request, &ctx, "", &place);
    let confirmed = match try_code(&request, &acting, &reference, &code).await {
        Ok(confirmed) => confirmed,
        Err(Error::Rejected(Rejection::WrongCode | Rejection::OutOfOrder)) => {
            let text = "This code is not right, or no longer good. Type the six digits of our newest letter";
            return ask(&request, &ctx, &reference, &Errors::one("code", text)).await;
        }
        Err(Error::Rejected(Rejection::TooManyTries(_))) => {
            let text = "Too many wrong codes: this one is no longer good. Have a new one sent";
            return ask(&request, &ctx, &reference, &Errors::one("code", text)).await;
        }
        Err(error) => return Err(Problem::from(error)),
    };
    let mut response = see_other(&place);
    if let Some(token) = &confirmed.token {
        cookies::set(&mut response, &holder::hold(&ctx, &reference, token));
    }
    Ok(response)
}

/// With the browser's own token, if it is any good, or as one who comes back.
async fn try_code(
    request: &HttpRequest,
    ctx: &Context,
    reference: &str,
    code: &str,
) -> Result<Confirmed, Error> {
    if let Some(token) = holder::token(request, ctx, reference) {
        match confirm(ctx, reference, Some(&token), code).await {
            Err(Error::Rejected(Rejection::NotFound)) => {}
            answer => return answer,
        }
    }
    confirm(ctx, reference, None, code).await
}
