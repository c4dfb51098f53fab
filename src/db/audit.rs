//! The audit log: inserted in the transaction of the change, each entry with a MAC; sealed in order into a chain.
//!
//! No insert, no action: an error here fails the whole transaction.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::conn::on_both;
use super::schema::{audit_checkpoints, audit_entries, tickets};
use super::{Conn, Error};
use crate::crypto::Crypto;
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, EntryId, TicketId};

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_entries, treat_none_as_default_value = false)]
pub struct Entry {
    /// Which (UUIDv7).
    pub id: EntryId,
    /// When.
    pub at: Time,
    /// Who: requester, staff, host, machine, console.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: Option<String>,
    /// What happened.
    pub action: String,
    /// About what.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// The subject's version after the change: 1, 2, 3 without a gap.
    pub subject_version: i32,
    /// The ticket in whose course it happened.
    pub ticket_id: Option<TicketId>,
    /// Particulars, as JSON.
    pub details: String,
    /// Keyed MAC over all of the above.
    pub mac: Vec<u8>,
    /// Place in the chain; none until the worker has sealed it.
    pub position: Option<i64>,
    /// Hash over the former entry's hash and this entry.
    pub chain: Option<Vec<u8>>,
}

/// A signed statement of how far the chain went.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = audit_checkpoints)]
pub struct Checkpoint {
    /// The last position that it covers.
    pub position: i64,
    /// The hash at that position.
    pub chain: Vec<u8>,
    /// When.
    pub at: Time,
    /// Ed25519 over position, hash and time.
    pub signature: Vec<u8>,
}

impl Entry {
    /// The bytes that MAC and chain are made of: every field, each behind its length.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let version = self.subject_version.to_string();
        let at = self.at.and_utc().timestamp().to_string();
        let fields = [
            self.id.as_str(),
            &at,
            &self.actor_kind,
            self.actor_id.as_deref().unwrap_or_default(),
            &self.action,
            &self.subject_kind,
            &self.subject_id,
            &version,
            self.ticket_id.as_ref().map(TicketId::as_str).unwrap_or_default(),
            &self.details,
        ];
        let mut bytes = Vec::with_capacity(256);
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }
}

impl Checkpoint {
    /// The bytes that are signed.
    #[must_use]
    pub fn bytes(position: i64, chain: &[u8], at: Time) -> Vec<u8> {
        let mut bytes = b"rekey audit checkpoint".to_vec();
        bytes.extend_from_slice(&position.to_be_bytes());
        bytes.extend_from_slice(&at.and_utc().timestamp().to_be_bytes());
        bytes.extend_from_slice(chain);
        bytes
    }
}

/// What surrounds an event: who, when, about what.
pub struct Circumstances<'a> {
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub at: Time,
    /// About what.
    pub subject: &'a Subject,
    /// The subject's version after the change.
    pub version: i32,
    /// The ticket in whose course it happens.
    pub ticket: Option<&'a TicketId>,
}

/// Writes an entry.
///
/// # Errors
/// `Unique` where the subject has an entry of that version: somebody else changed it meanwhile.
pub fn insert(
    conn: &mut Conn,
    crypto: &Crypto,
    around: &Circumstances<'_>,
    event: &Event,
) -> Result<(), Error> {
    let written = diesel::insert_into(audit_entries::table)
        .values(entry(crypto, around, event))
        .execute(conn)
        .map_err(lost_race)?;
    require_written(written, 1)
}

/// Writes some hundred entries at once.
///
/// # Errors
/// As [`insert`].
pub fn insert_all(conn: &mut Conn, entries: Vec<Entry>) -> Result<(), Error> {
    let wanted = entries.len();
    let written = on_both!(conn, c => diesel::insert_into(audit_entries::table).values(entries).execute(c).map_err(lost_race)?);
    require_written(written, wanted)
}

/// A trigger may swallow a row and report no error; without its entry nothing is done.
fn require_written(written: usize, wanted: usize) -> Result<(), Error> {
    if written == wanted {
        Ok(())
    } else {
        Err(Error::Corrupt("an entry of the audit log that is not written"))
    }
}

fn lost_race(error: diesel::result::Error) -> Error {
    match Error::from(error) {
        // The version is taken: whoever took it was faster.
        Error::Unique(constraint) if constraint.name().contains("version") => Error::Stale,
        other => other,
    }
}

/// An entry that is not stored yet.
#[must_use]
pub fn entry(crypto: &Crypto, around: &Circumstances<'_>, event: &Event) -> Entry {
    let details: serde_json::Map<String, serde_json::Value> =
        event.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    let mut entry = Entry {
        id: EntryId::new(crypto.id(around.at)),
        at: around.at,
        actor_kind: around.actor.kind().to_owned(),
        actor_id: around.actor.id().map(str::to_owned),
        action: event.action.as_str().to_owned(),
        subject_kind: around.subject.kind().to_owned(),
        subject_id: around.subject.id().to_owned(),
        subject_version: around.version,
        ticket_id: around.ticket.cloned(),
        details: serde_json::Value::Object(details).to_string(),
        mac: Vec::new(),
        position: None,
        chain: None,
    };
    entry.mac = crypto.entry_mac(&entry.bytes()).to_vec();
    entry
}

/// Entries that are not yet in the chain, oldest first, after an id or from the first one.
///
/// # Errors
/// Of the database alone.
pub fn list_unsealed(conn: &mut Conn, after: Option<&EntryId>, limit: i64) -> Result<Vec<Entry>, Error> {
    let mut query = audit_entries::table
        .filter(audit_entries::position.is_null())
        .order(audit_entries::id)
        .limit(limit)
        .select(Entry::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(audit_entries::id.gt(after.clone()));
    }
    Ok(query.load(conn)?)
}

/// Entries of something that happened, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_by_action(conn: &mut Conn, action: Action, limit: i64) -> Result<Vec<Entry>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::subject_kind.eq(Subject::System.kind()))
        .filter(audit_entries::action.eq(action.as_str()))
        .order(audit_entries::id)
        .limit(limit)
        .select(Entry::as_select())
        .load(conn)?)
}

/// The entries of one subject, by version.
///
/// # Errors
/// Of the database alone.
pub fn list_of(conn: &mut Conn, subject: &Subject) -> Result<Vec<Entry>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::subject_kind.eq(subject.kind()))
        .filter(audit_entries::subject_id.eq(subject.id()))
        // In the words of the index, which SQLite does not take for a bound value.
        .filter(sql::<Bool>("subject_kind <> 'system'"))
        .order(audit_entries::subject_version)
        .select(Entry::as_select())
        .load(conn)?)
}

/// The entry of a subject's last version.
///
/// # Errors
/// Of the database alone.
pub fn last_of(conn: &mut Conn, subject: &Subject) -> Result<Option<Entry>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::subject_kind.eq(subject.kind()))
        .filter(audit_entries::subject_id.eq(subject.id()))
        // In the words of the index, which SQLite does not take for a bound value.
        .filter(sql::<Bool>("subject_kind <> 'system'"))
        .order(audit_entries::subject_version.desc())
        .select(Entry::as_select())
        .first(conn)
        .optional()?)
}

/// The end of the chain: position and hash.
///
/// # Errors
/// Of the database alone.
pub fn end_of_chain(conn: &mut Conn) -> Result<Option<(i64, Vec<u8>)>, Error> {
    let last: Option<(Option<i64>, Option<Vec<u8>>)> = audit_entries::table
        .filter(audit_entries::position.is_not_null())
        .order(audit_entries::position.desc())
        .select((audit_entries::position, audit_entries::chain))
        .first(conn)
        .optional()?;
    Ok(last.and_then(|(position, chain)| position.zip(chain)))
}

/// Puts an entry into the chain, unless somebody else has.
///
/// # Errors
/// `Stale`; `Unique` where the position is taken.
pub fn seal(conn: &mut Conn, id: &EntryId, position: i64, chain: &[u8]) -> Result<(), Error> {
    let changed = diesel::update(audit_entries::table.find(id).filter(audit_entries::position.is_null()))
        .set((audit_entries::position.eq(position), audit_entries::chain.eq(chain)))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Stores a checkpoint.
///
/// # Errors
/// `Unique` where there is one of that position.
pub fn insert_checkpoint(conn: &mut Conn, checkpoint: Checkpoint) -> Result<(), Error> {
    diesel::insert_into(audit_checkpoints::table).values(checkpoint).execute(conn)?;
    Ok(())
}

/// The newest checkpoint.
///
/// # Errors
/// Of the database alone.
pub fn last_checkpoint(conn: &mut Conn) -> Result<Option<Checkpoint>, Error> {
    Ok(audit_checkpoints::table.order(audit_checkpoints::position.desc()).first(conn).optional()?)
}

/// Checkpoints after a position, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_checkpoints(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Checkpoint>, Error> {
    Ok(audit_checkpoints::table
        .filter(audit_checkpoints::position.gt(after))
        .order(audit_checkpoints::position)
        .limit(limit)
        .load(conn)?)
}

/// A stretch of the chain, in order, after a position.
///
/// # Errors
/// Of the database alone.
pub fn list_sealed(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Entry>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::position.gt(after))
        .order(audit_entries::position)
        .limit(limit)
        .select(Entry::as_select())
        .load(conn)?)
}

/// A page of the log, newest first; of one ticket, where one is named.
///
/// # Errors
/// Of the database alone.
pub fn list(
    conn: &mut Conn,
    ticket: Option<&TicketId>,
    before: Option<&EntryId>,
    limit: i64,
) -> Result<Vec<Entry>, Error> {
    let mut query = audit_entries::table
        .select(Entry::as_select())
        .order(audit_entries::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(ticket) = ticket {
        query = query.filter(audit_entries::ticket_id.eq(ticket.clone()));
    }
    if let Some(before) = before {
        query = query.filter(audit_entries::id.lt(before.clone()));
    }
    Ok(query.load(conn)?)
}

/// The entries of one ticket, oldest first: its timeline.
///
/// # Errors
/// Of the database alone.
pub fn timeline(conn: &mut Conn, ticket: &TicketId, limit: i64) -> Result<Vec<Entry>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::ticket_id.eq(ticket))
        .filter(audit_entries::subject_kind.eq("ticket"))
        .order(audit_entries::id)
        .limit(limit)
        .select(Entry::as_select())
        .load(conn)?)
}

/// Whether a member of the staff had a hand in a ticket.
///
/// # Errors
/// Of the database alone.
pub fn took_part(conn: &mut Conn, ticket: &TicketId, staff: &str) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(
        audit_entries::table
            .filter(audit_entries::ticket_id.eq(ticket))
            .filter(audit_entries::actor_id.eq(staff)),
    ))
    .get_result(conn)?)
}

/// How often something was done on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn count_of_ticket(conn: &mut Conn, ticket: &TicketId, action: Action) -> Result<usize, Error> {
    let count: i64 = audit_entries::table
        .filter(audit_entries::ticket_id.eq(ticket))
        .filter(audit_entries::action.eq(action.as_str()))
        .count()
        .get_result(conn)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether another ticket of the account was frozen since a time, whatever became of it.
///
/// # Errors
/// Of the database alone.
pub fn was_frozen(conn: &mut Conn, account: &AccountId, but: &TicketId, since: Time) -> Result<bool, Error> {
    let others = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::id.ne(but))
        .filter(tickets::confirmed_at.is_not_null())
        .select(tickets::id.nullable());
    Ok(diesel::select(diesel::dsl::exists(
        audit_entries::table
            .filter(audit_entries::ticket_id.eq_any(others))
            .filter(audit_entries::action.eq(Action::Frozen.as_str()))
            .filter(audit_entries::at.ge(since)),
    ))
    .get_result(conn)?)
}
