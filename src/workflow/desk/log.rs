//! The audit log, as auditors and admins read it: newest first, with names in place of ids where there are names.

use std::collections::{HashMap, HashSet};

use super::{MOST, timeline};
use crate::db::audit::{self, Entry};
use crate::db::{Conn, ownership, staff, tickets};
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
    let (inner, member, now) = (ctx.clone(), who.member().clone(), ctx.now());
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
            let own = own(conn, &inner, &member, &found, now)?;
            Ok(LogPage { items: named(conn, found, &own)?, next })
        })
        .await
}

fn read_cursor(cursor: &str) -> Option<EntryId> {
    super::is_id(cursor).then(|| EntryId::new(cursor))
}

/// Of the tickets of these entries, those of the reader's own account: what the staff wrote on them is not theirs to read.
fn own(
    conn: &mut Conn,
    ctx: &Context,
    reader: &StaffId,
    found: &[Entry],
    now: Time,
) -> Result<HashSet<TicketId>, Error> {
    let member = staff::get(conn, reader)?;
    let mut theirs = ownership::accounts_with(conn, &member.email, now - ctx.policy.fresh)?;
    theirs.extend(member.account_id);
    let ids = found.iter().filter_map(|entry| entry.ticket_id.clone()).collect();
    let of = tickets::list_accounts(conn, ids)?;
    Ok(of.into_iter().filter(|(_, account)| theirs.contains(account)).map(|(ticket, _)| ticket).collect())
}

fn named(conn: &mut Conn, found: Vec<Entry>, own: &HashSet<TicketId>) -> Result<Vec<Logged>, Error> {
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
            details: match &entry.ticket_id {
                Some(ticket) if own.contains(ticket) => timeline::without_reasons(timeline::details(&entry)),
                _ => timeline::details(&entry),
            },
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
