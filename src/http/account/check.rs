//! "Check your codes" for those who are signed in altogether: at once, without a ticket.
//!
//! The rule: the finding is shown on a page of its own, from a sealed cookie, so that reloading burns no try.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::{HOME, me};
use crate::domain::advice::Platform;
use crate::domain::ids::AccountId;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::portal::check::TwoCodes;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::diagnose::diagnose_signed_in;

/// The cookie with the last finding, and how many seconds it lives.
const FINDING: (&str, i64) = ("rekey_account_finding", 900);

#[derive(Template)]
#[template(path = "account/check.html")]
struct CheckPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
}

#[derive(Serialize, Deserialize)]
struct Finding {
    account: String,
    word: String,
    advice: String,
}

#[derive(Template)]
#[template(path = "account/finding.html")]
struct FindingPage<'a> {
    f: &'a Frame,
    word: &'a str,
    advice: &'a str,
    platforms: &'static [Platform],
}

/// Asks for two codes.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match me::full(&request, &ctx).await? {
        Some(_) => ask(&request, &ctx, &Errors::default()),
        None => Ok(see_other(HOME)),
    }
}

fn ask(request: &HttpRequest, ctx: &Context, errors: &Errors) -> Answer {
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    f.page(status, &CheckPage { f: &f, errors })
}

/// Tries them.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (TwoCodes, _) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let errors = form.errors();
    if !errors.is_empty() {
        return ask(&request, &ctx, &errors);
    }
    let acting = sent.once(&request, &ctx, me.account.as_str(), "/account/finding");
    let found = match diagnose_signed_in(&acting, &me, [form.code, form.code_2]).await {
        Ok(found) => found,
        Err(Error::Rejected(Rejection::TooManyTries(_))) => {
            let text =
                "You have used all tries for now. Create a support ticket, and somebody will look at it";
            return ask(&request, &ctx, &Errors::one("code", text));
        }
        Err(error) => return Err(Problem::from(error)),
    };
    let finding =
        Finding { account: account(&me.account), word: found.finding.to_owned(), advice: found.advice };
    let mut response = see_other("/account/finding");
    cookies::set(&mut response, &cookies::seal(&ctx, FINDING.0, &finding, FINDING.1)?);
    Ok(response)
}

fn account(id: &AccountId) -> String {
    id.as_str().to_owned()
}

/// Shows what was found.
///
/// # Errors
/// 500.
pub(super) async fn finding(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let found = cookies::open::<Finding>(&request, &ctx, FINDING.0);
    let Some(found) = found.filter(|found| found.account == account(&me.account)) else {
        return Ok(see_other("/account/check"));
    };
    let f = Frame::of(&request, &ctx);
    let page = FindingPage {
        f: &f,
        word: &found.word,
        advice: &found.advice,
        platforms: if found.word == "clock_off" { &Platform::ALL } else { &[] },
    };
    f.page(StatusCode::OK, &page)
}
