//! Opening a ticket, one question a page: what is wrong, which application, which account, anything to add, check your
//! answers.
//!
//! The rule: nothing is stored before the last button. The text travels in the form itself, as answers do in a cookie
//! (`draft`).

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::draft::{Asked, DRAFT, Draft, Question, label};
use super::{holder, words};
use crate::domain::address::EmailAddress;
use crate::domain::text::{ExternalId, Text};
use crate::domain::ticket::Problem as Trouble;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, once, see_other};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle::network;
use crate::workflow::Context;
use crate::workflow::open::{Opening, Request, submit};

#[derive(Template)]
#[template(path = "portal/open_problem.html")]
struct ProblemPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    caption: String,
    choices: &'static [words::Choice],
    /// The one that was chosen, or none.
    chosen: &'a [Trouble],
}

#[derive(Template)]
#[template(path = "portal/open_account.html")]
struct AccountPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    caption: String,
    back: &'static str,
    account: &'a str,
}

#[derive(Template)]
#[template(path = "portal/open_message.html")]
struct MessagePage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    caption: String,
    message: &'a str,
}

#[derive(Template)]
#[template(path = "portal/open_check.html")]
struct CheckPage<'a> {
    f: &'a Frame,
    problem: &'static str,
    /// Where there was a choice.
    application: Option<&'a str>,
    account: &'a str,
    message: &'a str,
}

/// Goes on to the first question that is left, with what is known already.
///
/// # Errors
/// 500, 503.
pub(in crate::http) async fn prefilled(
    request: &HttpRequest,
    ctx: &Context,
    problem: Trouble,
    account: &str,
) -> Answer {
    let mut asked = Asked::load(request, ctx).await?;
    let (problem, account) = (problem.as_str().to_owned(), account.to_owned());
    asked.draft = Draft { problem, account, ..Draft::default() };
    asked.go_on(ctx)
}

/// First question.
///
/// # Errors
/// 500, 503.
pub(super) async fn problem(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let asked = Asked::load(&request, &ctx).await?;
    ask_problem(&request, &ctx, &asked, &Errors::default())
}

fn ask_problem(request: &HttpRequest, ctx: &Context, asked: &Asked, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    let chosen = asked.trouble();
    let page = ProblemPage {
        f: &frame,
        errors,
        caption: asked.caption(Question::Problem),
        choices: words::CHOICES,
        chosen: chosen.as_slice(),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(status, &page)
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
/// 403, 422, 503.
pub(super) async fn take_problem(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let ProblemForm { problem } = form::read(&request, payload, &ctx).await?;
    let mut asked = Asked::load(&request, &ctx).await?;
    asked.draft.problem = problem;
    if asked.trouble().is_some() {
        // Those who come back to change it see the next question again.
        return asked.go_to(&ctx, asked.after_problem());
    }
    ask_problem(&request, &ctx, &asked, &Errors::one("problem", "Choose what describes it best"))
}

/// The question about the account.
///
/// # Errors
/// 500, 503.
pub(super) async fn account(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let asked = Asked::load(&request, &ctx).await?;
    if let Some(gap) = asked.gap().filter(|gap| *gap != Question::Account) {
        return Ok(see_other(gap.path()));
    }
    ask_account(&request, &ctx, &asked, &asked.draft.account, &Errors::default())
}

fn ask_account(
    request: &HttpRequest,
    ctx: &Context,
    asked: &Asked,
    account: &str,
    errors: &Errors,
) -> Answer {
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (caption, back) = (asked.caption(Question::Account), asked.before_account());
    f.page(status, &AccountPage { f: &f, errors, caption, back, account })
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
/// 403, 422, 503.
pub(super) async fn take_account(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let AccountForm { account } = form::read(&request, payload, &ctx).await?;
    let mut asked = Asked::load(&request, &ctx).await?;
    let account = account.trim();
    if EmailAddress::parse(account).is_some() || ExternalId::parse(account).is_some() {
        account.clone_into(&mut asked.draft.account);
        return asked.go_on(&ctx);
    }
    let text = "Enter the e-mail address of your account, such as ada@example.com, or its user name";
    ask_account(&request, &ctx, &asked, account, &Errors::one("account", text))
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
    let asked = Asked::load(&request, &ctx).await?;
    ask_message(&request, &ctx, &asked, "", &Errors::default())
}

/// The same again, with what was typed, to change it.
///
/// # Errors
/// 403, 422.
pub(super) async fn edit_message(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: MessageForm = form::read(&request, payload, &ctx).await?;
    let asked = Asked::load(&request, &ctx).await?;
    ask_message(&request, &ctx, &asked, &form.message, &Errors::default())
}

fn ask_message(
    request: &HttpRequest,
    ctx: &Context,
    asked: &Asked,
    message: &str,
    errors: &Errors,
) -> Answer {
    if let Some(gap) = asked.gap() {
        return Ok(see_other(gap.path()));
    }
    let caption = asked.caption(Question::Message);
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(status, &MessagePage { f: &frame, errors, caption, message })
}

/// Check your answers.
///
/// # Errors
/// 403, 422.
pub(super) async fn check(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: MessageForm = form::read(&request, payload, &ctx).await?;
    let asked = Asked::load(&request, &ctx).await?;
    let (None, Some(trouble)) = (asked.gap(), asked.trouble()) else {
        return Ok(see_other(asked.gap().unwrap_or(Question::Problem).path()));
    };
    let written = form.message.trim();
    let text = Text::parse(written);
    let mut errors = Errors::default();
    if text.is_none() && trouble == Trouble::Other {
        errors.add("message", "Tell us in a sentence or two what is wrong");
    }
    errors.require(text.is_some() || written.is_empty(), "message", "Use at most 4,000 characters");
    if !errors.is_empty() {
        return ask_message(&request, &ctx, &asked, &form.message, &errors);
    }
    let frame = Frame::of(&request, &ctx);
    let page = CheckPage {
        f: &frame,
        problem: words::trouble(trouble),
        application: asked.application().map(|one| label(&ctx, one, &asked.applications)),
        account: &asked.draft.account,
        message: text.as_ref().map_or("", Text::as_str),
    };
    frame.page(StatusCode::OK, &page)
}

/// Whoever reloads where a form was sent to begins again where an answer is missing.
///
/// # Errors
/// None.
pub(super) async fn restart(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let asked = Asked::load(&request, &ctx).await?;
    Ok(see_other(asked.gap().unwrap_or(Question::Message).path()))
}

/// Opens the ticket, and lets this browser hold it.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (MessageForm, _) = form::read_once(&request, payload, &ctx).await?;
    let asked = Asked::load(&request, &ctx).await?;
    let opening = Opening::draw(&ctx);
    let reference = opening.reference.as_str();
    let place = format!("/tickets/{reference}/code");
    let acting = sent.once(&request, &ctx, "", &place);
    let (None, Some(problem)) = (asked.gap(), asked.trouble()) else {
        // The answer of the first has taken the draft away.
        let first = once::first(&request, &ctx).await;
        return Ok(first.unwrap_or_else(|| see_other(asked.gap().unwrap_or(Question::Problem).path())));
    };
    let network = network(&request, &ctx.config.http);
    let application = asked.application().map(|one| one.name.clone());
    let asked =
        Request { account: asked.draft.account, application, problem, message: form.message, network };
    submit(&acting, asked, &opening).await.map_err(Problem::from)?;
    let mut response = see_other(&place);
    cookies::set(&mut response, &holder::hold(&ctx, reference, &opening.token));
    cookies::set(&mut response, &cookies::remove(&ctx, DRAFT.0));
    Ok(response)
}
