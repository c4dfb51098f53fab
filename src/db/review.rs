//! What stands on a ticket beside its row: evidence, approvals, risks, messages.

use diesel::prelude::*;

use super::schema::{approvals, evidence, messages, risks, tickets};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{AccountId, EvidenceId, StaffId, TicketId};
use crate::domain::risk::Risk;
use crate::domain::ticket::{MessageKind, NewMessage};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence, treat_none_as_default_value = false)]
struct EvidenceRow {
    id: EvidenceId,
    ticket_id: TicketId,
    method: Method,
    outcome: Outcome,
    staff_id: Option<StaffId>,
    note: String,
    at: Time,
    voided_at: Option<Time>,
}

/// Evidence with what the agent noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedEvidence {
    /// The verification.
    pub evidence: Evidence,
    /// The note.
    pub note: String,
}

/// The evidence that counts on a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_evidence(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<NotedEvidence>, Error> {
    let rows: Vec<EvidenceRow> = evidence::table
        .filter(evidence::ticket_id.eq(ticket))
        .filter(evidence::voided_at.is_null())
        .order((evidence::at, evidence::id))
        .select(EvidenceRow::as_select())
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| NotedEvidence {
            evidence: Evidence {
                id: row.id,
                method: row.method,
                outcome: row.outcome,
                by: row.staff_id,
                at: row.at,
            },
            note: row.note,
        })
        .collect())
}

/// Whether any of these tickets had failed evidence since a time.
///
/// # Errors
/// Of the database alone.
pub fn has_failed_evidence(
    conn: &mut Conn,
    account: &AccountId,
    but: &TicketId,
    since: Time,
) -> Result<bool, Error> {
    let others = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::id.ne(but))
        .filter(tickets::confirmed_at.is_not_null())
        .select(tickets::id);
    Ok(diesel::select(diesel::dsl::exists(
        evidence::table
            .filter(evidence::ticket_id.eq_any(others))
            .filter(evidence::outcome.eq(Outcome::Failed))
            .filter(evidence::at.ge(since)),
    ))
    .get_result(conn)?)
}

pub(super) fn insert_evidence(
    conn: &mut Conn,
    ticket: &TicketId,
    new: Evidence,
    note: String,
) -> Result<(), Error> {
    let row = EvidenceRow {
        id: new.id,
        ticket_id: ticket.clone(),
        method: new.method,
        outcome: new.outcome,
        staff_id: new.by,
        note,
        at: new.at,
        voided_at: None,
    };
    diesel::insert_into(evidence::table).values(row).execute(conn)?;
    Ok(())
}

pub(super) fn void_evidence(conn: &mut Conn, ticket: &TicketId, now: Time) -> Result<(), Error> {
    diesel::update(
        evidence::table
            .filter(evidence::ticket_id.eq(ticket))
            // What failed stays: the same person cannot pass that method later, thawed or not.
            .filter(evidence::outcome.eq(Outcome::Passed))
            .filter(evidence::voided_at.is_null()),
    )
    .set(evidence::voided_at.eq(now))
    .execute(conn)?;
    Ok(())
}

pub(super) fn void_mailbox_evidence(conn: &mut Conn, ticket: &TicketId, now: Time) -> Result<(), Error> {
    diesel::update(
        evidence::table
            .filter(evidence::ticket_id.eq(ticket))
            .filter(evidence::method.eq(Method::MailboxCode))
            .filter(evidence::voided_at.is_null()),
    )
    .set(evidence::voided_at.eq(now))
    .execute(conn)?;
    Ok(())
}

pub(super) fn void_evidence_of(
    conn: &mut Conn,
    ticket: &TicketId,
    staff: &StaffId,
    now: Time,
) -> Result<(), Error> {
    diesel::update(
        evidence::table
            .filter(evidence::ticket_id.eq(ticket))
            .filter(evidence::staff_id.eq(staff))
            .filter(evidence::outcome.eq(Outcome::Passed))
            .filter(evidence::voided_at.is_null()),
    )
    .set(evidence::voided_at.eq(now))
    .execute(conn)?;
    Ok(())
}

/// Since when each verification that a member of the staff recorded as passed on a ticket counts no more, if so.
///
/// # Errors
/// Of the database alone.
pub fn list_voided_of(
    conn: &mut Conn,
    ticket: &TicketId,
    staff: &StaffId,
) -> Result<Vec<Option<Time>>, Error> {
    Ok(evidence::table
        .filter(evidence::ticket_id.eq(ticket))
        .filter(evidence::staff_id.eq(staff))
        .filter(evidence::outcome.eq(Outcome::Passed))
        .select(evidence::voided_at)
        .load(conn)?)
}

/// Voids what was passed on open tickets at that time or before: it counts no more.
///
/// # Errors
/// Of the database alone.
pub fn void_expired_evidence(conn: &mut Conn, until: Time, now: Time) -> Result<(), Error> {
    let open = tickets::table.filter(tickets::slot.is_not_null()).select(tickets::id);
    diesel::update(
        evidence::table
            .filter(evidence::ticket_id.eq_any(open))
            .filter(evidence::at.le(until))
            .filter(evidence::outcome.eq(Outcome::Passed))
            .filter(evidence::voided_at.is_null()),
    )
    .set(evidence::voided_at.eq(now))
    .execute(conn)?;
    Ok(())
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = approvals, treat_none_as_default_value = false)]
pub struct Approval {
    /// Which.
    pub id: String,
    /// Of which ticket.
    pub ticket_id: TicketId,
    /// Who approved.
    pub staff_id: StaffId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
    /// When it ended without effect.
    pub voided_at: Option<Time>,
}

/// The approvals that count on a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_approvals(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<Approval>, Error> {
    Ok(approvals::table
        .filter(approvals::ticket_id.eq(ticket))
        .filter(approvals::voided_at.is_null())
        .order((approvals::at, approvals::id))
        .select(Approval::as_select())
        .load(conn)?)
}

/// How many approvals a person gave since a time, void ones included.
///
/// # Errors
/// Of the database alone.
pub fn count_approvals(conn: &mut Conn, by: &StaffId, since: Time) -> Result<i64, Error> {
    Ok(approvals::table
        .filter(approvals::staff_id.eq(by))
        .filter(approvals::at.gt(since))
        .count()
        .get_result(conn)?)
}

pub(super) fn insert_approval(conn: &mut Conn, approval: Approval) -> Result<(), Error> {
    diesel::insert_into(approvals::table).values(approval).execute(conn)?;
    Ok(())
}

pub(super) fn void_approvals(conn: &mut Conn, ticket: &TicketId, now: Time) -> Result<(), Error> {
    diesel::update(
        approvals::table.filter(approvals::ticket_id.eq(ticket)).filter(approvals::voided_at.is_null()),
    )
    .set(approvals::voided_at.eq(now))
    .execute(conn)?;
    Ok(())
}

/// The risks of a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_risks(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<(Risk, Time)>, Error> {
    Ok(risks::table
        .filter(risks::ticket_id.eq(ticket))
        .order((risks::at, risks::risk))
        .select((risks::risk, risks::at))
        .load(conn)?)
}

/// Shows a risk on a ticket; one that is shown already stays as it is.
///
/// # Errors
/// Of the database alone.
pub fn add_risk(conn: &mut Conn, ticket: &TicketId, risk: Risk, now: Time) -> Result<(), Error> {
    let known: bool = diesel::select(diesel::dsl::exists(
        risks::table.filter(risks::ticket_id.eq(ticket)).filter(risks::risk.eq(risk)),
    ))
    .get_result(conn)?;
    if !known {
        diesel::insert_into(risks::table)
            .values((risks::ticket_id.eq(ticket), risks::risk.eq(risk), risks::at.eq(now)))
            .execute(conn)?;
    }
    Ok(())
}

/// A message of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub struct Message {
    /// Which.
    pub id: String,
    /// Of which ticket.
    pub ticket_id: TicketId,
    /// Which kind.
    pub kind: MessageKind,
    /// Who wrote it; none for the requester.
    pub staff_id: Option<StaffId>,
    /// The text.
    pub body: String,
    /// When.
    pub at: Time,
}

/// The messages of a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_messages(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<Message>, Error> {
    Ok(messages::table
        .filter(messages::ticket_id.eq(ticket))
        .order(messages::id)
        .limit(500)
        .select(Message::as_select())
        .load(conn)?)
}

/// How many messages the requester has written on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn count_answers(conn: &mut Conn, ticket: &TicketId) -> Result<i64, Error> {
    Ok(messages::table
        .filter(messages::ticket_id.eq(ticket))
        .filter(messages::staff_id.is_null())
        .count()
        .get_result(conn)?)
}

pub(super) fn insert_message(
    conn: &mut Conn,
    id: String,
    ticket: &TicketId,
    message: NewMessage,
    now: Time,
) -> Result<(), Error> {
    let row = Message {
        id,
        ticket_id: ticket.clone(),
        kind: message.kind,
        staff_id: message.author,
        body: message.body,
        at: now,
    };
    diesel::insert_into(messages::table).values(row).execute(conn)?;
    Ok(())
}
