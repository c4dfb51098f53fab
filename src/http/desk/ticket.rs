//! One ticket: everything that a decision needs, on one page.
//!
//! The rule: a form that is refused comes back with what was typed, and with the reason.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::me::Me;
use super::moments::{self, Shown};
use super::times::{Told, When};
use super::view::{May, Task, tasks};
use super::words::{self, Say, Tag};
use crate::config::CannedReply;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{MessageKind, State};
use crate::error::Error;
use crate::http::body::query;
use crate::http::pages::Frame;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::desk::{self, DeskTicket, Source};

/// What stands above the page after a command.
pub(super) struct Notice {
    /// `good`, `warn` or `bad`.
    pub(super) class: &'static str,
    /// What is the matter.
    pub(super) heading: &'static str,
    /// What to do about it.
    pub(super) text: String,
    /// What others have done meanwhile.
    pub(super) changes: Vec<String>,
}

/// What was typed into the form that was refused.
#[derive(Default)]
pub(super) struct Kept {
    /// Which form.
    pub(super) form: String,
    /// Its text.
    pub(super) text: String,
    /// Why no PIN is made, where it says so.
    pub(super) decline: String,
}

impl Kept {
    fn is(&self, form: &str) -> bool {
        self.form == form
    }

    /// The text, if it belongs into that form.
    fn text(&self, form: &str) -> &str {
        if self.is(form) { &self.text } else { "" }
    }

    /// Why no PIN is made, if it belongs into that form.
    fn decline(&self, form: &str) -> &str {
        if self.is(form) { &self.decline } else { "" }
    }
}

#[derive(Template)]
#[template(path = "desk/ticket.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    t: &'a DeskTicket,
    state: Tag,
    since: When,
    deadline: Option<(&'static str, When)>,
    may: May,
    tasks: Vec<Task<'a>>,
    missing: Vec<String>,
    finding: Option<String>,
    moments: Vec<Shown>,
    notice: Option<Notice>,
    kept: Kept,
    replies: &'a [CannedReply],
}

impl Page<'_> {
    /// What the requester wrote first.
    fn request(&self) -> Option<&str> {
        let mut messages = self.t.timeline.iter().filter(|moment| moment.source == Source::Message);
        messages.find(|moment| moment.what == MessageKind::Request.as_str())?.text.as_deref()
    }

    fn lookers(&self) -> String {
        words::lookers(&self.t.row.lookers)
    }

    fn is_frozen(&self) -> bool {
        self.t.row.state == State::Frozen
    }

    /// Why there is no way to approve.
    fn why_not(&self) -> &'static str {
        match self.t.row.state {
            State::Unconfirmed | State::Open => "Somebody has to take the ticket first.",
            State::InReview if !self.t.row.is_mine => "Whoever has the ticket decides.",
            State::InReview => "Approval comes up here once nothing is missing.",
            State::Waiting => "The requester was asked for something; the clock stands still.",
            State::AwaitingApproval if !self.missing.is_empty() => {
                "Evidence has lapsed since the first approval."
            }
            State::AwaitingApproval => "An approver or admin other than the first one has to approve.",
            State::Approved => "Approved. The key is made and sent when the hold is over.",
            State::KeySent => "The key is out. The person has to prove it.",
            State::Completed => "Done: the new key works, and the former one is revoked.",
            State::Closed => "Closed.",
            State::Frozen => "Frozen: nothing works on it until an admin who took no part thaws it.",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    done: String,
}

/// Shows it.
///
/// # Errors
/// 401, 403, 404, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, reference: Path<String>) -> Answer {
    let me = Me::of(&request, &ctx).await?;
    let asked: Asked = query(&request)?;
    desk::look(&ctx, &me.session, &reference).await?;
    let ticket = desk::ticket(&ctx, &me.session, &reference).await?;
    render(&request, &ctx, &me, &ticket, StatusCode::OK, done(&asked.done), Kept::default())
}

/// Shows it again after a refusal, with what was typed.
///
/// # Errors
/// What is no refusal of the ticket's own.
pub(super) async fn refuse(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    reference: &str,
    version: i32,
    error: Error,
    kept: Kept,
) -> Answer {
    let Error::Rejected(rejection) = error else { return Err(error.into()) };
    let outdated = rejection == Rejection::Outdated;
    let problem = Problem::from(rejection);
    if problem.status() == StatusCode::NOT_FOUND {
        return Err(problem);
    }
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let notice = if outdated {
        Notice {
            class: "warn",
            heading: "The ticket changed while you had it open",
            text: "Nothing was done. What you typed is still in its form: look at what changed, then send it again."
                .to_owned(),
            changes: moments::since(&ticket.timeline, version),
        }
    } else {
        let text = refusal(&problem, &ticket);
        Notice { class: "bad", heading: "That was not done", text, changes: Vec::new() }
    };
    render(request, ctx, me, &ticket, problem.status(), Some(notice), kept)
}

/// Shows it with what was typed before somebody had to sign in again.
///
/// # Errors
/// 403, 404.
pub(super) async fn show_again(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    reference: &str,
    version: i32,
    kept: Kept,
    notice: Notice,
) -> Answer {
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let notice = Notice { changes: moments::since(&ticket.timeline, version), ..notice };
    render(request, ctx, me, &ticket, StatusCode::OK, Some(notice), kept)
}

/// Shows it with a message that is not sent yet.
///
/// # Errors
/// 403, 404.
pub(super) async fn inserted(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    reference: &str,
    version: i32,
    kept: Kept,
) -> Answer {
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let notice = Notice {
        class: "good",
        heading: "Not sent yet",
        text: "The message is in its form: read it, change what does not fit, then send it.".to_owned(),
        changes: moments::since(&ticket.timeline, version),
    };
    render(request, ctx, me, &ticket, StatusCode::OK, Some(notice), kept)
}

/// The reason of a refusal, with what an approval still lacks.
pub(super) fn refusal(problem: &Problem, ticket: &DeskTicket) -> String {
    let lacks: Vec<String> =
        problem.missing().iter().map(|one| words::missing(*one, &ticket.policy)).collect();
    if lacks.is_empty() {
        let mut detail = problem.detail().to_owned();
        if let Some(first) = detail.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        if !detail.ends_with('.') {
            detail.push('.');
        }
        return detail;
    }
    format!("{} Missing: {}.", problem.detail(), lacks.join("; "))
}

fn render(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    t: &DeskTicket,
    status: StatusCode,
    notice: Option<Notice>,
    kept: Kept,
) -> Answer {
    let (f, now) = (Frame::of(request, ctx), ctx.now());
    let may = May::of(me, t, &ctx.policy);
    let page = Page {
        f: &f,
        me,
        here: "",
        state: words::state(t.row.state, t.row.reason),
        since: When::of(t.row.state_since, now),
        deadline: super::queue::deadline(&t.row, now),
        tasks: tasks(t, &may),
        missing: t.policy.missing.iter().map(|one| words::missing(*one, &t.policy)).collect(),
        finding: (!t.diagnosis.is_empty()).then(|| moments::finding(&t.diagnosis)),
        moments: moments::shown(&t.timeline, now),
        t,
        may,
        notice,
        kept,
        replies: &ctx.config.desk.replies,
    };
    f.page(status, &page)
}

/// What was just done, in words; anything else says nothing.
fn done(word: &str) -> Option<Notice> {
    let text = match word {
        "claim" | "take-over" => "The ticket is yours.",
        "release" => "The ticket is back in the queue.",
        "resume" => "You went on without an answer.",
        "ask" => {
            "Your question waits on the requester's page, and a letter tells them so. The clock stands still."
        }
        "reply" => "Your message waits on the requester's page, and a letter tells them so.",
        "note" => "The note was written. Only the staff see it.",
        "reject" => "The request was turned down. Every address on file is told.",
        "close" => "The ticket is closed.",
        "freeze" => "The ticket is frozen: nothing works on it until an admin thaws it.",
        "thaw" => "The ticket goes on. Everything has to be established anew.",
        "flag" => "Noted. The ticket is privileged from now on.",
        "evidence" => "The verification was recorded.",
        "pin-shown" => {
            "The form was sent already, and is done. A PIN that came with it was shown once, and is not shown again: if \
             you did not write it down, make another one. The previous one stops working then."
        }
        "vouch" => "A letter asks the manager on file. Their answer is recorded by itself.",
        "requests" => "Recorded. Whoever holds the other requests is out.",
        "approve" => "Approved.",
        "reissue" => "Another key goes out. The former one is dead.",
        _ => return None,
    };
    Some(Notice { class: "good", heading: "Done", text: text.to_owned(), changes: Vec::new() })
}
