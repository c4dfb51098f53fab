//! "Which application is it about?", asked of everybody where more than one is set up.
//!
//! The rule: the page is the same whoever asks, so it tells nothing of accounts.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::draft::{Asked, Choice, Question, label};
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "portal/open_application.html")]
struct Page<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    caption: String,
    choices: Vec<Choice<'a>>,
}

/// The question.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let asked = Asked::load(&request, &ctx).await?;
    if asked.trouble().is_none() || asked.applications.is_empty() {
        return Ok(see_other(asked.gap().unwrap_or(Question::Account).path()));
    }
    ask(&request, &ctx, &asked, &Errors::default())
}

fn ask(request: &HttpRequest, ctx: &Context, asked: &Asked, errors: &Errors) -> Answer {
    let all = &asked.applications;
    let choices = all.iter().map(|one| Choice {
        name: &one.name,
        label: label(ctx, one, all),
        is_chosen: one.name == asked.draft.application,
    });
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let caption = asked.caption(Question::Application);
    f.page(status, &Page { f: &f, errors, caption, choices: choices.collect() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationForm {
    #[serde(default)]
    application: String,
}

/// Its answer.
///
/// # Errors
/// 403, 422.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: ApplicationForm = form::read(&request, payload, &ctx).await?;
    let mut asked = Asked::load(&request, &ctx).await?;
    asked.draft.application = form.application;
    if asked.trouble().is_none() {
        return Ok(see_other(Question::Problem.path()));
    }
    if asked.applications.is_empty() || asked.application().is_some() {
        return asked.go_to(&ctx, Question::Account);
    }
    asked.draft.application.clear();
    ask(&request, &ctx, &asked, &Errors::one("application", "Choose the application that you sign in to"))
}
