//! The queues: what waits, sorted by the next deadline.
//!
//! The rule: which queue, what is searched for and which page stand in the URL, so that a view can be kept and sent.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::Deserialize;
use url::form_urlencoded;

use super::commands::page;
use super::draft::posted;
use super::me::Me;
use super::times::When;
use super::words::{self, Say, Tag};
use crate::domain::Time;
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::State;
use crate::error::Error;
use crate::http::body::query;
use crate::http::pages::{Frame, form, once, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::desk::{self, Asked, Queue, Row};
use crate::workflow::review;

/// Rows of a page.
const ROWS: i64 = 50;
/// How many tickets "Take next" tries, where others are faster.
const TRIES: i64 = 10;

/// The tabs, in the order of a day's work.
const TABS: [(Queue, &str); 8] = [
    (Queue::Unassigned, "Unassigned"),
    (Queue::Mine, "Mine"),
    (Queue::AwaitingApproval, "Awaiting approval"),
    (Queue::Waiting, "Waiting"),
    (Queue::Delivery, "Delivery problems"),
    (Queue::Unconfirmed, "Unconfirmed"),
    (Queue::Open, "All open"),
    (Queue::Closed, "Closed"),
];

struct Tab {
    word: &'static str,
    label: &'static str,
    is_here: bool,
}

fn tabs(here: Option<Queue>) -> Vec<Tab> {
    let tab = |(queue, label): &(Queue, &'static str)| Tab {
        word: queue.as_str(),
        label,
        is_here: here == Some(*queue),
    };
    TABS.iter().map(tab).collect()
}

struct Line {
    reference: String,
    account: String,
    /// Where more than one is set up.
    application: Option<String>,
    problem: &'static str,
    state: Tag,
    since: When,
    deadline: Option<(&'static str, When)>,
    holder: Option<String>,
    is_mine: bool,
    lookers: String,
    tier: &'static str,
    is_privileged: bool,
    is_code_held_back: bool,
}

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    tabs: Vec<Tab>,
    queue: Option<Queue>,
    q: &'a str,
    lines: Vec<Line>,
    next: Option<String>,
    is_later: bool,
    is_nothing_left: bool,
}

impl Page<'_> {
    fn title(&self) -> &'static str {
        let Some(queue) = self.queue else { return "Search" };
        TABS.iter().find(|(one, _)| *one == queue).map_or("Queue", |(_, label)| label)
    }

    /// What an empty list means.
    fn nothing(&self) -> &'static str {
        if !self.q.is_empty() {
            return "Nothing fits. Search by the whole reference (RK-7Q4M-2XKD), the address on file, or the \
                    application's name for the account; parts of words are not looked for.";
        }
        match self.queue {
            Some(Queue::Unassigned) => {
                "Nobody waits for an agent. New requests appear here once they are confirmed."
            }
            Some(Queue::Mine) => {
                "You hold no ticket. “Take next” gives you the one with the nearest deadline."
            }
            Some(Queue::AwaitingApproval) => "No ticket waits for a second approval.",
            Some(Queue::Waiting) => "Nobody owes us an answer.",
            Some(Queue::Delivery) => "Every letter of the open tickets was accepted by the mail server.",
            Some(Queue::Unconfirmed) => {
                "No request waits for its code from the mailbox. Such requests close by themselves."
            }
            Some(Queue::Open) | None => "There is no open ticket.",
            Some(Queue::Closed) => "No ticket has ended yet.",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    queue: String,
    q: String,
    cursor: String,
    done: String,
}

impl Wanted {
    fn queue(&self) -> Result<Option<Queue>, Problem> {
        match (&*self.queue, self.q.trim().is_empty()) {
            ("", true) => Ok(Some(Queue::Unassigned)),
            ("", false) => Ok(None),
            (word, _) => {
                Queue::parse(word).map(Some).ok_or_else(|| Problem::invalid("There is no such queue."))
            }
        }
    }

    pub(super) fn asked(&self) -> Result<Asked, Problem> {
        let filled = |text: &String| (!text.trim().is_empty()).then(|| text.clone());
        let (search, cursor) = (filled(&self.q), filled(&self.cursor));
        Ok(Asked { queue: self.queue()?, search, cursor, limit: ROWS })
    }
}

/// Shows a queue. Auditors have none: they are led to the log.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::of(&request, &ctx).await?;
    if !me.works() && me.audits() {
        return Ok(see_other("/desk/audit"));
    }
    let wanted: Wanted = query(&request)?;
    let queue = wanted.queue()?;
    let found = desk::list(&ctx, &me.session, wanted.asked()?).await?;
    let now = ctx.now();
    let f = Frame::of(&request, &ctx);
    let page = Page {
        f: &f,
        me: &me,
        here: "queues",
        tabs: tabs(queue),
        queue,
        q: wanted.q.trim(),
        lines: found.items.into_iter().map(|row| line(row, now)).collect(),
        next: found.next.map(|cursor| next_page(&wanted, &cursor)),
        is_later: !wanted.cursor.is_empty(),
        is_nothing_left: wanted.done == "none",
    };
    f.page(StatusCode::OK, &page)
}

fn next_page(wanted: &Wanted, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("queue", &*wanted.queue), ("q", wanted.q.trim()), ("cursor", cursor)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("/desk?{}", query.finish())
}

fn line(row: Row, now: Time) -> Line {
    Line {
        deadline: deadline(&row, now),
        reference: row.reference.to_string(),
        account: row.account.email,
        application: row.account.application,
        problem: row.problem.say(),
        state: words::state(row.state, row.reason),
        since: When::of(row.state_since, now),
        holder: row.holder,
        is_mine: row.is_mine,
        lookers: words::lookers(&row.lookers),
        tier: row.tier.say(),
        is_privileged: row.tier == Tier::Privileged,
        is_code_held_back: row.code_held_back_at.is_some(),
    }
}

/// What comes next by itself or is due, and when.
pub(super) fn deadline(row: &Row, now: Time) -> Option<(&'static str, When)> {
    let ends = row.expires_at.map(|at| (at, ending(row.state)));
    // Once it is approved, nobody waits for an answer any more.
    let due = row.due_at.filter(|_| row.state != State::Approved).map(|at| (at, "Answer due"));
    let (at, what) = match (due, ends) {
        (Some(due), Some(ends)) => due.min(ends),
        (one, other) => one.or(other)?,
    };
    Some((what, When::of(at, now)))
}

const fn ending(state: State) -> &'static str {
    match state {
        State::Approved => "Hold ends",
        State::AwaitingApproval => "Approval lapses",
        State::KeySent => "Key dies",
        _ => "Closes by itself",
    }
}

/// Takes the unassigned ticket with the nearest deadline that one may have.
///
/// # Errors
/// 401, 403.
pub(super) async fn take_next(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (me, form::Button {}, sent) = posted(&request, &ctx, payload).await?;
    let member = me.session.member().as_str();
    // Where nothing is left to take, the same form may have taken the last one.
    let _ = sent.once(&request, &ctx, member, "");
    let asked = Asked { queue: Some(Queue::Unassigned), limit: TRIES, ..Asked::default() };
    for row in desk::list(&ctx, &me.session, asked).await?.items {
        let place = page(row.reference.as_str(), "claim");
        let acting = sent.once(&request, &ctx, member, &place);
        match review::claim(&acting, &me.session.acting(), row.reference.as_str(), None).await {
            Ok(()) => return Ok(see_other(&place)),
            // Somebody was faster, or it is none of theirs.
            Err(Error::Rejected(
                Rejection::OutOfOrder | Rejection::OwnTicket | Rejection::Outranked | Rejection::NotFound,
            )) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(once::first(&request, &ctx).await.unwrap_or_else(|| see_other("/desk?done=none")))
}
