//! What stands on a ticket beside its row: evidence, approvals, risks, messages.

use std::collections::HashMap;

use diesel::prelude::*;

pub use super::messages::{Message, count_answers, find_last, list_messages};
use super::rows::{self, Decides, Mac, decides};
use super::schema::{approvals, evidence, risks, tickets};
use super::standing::{self, APPROVALS, EVIDENCE};
use super::ticket_row::{self, Row};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{AccountId, EvidenceId, StaffId, TicketId};
use crate::domain::risk::Risk;
use crate::domain::ticket::Standing;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence, treat_none_as_default_value = false)]
pub(super) struct EvidenceRow {
    pub(super) id: EvidenceId,
    ticket_id: TicketId,
    pub(super) method: Method,
    pub(super) outcome: Outcome,
    pub(super) staff_id: Option<StaffId>,
    note: String,
    at: Time,
    voided_at: Option<Time>,
    lapsed_at: Option<Time>,
}

// Which of them are in force, the ticket's digests say.
decides! {
    EvidenceRow: "evidence", evidence.mac by id { id, ticket_id, method, outcome, staff_id, note, at }
    beside { voided_at, lapsed_at }
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
    Ok(evidence_in_force(conn, ticket)?
        .into_iter()
        .filter(|row| row.lapsed_at.is_none())
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

/// What was recorded and not voided, as the ticket's row says; what has lapsed is still there.
pub(super) fn evidence_in_force(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<EvidenceRow>, Error> {
    // In one statement: somebody else may record more at this moment.
    let in_force = evidence::ticket_id.eq(tickets::id).and(evidence::voided_at.is_null());
    let found: Vec<(Row, Mac, Option<EvidenceRow>, Mac)> = tickets::table
        .left_join(evidence::table.on(in_force))
        .filter(tickets::id.eq(ticket))
        .order((evidence::at, evidence::id))
        .select((
            Row::as_select(),
            tickets::mac,
            Option::<EvidenceRow>::as_select(),
            evidence::mac.nullable(),
        ))
        .load(conn)?;
    as_signed(conn, ticket, found, (EVIDENCE, |standing| standing.evidence))
}

/// The rows beside a ticket, read in one statement with its own row, which says which of them are in force.
fn as_signed<R: Decides>(
    conn: &mut Conn,
    ticket: &TicketId,
    found: Vec<(Row, Mac, Option<R>, Mac)>,
    (kind, signed_in): (&'static str, fn(&Standing) -> [u8; 32]),
) -> Result<Vec<R>, Error> {
    let mut signed = None;
    let mut all = Vec::with_capacity(found.len());
    for (row, mac, one, its_mac) in found {
        if signed.is_none() {
            signed = Some(signed_in(&ticket_row::checked(conn, (row, mac))?.standing));
        }
        all.extend(one.map(|one| (one, its_mac)));
    }
    let all = rows::check_all(conn, all)?;
    let digest = standing::digest(&rows::key(conn)?, kind, all.iter().map(R::id).collect());
    if signed.is_some_and(|signed| signed != digest) {
        return Err(rows::refuse(conn, kind, ticket.as_str()));
    }
    Ok(all)
}

/// What is in force on some tickets, by their ids.
#[derive(Default)]
pub(super) struct InForce {
    pub(super) evidence: HashMap<TicketId, Vec<String>>,
    pub(super) approvals: HashMap<TicketId, Vec<String>>,
}

/// The ids of the evidence and approvals of tickets that are not voided, whether or not they are what was written.
pub(super) fn in_force(conn: &mut Conn, of: &[TicketId]) -> Result<InForce, Error> {
    let mut all = InForce::default();
    let found: Vec<(TicketId, EvidenceId)> = evidence::table
        .filter(evidence::ticket_id.eq_any(of))
        .filter(evidence::voided_at.is_null())
        .select((evidence::ticket_id, evidence::id))
        .load(conn)?;
    for (ticket, id) in found {
        all.evidence.entry(ticket).or_default().push(id.as_str().to_owned());
    }
    let found: Vec<(TicketId, String)> = approvals::table
        .filter(approvals::ticket_id.eq_any(of))
        .filter(approvals::voided_at.is_null())
        .select((approvals::ticket_id, approvals::id))
        .load(conn)?;
    for (ticket, id) in found {
        all.approvals.entry(ticket).or_default().push(id);
    }
    Ok(all)
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
        lapsed_at: None,
    };
    let mac = rows::sign(conn, &row)?;
    diesel::insert_into(evidence::table).values((row, evidence::mac.eq(mac))).execute(conn)?;
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

/// What was passed on open tickets at that time or before has lapsed: it counts no more.
///
/// # Errors
/// Of the database alone.
pub fn lapse_evidence(conn: &mut Conn, until: Time, now: Time) -> Result<(), Error> {
    let open = tickets::table.filter(tickets::slot.is_not_null()).select(tickets::id);
    diesel::update(
        evidence::table
            .filter(evidence::ticket_id.eq_any(open))
            .filter(evidence::at.le(until))
            .filter(evidence::outcome.eq(Outcome::Passed))
            .filter(evidence::voided_at.is_null())
            .filter(evidence::lapsed_at.is_null()),
    )
    .set(evidence::lapsed_at.eq(now))
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

decides! {
    Approval: "approvals", approvals.mac by id { id, ticket_id, staff_id, reason, at } beside { voided_at }
}

/// The approvals that count on a ticket, oldest first, as the ticket's row says.
///
/// # Errors
/// `Forged`.
pub fn list_approvals(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<Approval>, Error> {
    let in_force = approvals::ticket_id.eq(tickets::id).and(approvals::voided_at.is_null());
    let found: Vec<(Row, Mac, Option<Approval>, Mac)> = tickets::table
        .left_join(approvals::table.on(in_force))
        .filter(tickets::id.eq(ticket))
        .order((approvals::at, approvals::id))
        .select((Row::as_select(), tickets::mac, Option::<Approval>::as_select(), approvals::mac.nullable()))
        .load(conn)?;
    as_signed(conn, ticket, found, (APPROVALS, |standing| standing.approvals))
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
    let mac = rows::sign(conn, &approval)?;
    diesel::insert_into(approvals::table).values((approval, approvals::mac.eq(mac))).execute(conn)?;
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
