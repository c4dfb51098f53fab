//! "Check your codes": two codes in a row, and what is the matter with them.
//!
//! The rule: the finding is shown on a page of its own, from a sealed cookie, so that reloading burns no try.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::holder::Held;
use super::{come_back, holder};
use crate::domain::advice::Platform;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::Command;
use crate::domain::totp::Code;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::diagnose::diagnose;

/// The cookie with the last finding, and how many seconds it lives.
const FINDING: (&str, i64) = ("rekey_finding", 900);

#[derive(Template)]
#[template(path = "portal/check.html")]
struct CheckPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Finding {
    reference: String,
    word: String,
    advice: String,
}

#[derive(Template)]
#[template(path = "portal/finding.html")]
struct FindingPage<'a> {
    f: &'a Frame,
    reference: &'a str,
    word: &'a str,
    advice: &'a str,
    platforms: &'static [Platform],
}

/// Asks for two codes.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    ask(&request, &ctx, &held.reference, &Errors::default())
}

fn ask(request: &HttpRequest, ctx: &Context, reference: &str, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(status, &CheckPage { f: &frame, errors, reference })
}

/// Two codes that follow each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TwoCodes {
    #[serde(default)]
    pub(in crate::http) code: String,
    #[serde(default)]
    pub(in crate::http) code_2: String,
}

impl TwoCodes {
    /// What is no code at all.
    pub(in crate::http) fn errors(&self) -> Errors {
        let mut errors = Errors::default();
        errors.require(Code::parse(&self.code).is_some(), "code", "Type the code that your app shows now");
        errors.require(
            Code::parse(&self.code_2).is_some(),
            "code_2",
            "Type the code that your app shows next",
        );
        errors
    }
}

/// Tries them.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (TwoCodes, _) = form::read_once(&request, payload, &ctx).await?;
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let errors = form.errors();
    if !errors.is_empty() {
        return ask(&request, &ctx, &held.reference, &errors);
    }
    let place = format!("/tickets/{}/finding", held.reference);
    let acting = sent.once(&request, &ctx, "", &place);
    let found = match diagnose(&acting, &held.reference, &held.token, [form.code, form.code_2]).await {
        Ok(found) => found,
        Err(Error::Rejected(Rejection::TooManyTries(_))) => {
            let text = "You have used all tries for now. Somebody will look at your request";
            return ask(&request, &ctx, &held.reference, &Errors::one("code", text));
        }
        Err(Error::Rejected(Rejection::OutOfOrder)) if may_be_checked(&held) => {
            let text = "A day has passed since you typed a code from your mailbox. Get a new one first";
            return ask(&request, &ctx, &held.reference, &Errors::one("code", text));
        }
        Err(error) => return Err(Problem::from(error)),
    };
    let finding =
        Finding { reference: held.reference.clone(), word: found.finding.to_owned(), advice: found.advice };
    let mut response = see_other(&place);
    cookies::set(&mut response, &cookies::seal(&ctx, FINDING.0, &finding, FINDING.1)?);
    Ok(response)
}

fn may_be_checked(held: &Held) -> bool {
    Command::Diagnose.states().contains(&held.status.state)
}

/// Shows what was found.
///
/// # Errors
/// 500.
pub(super) async fn finding(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let found = cookies::open::<Finding>(&request, &ctx, FINDING.0);
    let Some(found) = found.filter(|found| found.reference == held.reference) else {
        return Ok(see_other(&format!("/tickets/{}/check", held.reference)));
    };
    let frame = Frame::of(&request, &ctx);
    let page = FindingPage {
        f: &frame,
        reference: &held.reference,
        word: &found.word,
        advice: &found.advice,
        platforms: if found.word == "clock_off" { &Platform::ALL } else { &[] },
    };
    frame.page(StatusCode::OK, &page)
}
