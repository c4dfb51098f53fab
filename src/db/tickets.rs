//! Tickets: how they are found. They are written by `apply` alone.
//!
//! The rule: whoever decides on one has it from here, checked; the lists of the desk alone show rows as they stand.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::rows::Mac;
use super::schema::tickets;
use super::ticket_row::{Row, checked};
pub use super::ticket_row::{Tries, count_tries, tries};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{AccountId, Reference, StaffId, TicketId};
use crate::domain::ticket::{Bearer, CloseReason, State, Ticket};

/// The ticket of that id.
///
/// # Errors
/// `NotFound`.
pub fn get(conn: &mut Conn, id: &TicketId) -> Result<Ticket, Error> {
    let row = tickets::table.find(id).select((Row::as_select(), tickets::mac)).first(conn)?;
    checked(conn, row)
}

/// The ticket of that reference.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, reference: &Reference) -> Result<Option<Ticket>, Error> {
    let found = tickets::table.filter(tickets::reference.eq(reference));
    let row = found.select((Row::as_select(), tickets::mac)).first(conn).optional()?;
    row.map(|row| checked(conn, row)).transpose()
}

/// What people call these tickets.
///
/// # Errors
/// Of the database alone.
pub fn references(conn: &mut Conn, of: Vec<TicketId>) -> Result<Vec<(TicketId, Reference)>, Error> {
    Ok(tickets::table.filter(tickets::id.eq_any(of)).select((tickets::id, tickets::reference)).load(conn)?)
}

/// Whose these tickets are, as their rows stand.
///
/// # Errors
/// Of the database alone.
pub fn list_accounts(conn: &mut Conn, of: Vec<TicketId>) -> Result<Vec<(TicketId, AccountId)>, Error> {
    Ok(tickets::table
        .filter(tickets::id.eq_any(of))
        .filter(tickets::account_id.is_not_null())
        .select((tickets::id, tickets::account_id.assume_not_null()))
        .load(conn)?)
}

/// The account's open ticket, if it has one.
///
/// # Errors
/// Of the database alone.
pub fn find_open(conn: &mut Conn, account: &AccountId) -> Result<Option<Ticket>, Error> {
    let found = tickets::table.filter(tickets::slot.eq(account.as_str()));
    let row = found.select((Row::as_select(), tickets::mac)).first(conn).optional()?;
    row.map(|row| checked(conn, row)).transpose()
}

/// The newest requests of an account that nobody confirmed.
///
/// # Errors
/// Of the database alone.
pub fn list_unconfirmed(conn: &mut Conn, account: &AccountId, limit: i64) -> Result<Vec<Ticket>, Error> {
    let rows: Vec<(Row, Mac)> = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::state.eq(State::Unconfirmed))
        .order(tickets::opened_at.desc())
        .limit(limit)
        .select((Row::as_select(), tickets::mac))
        .load(conn)?;
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// The confirmed requests that were closed as duplicates of this ticket, newest first.
///
/// # Errors
/// Of the database alone.
pub fn list_duplicates(conn: &mut Conn, of: &TicketId, limit: i64) -> Result<Vec<Ticket>, Error> {
    let rows: Vec<(Row, Mac)> = tickets::table
        .filter(tickets::duplicate_of.eq(of))
        .order(tickets::id.desc())
        .limit(limit)
        .select((Row::as_select(), tickets::mac))
        .load(conn)?;
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// The account's other tickets since a time that came before the staff, newest first. Those that nobody confirmed are
/// none: a heap of them would hide the others.
///
/// # Errors
/// Of the database alone.
pub fn list_others_of_account(
    conn: &mut Conn,
    account: &AccountId,
    but: &TicketId,
    since: Time,
) -> Result<Vec<Ticket>, Error> {
    let rows: Vec<(Row, Mac)> = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::id.ne(but))
        .filter(tickets::confirmed_at.is_not_null())
        .filter(tickets::opened_at.ge(since))
        .order(tickets::opened_at.desc())
        .limit(50)
        .select((Row::as_select(), tickets::mac))
        .load(conn)?;
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// Whether another ticket of the account was rejected since a time.
///
/// # Errors
/// Of the database alone.
pub fn was_rejected(
    conn: &mut Conn,
    account: &AccountId,
    but: &TicketId,
    since: Time,
) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(
        tickets::table
            .filter(tickets::account_id.eq(account))
            .filter(tickets::id.ne(but))
            .filter(tickets::confirmed_at.is_not_null())
            .filter(tickets::reason.eq(CloseReason::Rejected))
            .filter(tickets::state_since.ge(since)),
    ))
    .get_result(conn)?)
}

/// Which of these digests of one network the latest of its tickets has, if there is one.
///
/// # Errors
/// Of the database alone.
pub fn find_network(conn: &mut Conn, digests: &[String]) -> Result<Option<String>, Error> {
    let found: Option<Option<String>> = tickets::table
        .filter(tickets::network.eq_any(digests.to_vec()))
        .order(tickets::opened_at.desc())
        .select(tickets::network)
        .first(conn)
        .optional()?;
    Ok(found.flatten())
}

/// Whether somebody who was recognised opened a ticket of the account in that network since a time, and nobody has said
/// that it was not them.
///
/// # Errors
/// Of the database alone.
pub fn was_recognised_in(
    conn: &mut Conn,
    account: &AccountId,
    network: &str,
    since: Time,
) -> Result<bool, Error> {
    let disowned = [CloseReason::NotMe, CloseReason::Rejected, CloseReason::Spam];
    Ok(diesel::select(diesel::dsl::exists(
        tickets::table
            .filter(tickets::account_id.eq(account))
            .filter(tickets::opened_at.ge(since))
            .filter(tickets::network.eq(network))
            .filter(tickets::bearer.ne(Bearer::Unknown))
            .filter(tickets::state.ne(State::Frozen))
            .filter(tickets::reason.is_null().or(tickets::reason.ne_all(disowned))),
    ))
    .get_result(conn)?)
}

/// How many tickets came from a network since a time.
///
/// # Errors
/// Of the database alone.
pub fn count_of_network(conn: &mut Conn, network: &str, since: Time) -> Result<i64, Error> {
    Ok(tickets::table
        .filter(tickets::network.eq(network))
        .filter(tickets::opened_at.ge(since))
        .count()
        .get_result(conn)?)
}

/// Ids of tickets whose state's time has run out.
///
/// # Errors
/// Of the database alone.
pub fn list_overdue(conn: &mut Conn, now: Time, limit: i64) -> Result<Vec<TicketId>, Error> {
    Ok(tickets::table
        .filter(tickets::expires_at.le(now))
        .order(tickets::expires_at)
        .limit(limit)
        .select(tickets::id)
        .load(conn)?)
}

/// How many tickets of the queue stand before this one; none unless it waits for an agent.
///
/// # Errors
/// Of the database alone.
pub fn position(conn: &mut Conn, ticket: &Ticket) -> Result<Option<i64>, Error> {
    if ticket.state != State::Open {
        return Ok(None);
    }
    let before: i64 = tickets::table
        .filter(tickets::state.eq(State::Open))
        .filter(tickets::queue_at.le(ticket.queue_at()))
        .filter(tickets::queue_at.lt(ticket.queue_at()).or(tickets::id.lt(&ticket.id)))
        .count()
        .get_result(conn)?;
    Ok(Some(before + 1))
}

/// Which tickets a queue lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queue {
    /// In this state.
    State(State),
    /// Confirmed and not ended.
    Live,
    /// Ended.
    Over,
    /// Every one.
    All,
    /// Held by this member of the staff and not ended.
    Holder(StaffId),
}

/// Where a page of a list begins: behind this row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// What the list is sorted by.
    pub queue_at: Time,
    /// And then by.
    pub id: TicketId,
}

/// A filter of a list beside its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// The ticket of that reference.
    Reference(Reference),
    /// The tickets of these accounts.
    Accounts(Vec<AccountId>),
}

/// A condition in the words of a partial index, so that it serves: a planner does not see through a bound value.
fn literal(condition: &str) -> SqlLiteral<Bool> {
    sql(condition)
}

/// One page of a queue, by next deadline, as the rows stand: nothing is decided on them.
///
/// # Errors
/// Of the database alone.
pub fn list(
    conn: &mut Conn,
    queue: &Queue,
    search: Option<&Search>,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Ticket>, Error> {
    let mut query = tickets::table
        .filter(tickets::account_id.is_not_null())
        .select(Row::as_select())
        .order((tickets::queue_at, tickets::id))
        .limit(limit)
        .into_boxed();
    query = match queue {
        Queue::State(state) => query.filter(tickets::state.eq(*state)),
        Queue::Live => query.filter(literal("state NOT IN ('unconfirmed', 'completed', 'closed')")),
        Queue::Over => query.filter(literal("state IN ('completed', 'closed')")),
        Queue::All => query,
        Queue::Holder(staff) => query
            .filter(tickets::holder.eq(staff.clone()))
            .filter(literal("state NOT IN ('completed', 'closed')")),
    };
    query = match search {
        Some(Search::Reference(reference)) => query.filter(tickets::reference.eq(reference.clone())),
        Some(Search::Accounts(accounts)) => query.filter(tickets::account_id.eq_any(accounts.clone())),
        None => query,
    };
    if let Some(after) = after {
        // The first condition is what an index can begin at.
        query = query
            .filter(tickets::queue_at.ge(after.queue_at))
            .filter(tickets::queue_at.gt(after.queue_at).or(tickets::id.gt(after.id.clone())));
    }
    Ok(query.load(conn)?.into_iter().map(Row::unchecked).collect())
}
