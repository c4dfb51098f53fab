//! The page of a request: where it stands, what happens next, what was said, and everything that one can do.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::come_back;
use super::holder::{self, Held};
use super::words::{self, Line, Step};
use crate::domain::rejection::Rejection;
use crate::domain::text::Text;
use crate::domain::ticket::{Command, State};
use crate::error::Error;
use crate::http::api::sentences;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, moment, see_other};
use crate::http::problem::{Answer, Problem, add_retry_after};
use crate::workflow::Context;
use crate::workflow::requester;

#[derive(Template)]
#[template(path = "portal/status.html")]
struct StatusPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
    opened_at: String,
    end: Option<String>,
    is_stopped: bool,
    is_over: bool,
    tag: (&'static str, &'static str),
    steps: Vec<Step>,
    next: &'static str,
    position: Option<i64>,
    usual_time: String,
    question: Option<&'a str>,
    timeline: Vec<Line>,
    call_words: Option<&'a str>,
    may: May,
    message: &'a str,
}

/// What can be done now.
#[expect(clippy::struct_excessive_bools, reason = "each is a link of the page, there or not")]
struct May {
    confirm: bool,
    activate: bool,
    answer: bool,
    check: bool,
    prove: bool,
    withdraw: bool,
}

impl May {
    fn of(state: State, is_known: bool) -> Self {
        let allowed = |command: Command| command.states().contains(&state);
        let may = |command: Command| is_known && allowed(command);
        Self {
            confirm: !is_known && allowed(Command::Return),
            activate: may(Command::Activate),
            answer: may(Command::Answer),
            check: may(Command::Diagnose),
            prove: may(Command::Prove),
            withdraw: allowed(Command::Withdraw),
        }
    }
}

/// Shows it to the browser that holds it.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match holder::look(&request, &ctx).await? {
        Some(held) => page(&request, &ctx, &held, "", &Errors::default()),
        None => come_back::stranger(&request, &ctx),
    }
}

fn page(request: &HttpRequest, ctx: &Context, held: &Held, message: &str, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = &held.status;
    let question = status.timeline.iter().rev().find(|moment| moment.kind == "question");
    let page = StatusPage {
        f: &frame,
        errors,
        reference: &held.reference,
        opened_at: moment(status.opened_at),
        end: words::end(status),
        is_stopped: status.state == State::Frozen,
        is_over: status.state == State::Closed,
        tag: words::tag(status),
        steps: words::steps(status),
        next: sentences::next(status),
        position: status.position,
        usual_time: words::usual_time(&ctx.config.desk),
        question: question
            .filter(|_| status.state == State::Waiting)
            .and_then(|moment| moment.text.as_deref()),
        timeline: words::timeline(&status.timeline),
        call_words: status.call_words.as_deref(),
        may: May::of(status.state, status.is_known),
        message,
    };
    let code = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(code, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyForm {
    #[serde(default)]
    message: String,
}

/// Takes an answer.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn reply(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (ReplyForm { message }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    if Text::parse(&message).is_none() {
        let text = match message.trim() {
            "" => "Write your message first",
            _ => "Use at most 4,000 characters",
        };
        return page(&request, &ctx, &held, &message, &Errors::one("message", text));
    }
    let place = format!("/tickets/{}#happened", held.reference);
    let acting = sent.once(&request, &ctx, "", &place);
    match requester::reply(&acting, &held.reference, &held.token, message.clone()).await {
        Ok(_) => Ok(see_other(&place)),
        Err(Error::Rejected(limit @ Rejection::LimitReached(..))) => {
            let problem = Problem::from(limit);
            let text = "You have sent twenty messages within an hour. Wait before you send more";
            let errors = Errors::one("message", text);
            let mut answer = page(&request, &ctx, &held, &message, &errors)?;
            answer.head_mut().status = problem.status();
            add_retry_after(&mut answer, &problem, ctx.now());
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page of somebody who wrote that, for the properties of what is shown.
#[cfg(any(test, fuzzing))]
pub(crate) fn rendered(ctx: &Context, written: &str) -> askama::Result<String> {
    let at = chrono::NaiveDateTime::default();
    let moment = |kind| requester::Moment { at, kind, text: Some(written.to_owned()) };
    let status = requester::Status {
        reference: crate::domain::ids::Reference::new("RK-7Q4M-2XKD"),
        state: State::Waiting,
        reason: None,
        opened_at: at,
        position: None,
        ends_at: Some(at),
        timeline: vec![moment("request"), moment("question"), moment("answer")],
        proof: None,
        codes: 1,
        is_known: true,
        call_words: None,
    };
    let frame = Frame::plain(ctx);
    StatusPage {
        f: &frame,
        errors: &Errors::default(),
        reference: "RK-7Q4M-2XKD",
        opened_at: crate::http::pages::moment(at),
        end: words::end(&status),
        is_stopped: false,
        is_over: false,
        tag: words::tag(&status),
        steps: words::steps(&status),
        next: sentences::next(&status),
        position: None,
        usual_time: words::usual_time(&ctx.config.desk),
        question: Some(written),
        timeline: words::timeline(&status.timeline),
        call_words: None,
        may: May::of(State::Waiting, true),
        message: written,
    }
    .render()
}
