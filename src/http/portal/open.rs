//! Opening a ticket, one question a page: what is wrong, which account, anything to add, check your answers.
//!
//! The rule: nothing is stored before the last button. Answers travel in a sealed cookie, the text in the form
//! itself; none of them ever stands in an address.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::{holder, words};
use crate::domain::address::EmailAddress;
use crate::domain::text::{ExternalId, Text};
use crate::domain::ticket::Problem as Trouble;
use crate::http::pages::errors::Errors;
use crate::http::pages::form;
use crate::http::pages::{Frame, cookies, see_other};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle::network;
use crate::workflow::Context;
use crate::workflow::open::{Request, submit};

/// The cookie with the answers so far, and how many seconds it lives.
const DRAFT: (&str, i64) = ("rekey_draft", 3600);

/// The answers so far.
#[derive(Default, Serialize, Deserialize)]
struct Draft {
    problem: String,
    account: String,
}

impl Draft {
    fn of(request: &HttpRequest, ctx: &Context) -> Self {
        cookies::open(request, ctx, DRAFT.0).unwrap_or_default()
    }

    fn trouble(&self) -> Option<Trouble> {
        Trouble::parse(&self.problem)
    }

    /// Keeps the answers and goes on.
    fn go(&self, ctx: &Context, path: &str) -> Answer {
        let mut response = see_other(path);
        cookies::set(&mut response, &cookies::seal(ctx, DRAFT.0, self, DRAFT.1)?);
        Ok(response)
    }

    /// The first page whose answer is missing.
    fn gap(&self) -> Option<&'static str> {
        match (self.trouble(), self.account.is_empty()) {
            (None, _) => Some("/tickets/new"),
            (_, true) => Some("/tickets/new/account"),
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "portal/open_problem.html")]
struct ProblemPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    choices: &'static [words::Choice],
    /// The one that was chosen, or none.
    chosen: &'a [Trouble],
}

#[derive(Template)]
#[template(path = "portal/open_account.html")]
struct AccountPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    account: &'a str,
}

#[derive(Template)]
#[template(path = "portal/open_message.html")]
struct MessagePage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    message: &'a str,
}

#[derive(Template)]
#[template(path = "portal/open_check.html")]
struct CheckPage<'a> {
    f: &'a Frame,
    problem: &'static str,
    account: &'a str,
    message: &'a str,
}

/// Goes on to the third question with what is known already.
///
/// # Errors
/// 500.
pub(in crate::http) fn prefilled(ctx: &Context, problem: Trouble, account: &str) -> Answer {
    let draft = Draft { problem: problem.as_str().to_owned(), account: account.to_owned() };
    draft.go(ctx, "/tickets/new/message")
}

/// First question.
///
/// # Errors
/// 500.
pub(super) async fn problem(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    let chosen = Draft::of(&request, &ctx).trouble();
    let page = ProblemPage {
        f: &frame,
        errors: &Errors::default(),
        choices: words::CHOICES,
        chosen: chosen.as_slice(),
    };
    frame.page(StatusCode::OK, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemForm {
    #[serde(default)]
    problem: String,
}

/// Its answer.
///
/// # Errors
/// 403, 422.
pub(super) async fn take_problem(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let ProblemForm { problem } = form::read(&request, payload, &ctx).await?;
    let draft = Draft { problem, ..Draft::of(&request, &ctx) };
    if draft.trouble().is_some() {
        return draft.go(&ctx, "/tickets/new/account");
    }
    let frame = Frame::of(&request, &ctx);
    let errors = Errors::one("problem", "Choose what describes it best");
    let page = ProblemPage { f: &frame, errors: &errors, choices: words::CHOICES, chosen: &[] };
    frame.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Second question.
///
/// # Errors
/// 500.
pub(super) async fn account(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let draft = Draft::of(&request, &ctx);
    if draft.trouble().is_none() {
        return Ok(see_other("/tickets/new"));
    }
    let frame = Frame::of(&request, &ctx);
    let page = AccountPage { f: &frame, errors: &Errors::default(), account: &draft.account };
    frame.page(StatusCode::OK, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountForm {
    #[serde(default)]
    account: String,
}

/// Its answer. Whether there is such an account, nobody learns.
///
/// # Errors
/// 403, 422.
pub(super) async fn take_account(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let AccountForm { account } = form::read(&request, payload, &ctx).await?;
    let account = account.trim();
    if EmailAddress::parse(account).is_some() || ExternalId::parse(account).is_some() {
        let draft = Draft { account: account.to_owned(), ..Draft::of(&request, &ctx) };
        return draft.go(&ctx, draft.gap().unwrap_or("/tickets/new/message"));
    }
    let frame = Frame::of(&request, &ctx);
    let text = "Enter the e-mail address of your account, such as ada@example.com, or its user name";
    let page = AccountPage { f: &frame, errors: &Errors::one("account", text), account };
    frame.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageForm {
    #[serde(default)]
    message: String,
}

/// Third question.
///
/// # Errors
/// 500.
pub(super) async fn message(request: HttpRequest, ctx: Data<Context>) -> Answer {
    ask_message(&request, &ctx, "", &Errors::default())
}

/// The same again, with what was typed, to change it.
///
/// # Errors
/// 403, 422.
pub(super) async fn edit_message(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: MessageForm = form::read(&request, payload, &ctx).await?;
    ask_message(&request, &ctx, &form.message, &Errors::default())
}

fn ask_message(request: &HttpRequest, ctx: &Context, message: &str, errors: &Errors) -> Answer {
    if let Some(gap) = Draft::of(request, ctx).gap() {
        return Ok(see_other(gap));
    }
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(status, &MessagePage { f: &frame, errors, message })
}

/// Check your answers.
///
/// # Errors
/// 403, 422.
pub(super) async fn check(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: MessageForm = form::read(&request, payload, &ctx).await?;
    let draft = Draft::of(&request, &ctx);
    let (None, Some(trouble)) = (draft.gap(), draft.trouble()) else {
        return Ok(see_other(draft.gap().unwrap_or("/tickets/new")));
    };
    let written = form.message.trim();
    let text = Text::parse(written);
    let mut errors = Errors::default();
    if text.is_none() && trouble == Trouble::Other {
        errors.add("message", "Tell us in a sentence or two what is wrong");
    }
    errors.require(text.is_some() || written.is_empty(), "message", "Use at most 4,000 characters");
    if !errors.is_empty() {
        return ask_message(&request, &ctx, &form.message, &errors);
    }
    let frame = Frame::of(&request, &ctx);
    let page = CheckPage {
        f: &frame,
        problem: words::trouble(trouble),
        account: &draft.account,
        message: text.as_ref().map_or("", Text::as_str),
    };
    frame.page(StatusCode::OK, &page)
}

/// Whoever reloads where a form was sent to begins again where an answer is missing.
///
/// # Errors
/// None.
pub(super) async fn restart(request: HttpRequest, ctx: Data<Context>) -> Answer {
    Ok(see_other(Draft::of(&request, &ctx).gap().unwrap_or("/tickets/new/message")))
}

/// Opens the ticket, and lets this browser hold it.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: MessageForm = form::read(&request, payload, &ctx).await?;
    let draft = Draft::of(&request, &ctx);
    let (None, Some(problem)) = (draft.gap(), draft.trouble()) else {
        return Ok(see_other(draft.gap().unwrap_or("/tickets/new")));
    };
    let network = network(&request, &ctx.config.http);
    let asked = Request { account: draft.account, problem, message: form.message, network };
    let opened = submit(&ctx, asked).await.map_err(Problem::from)?;
    let reference = opened.reference.as_str();
    let mut response = see_other(&format!("/tickets/{reference}/code"));
    cookies::set(&mut response, &holder::hold(&ctx, reference, &opened.token));
    cookies::set(&mut response, &cookies::remove(&ctx, DRAFT.0));
    Ok(response)
}
