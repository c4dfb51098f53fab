//! The audit log, for auditors and admins: what happened, by whom, newest first.
//!
//! The rule: the log and nothing beyond it. Accounts stand there by their ids, and no link leads to a ticket.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;
use url::form_urlencoded;

use super::me::Me;
use super::times::When;
use crate::domain::Time;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::body::query;
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::desk::{self, LogAsked, LogPage, Logged};

/// Entries of a page.
const ROWS: i64 = 50;

struct Line {
    when: When,
    exact: String,
    action: String,
    who: String,
    subject: String,
    subject_id: String,
    version: i32,
    ticket: Option<String>,
    details: Vec<(String, String)>,
    position: Option<i64>,
}

#[derive(Template)]
#[template(path = "desk/audit.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    ticket: &'a str,
    is_unknown: bool,
    lines: Vec<Line>,
    next: Option<String>,
    is_later: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    ticket: String,
    cursor: String,
}

/// Shows a page of it.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::of(&request, &ctx).await?;
    let wanted: Wanted = query(&request)?;
    let ticket = wanted.ticket.trim();
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let asked = LogAsked { ticket: filled(ticket), cursor: filled(&wanted.cursor), limit: ROWS };
    let (found, is_unknown) = match desk::log(&ctx, &me.session, asked).await {
        Ok(found) => (found, false),
        Err(Error::Rejected(Rejection::NotFound)) => (LogPage { items: Vec::new(), next: None }, true),
        Err(error) => return Err(error.into()),
    };
    let (f, now) = (Frame::of(&request, &ctx), ctx.now());
    let page = Page {
        f: &f,
        me: &me,
        here: "audit",
        ticket,
        is_unknown,
        lines: found.items.into_iter().map(|entry| line(entry, now)).collect(),
        next: found.next.map(|cursor| next_page(ticket, &cursor)),
        is_later: !wanted.cursor.is_empty(),
    };
    f.page(if is_unknown { StatusCode::NOT_FOUND } else { StatusCode::OK }, &page)
}

fn next_page(ticket: &str, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !ticket.is_empty() {
        query.append_pair("ticket", ticket);
    }
    format!("/desk/audit?{}", query.append_pair("cursor", cursor).finish())
}

fn line(entry: Logged, now: Time) -> Line {
    let kind = match &*entry.actor {
        "requester" => "The requester",
        "machine" => "Rekey",
        "host" => "Host",
        "owner" => "The account's owner",
        "console" => "Command line",
        _ => "",
    };
    let who = match (&*entry.actor, entry.actor_name) {
        ("staff", Some(name)) => name,
        ("host", Some(id)) => format!("Host {id}"),
        _ => kind.to_owned(),
    };
    Line {
        when: When::of(entry.at, now),
        exact: entry.at.format("%-d %b %Y, %H:%M:%S UTC").to_string(),
        action: sentence(&entry.action),
        who,
        subject: entry.subject,
        subject_id: entry.subject_id,
        version: entry.subject_version,
        ticket: entry.ticket.map(|reference| reference.to_string()),
        details: entry.details,
        position: entry.position,
    }
}

/// `evidence_recorded` as `Evidence recorded`.
fn sentence(word: &str) -> String {
    let mut words = word.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}
