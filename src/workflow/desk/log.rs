//! The audit log, as auditors and admins read it: newest first, with names in place of ids where there are names.

use std::collections::HashMap;

use super::{MOST, timeline};
use crate::db::audit::{self, Entry};
use crate::db::{Conn, staff, tickets};
use crate::domain::Time;
use crate::domain::ids::{EntryId, Reference, StaffId, TicketId};
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::workflow::session::StaffSession;
use crate::workflow::{Context, requester};

/// What is asked of the log.
#[derive(Debug, Clone, Default)]
pub struct LogAsked {
    /// The reference of a ticket; all entries without one.
    pub ticket: Option<String>,
    /// Where the former page ended.
    pub cursor: Option<String>,
    /// How many entries, 1 to 100.
    pub limit: i64,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub id: EntryId,
    /// When.
    pub at: Time,
    /// The kind of actor.
    pub actor: String,
    /// Their name, or the id of a host.
    pub actor_name: Option<String>,
    /// What happened.
    pub action: String,
    /// The kind of subject.
    pub subject: String,
    /// Which one.
    pub subject_id: String,
    /// The subject's version after the change.
    pub subject_version: i32,
    /// The ticket in whose course it happened.
    pub ticket: Option<Reference>,
    /// Particulars, by name.
    pub details: Vec<(String, String)>,
    /// Place in the chain; none until it is sealed.
    pub position: Option<i64>,
}

/// One page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Its entries, newest first.
    pub items: Vec<Logged>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// One page of the audit log.
///
/// # Errors
/// `NotFound` for a ticket that does not exist, `RoleTooLow` for all but auditors and admins, `Invalid`.
pub async fn log(ctx: &Context, who: &StaffSession, asked: LogAsked) -> Result<LogPage, Error> {
    if !who.roles.may_read_audit() {
        return Err(Rejection::RoleTooLow.into());
    }
    if !(1..=MOST).contains(&asked.limit) {
        return Err(Rejection::Invalid("limit is not between 1 and 100").into());
    }
    let before = match &asked.cursor {
        Some(cursor) => Some(read_cursor(cursor).ok_or(Rejection::Invalid("cursor is none of ours"))?),
        None => None,
    };
    let (reference, limit) = (asked.ticket, asked.limit);
    ctx.db
        .read(move |conn| {
            let ticket = match &reference {
                Some(reference) => {
                    let found = tickets::find(conn, &requester::parse_reference(reference))?;
                    Some(found.ok_or(Rejection::NotFound)?.id)
                }
                None => None,
            };
            let mut found = audit::list(conn, ticket.as_ref(), before.as_ref(), limit + 1)?;
            let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let next = found.last().filter(|_| more).map(|last| last.id.to_string());
            Ok(LogPage { items: named(conn, found)?, next })
        })
        .await
}

fn read_cursor(cursor: &str) -> Option<EntryId> {
    super::is_id(cursor).then(|| EntryId::new(cursor))
}

fn named(conn: &mut Conn, found: Vec<Entry>) -> Result<Vec<Logged>, Error> {
    let actors = found.iter().filter(|entry| entry.actor_kind == "staff");
    let actors = actors.filter_map(|entry| entry.actor_id.clone().map(StaffId::new)).collect();
    let names: HashMap<StaffId, String> = staff::names(conn, actors)?.into_iter().collect();
    let ids = found.iter().filter_map(|entry| entry.ticket_id.clone()).collect();
    let references: HashMap<TicketId, Reference> = tickets::references(conn, ids)?.into_iter().collect();
    Ok(found
        .into_iter()
        .map(|entry| Logged {
            actor_name: entry
                .actor_id
                .clone()
                .map(|id| names.get(&StaffId::new(&*id)).cloned().unwrap_or(id)),
            ticket: entry.ticket_id.as_ref().and_then(|id| references.get(id).cloned()),
            details: timeline::details(&entry),
            id: entry.id,
            at: entry.at,
            actor: entry.actor_kind,
            action: entry.action,
            subject: entry.subject_kind,
            subject_id: entry.subject_id,
            subject_version: entry.subject_version,
            position: entry.position,
        })
        .collect())
}
