//! Approving, and issuing a key anew: a page of its own that says exactly what is being decided.
//!
//! The rule: the button does not exist until the policy is met, and no key press sends the form.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use askama::Template;
use serde::Deserialize;

use super::commands::{page, stepped_up};
use super::draft::posted;
use super::me::Me;
use super::moments;
use super::ticket::{Notice, refusal};
use super::times::Told;
use super::view::May;
use super::words::{self, Say};
use crate::domain::policy::TierPolicy;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Problem as Trouble, State};
use crate::error::Error;
use crate::http::pages::{Frame, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::approve::{approve, reissue};
use crate::workflow::desk::{self, DeskTicket};

/// What was typed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    version: i32,
    #[serde(default)]
    account: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    code: String,
}

impl Typed {
    /// What was typed before somebody had to sign in again; the code is not among it.
    pub(super) fn again(version: i32, account: &str, reason: &str) -> Self {
        Self { version, account: account.to_owned(), reason: reason.to_owned(), code: String::new() }
    }
}

#[derive(Template)]
#[template(path = "desk/approve.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    t: &'a DeskTicket,
    is_reissue: bool,
    is_offered: bool,
    is_second: bool,
    missing: Vec<String>,
    rule: &'a TierPolicy,
    second_within: i64,
    key_hours: i64,
    reissues_left: i32,
    notice: Option<Notice>,
    typed: &'a Typed,
}

impl Page<'_> {
    /// What happens the moment that the form is sent.
    fn what_follows(&self) -> String {
        let to = &self.t.key_goes_to;
        if self.is_reissue {
            return format!(
                "Another key is made and sent to {to}. The one that was sent before dies at once."
            );
        }
        if self.rule.people > self.t.approvals.len() + 1 {
            return format!(
                "Nothing is sent yet. An approver or admin other than you has to approve too, within {} hours.",
                self.second_within
            );
        }
        match self.rule.hold.num_hours() {
            0 => format!("A key is made and sent to {to} at once."),
            hours => format!(
                "The hold begins: every address on file is told, and in {hours} hours a key is made and sent to {to}."
            ),
        }
    }

    fn codes(&self) -> &'static str {
        if self.rule.codes > 1 { "two codes in a row of the new key" } else { "a code of the new key" }
    }

    fn former(&self) -> &'static str {
        if self.t.row.problem == Trouble::StolenDevice {
            "The former authenticator is suspended at once: the device was reported stolen."
        } else {
            "The former authenticator keeps working until the new key is proven."
        }
    }
}

/// Shows what would be approved.
///
/// # Errors
/// 401, 403, 404.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, reference: Path<String>) -> Answer {
    look(&request, &ctx, &reference, false).await
}

/// Shows what would be issued anew.
///
/// # Errors
/// 401, 403, 404.
pub(super) async fn show_reissue(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
) -> Answer {
    look(&request, &ctx, &reference, true).await
}

async fn look(request: &HttpRequest, ctx: &Context, reference: &str, is_reissue: bool) -> Answer {
    let me = Me::of(request, ctx).await?;
    desk::look(ctx, &me.session, reference).await?;
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let fresh = Typed { version: ticket.row.version, ..Typed::default() };
    render(request, ctx, &me, &ticket, is_reissue, StatusCode::OK, None, &fresh)
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
    is_reissue: bool,
    typed: Typed,
    notice: Notice,
) -> Answer {
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let notice = Notice { changes: moments::since(&ticket.timeline, typed.version), ..notice };
    let typed = Typed { version: ticket.row.version, ..typed };
    render(request, ctx, me, &ticket, is_reissue, StatusCode::OK, Some(notice), &typed)
}

/// Approves.
///
/// # Errors
/// 401, 403, 404, 422; other refusals come back as the page.
pub(super) async fn send(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    decide(&request, &ctx, &reference, payload, false).await
}

/// Issues the key anew.
///
/// # Errors
/// As [`send`].
pub(super) async fn send_reissue(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    decide(&request, &ctx, &reference, payload, true).await
}

async fn decide(
    request: &HttpRequest,
    ctx: &Context,
    reference: &str,
    payload: Payload,
    is_reissue: bool,
) -> Answer {
    let (me, typed, sent): (Me, Typed, _) = posted(request, ctx, payload).await?;
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let place = page(reference, if is_reissue { "reissue" } else { "approve" });
    let acting = sent.once(request, ctx, me.session.member().as_str(), &place);
    match decided(ctx, &acting, &me, &ticket, reference, &typed, is_reissue).await {
        Ok(()) => Ok(see_other(&place)),
        Err(Error::Rejected(rejection)) => {
            // The code may have been taken before something else failed: the session is read again.
            let me = Me::of(request, ctx).await?;
            refuse(request, ctx, &me, reference, is_reissue, rejection, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A fresh code first, unless one stands; then the decision. What can be refused without a code is refused before it.
async fn decided(
    plain: &Context,
    acting: &Context,
    me: &Me,
    ticket: &DeskTicket,
    reference: &str,
    typed: &Typed,
    is_reissue: bool,
) -> Result<(), Error> {
    if ticket.row.version != typed.version {
        return Err(Rejection::Outdated.into());
    }
    if typed.reason.trim().is_empty() {
        return Err(Rejection::Invalid("Say why, for the log.").into());
    }
    if !ticket.policy.missing.is_empty() {
        return Err(Rejection::PolicyNotMet(ticket.policy.missing.clone()).into());
    }
    let ctx = acting;
    let (account, reason) = (typed.account.as_str(), typed.reason.as_str());
    let by = me.who_saw(typed.version);
    if typed.code.trim().is_empty() {
        return if is_reissue {
            reissue(ctx, &by, reference, reason).await
        } else {
            approve(ctx, &by, reference, account, reason).await
        };
    }
    stepped_up(plain, me, &by, &typed.code, |by| async move {
        if is_reissue {
            reissue(ctx, &by, reference, reason).await
        } else {
            approve(ctx, &by, reference, account, reason).await
        }
    })
    .await
}

async fn refuse(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    reference: &str,
    is_reissue: bool,
    rejection: Rejection,
    typed: Typed,
) -> Answer {
    let ticket = desk::ticket(ctx, &me.session, reference).await?;
    let (outdated, wrong) = (rejection == Rejection::Outdated, rejection == Rejection::WrongCode);
    let problem = Problem::from(rejection);
    let notice = if outdated {
        Notice {
            class: "warn",
            heading: "The ticket changed while you had this page open",
            text: "Nothing was approved. Look at what changed, then decide again.".to_owned(),
            changes: moments::since(&ticket.timeline, typed.version),
        }
    } else {
        let text = if wrong {
            "Your code is wrong, or was used already: signing in uses one up. Wait for the next one."
                .to_owned()
        } else {
            refusal(&problem, &ticket)
        };
        Notice { class: "bad", heading: "Nothing was approved", text, changes: Vec::new() }
    };
    let again = Typed { version: ticket.row.version, code: String::new(), ..typed };
    render(request, ctx, me, &ticket, is_reissue, problem.status(), Some(notice), &again)
}

#[expect(clippy::too_many_arguments, reason = "what the page shows, each of another kind")]
fn render(
    request: &HttpRequest,
    ctx: &Context,
    me: &Me,
    t: &DeskTicket,
    is_reissue: bool,
    status: StatusCode,
    notice: Option<Notice>,
    typed: &Typed,
) -> Answer {
    let f = Frame::of(request, ctx);
    let may = May::of(me, t, &ctx.policy);
    let page = Page {
        f: &f,
        me,
        here: "",
        is_reissue,
        is_offered: if is_reissue { may.reissue } else { may.approve },
        is_second: t.row.state == State::AwaitingApproval,
        missing: t.policy.missing.iter().map(|one| words::missing(*one, &t.policy)).collect(),
        rule: ctx.policy.tier(t.row.tier),
        second_within: ctx.policy.first_approval_lifetime.num_hours(),
        key_hours: ctx.policy.key_lifetime.num_hours(),
        reissues_left: ctx.policy.reissues - t.reissues,
        t,
        notice,
        typed,
    };
    f.page(status, &page)
}
