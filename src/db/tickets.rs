//! Tickets: how they are found. They are written by `apply` alone.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::tickets;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{AccountId, Reference, StaffId, TicketId};
use crate::domain::policy::Tier;
use crate::domain::ticket::{Bearer, CloseReason, Problem, State, Ticket};

/// A ticket's row without what is secret or counted beside the version.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct Row {
    id: TicketId,
    reference: Reference,
    account_id: Option<AccountId>,
    slot: Option<String>,
    state: State,
    reason: Option<CloseReason>,
    problem: Problem,
    tier: Tier,
    address: Option<String>,
    opened_at: Time,
    state_since: Time,
    expires_at: Option<Time>,
    confirmed_at: Option<Time>,
    bearer: Bearer,
    mailbox_due: bool,
    holder: Option<StaffId>,
    approved_at: Option<Time>,
    due_at: Option<Time>,
    due_left: Option<i64>,
    queue_at: Time,
    pin_made: bool,
    reissues: i32,
    duplicate_of: Option<TicketId>,
    kept: Option<TicketId>,
    undecided: bool,
    frozen_from: Option<State>,
    diagnoses: i32,
    network: Option<String>,
    version: i32,
}

impl From<Row> for Ticket {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            reference: row.reference,
            account: row.account_id,
            state: row.state,
            reason: row.reason,
            problem: row.problem,
            tier: row.tier,
            address: row.address,
            opened_at: row.opened_at,
            state_since: row.state_since,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
            bearer: row.bearer,
            mailbox_due: row.mailbox_due,
            holder: row.holder,
            approved_at: row.approved_at,
            due_at: row.due_at,
            due_left: row.due_left,
            pin_made: row.pin_made,
            reissues: row.reissues,
            duplicate_of: row.duplicate_of,
            kept: row.kept,
            undecided: row.undecided,
            frozen_from: row.frozen_from,
            diagnoses: row.diagnoses,
            network: row.network,
            version: row.version,
        }
    }
}

impl Row {
    /// The row of a ticket. `with_slot` is false for a ticket frozen after completion while another one is open.
    pub(super) fn of(ticket: &Ticket, with_slot: bool) -> Self {
        let ticket = ticket.clone();
        let slot = ticket.account.as_ref().filter(|_| with_slot && ticket.occupies_slot());
        Self {
            slot: slot.map(|account| account.as_str().to_owned()),
            queue_at: ticket.queue_at(),
            id: ticket.id,
            reference: ticket.reference,
            account_id: ticket.account,
            state: ticket.state,
            reason: ticket.reason,
            problem: ticket.problem,
            tier: ticket.tier,
            address: ticket.address,
            opened_at: ticket.opened_at,
            state_since: ticket.state_since,
            expires_at: ticket.expires_at,
            confirmed_at: ticket.confirmed_at,
            bearer: ticket.bearer,
            mailbox_due: ticket.mailbox_due,
            holder: ticket.holder,
            approved_at: ticket.approved_at,
            due_at: ticket.due_at,
            due_left: ticket.due_left,
            pin_made: ticket.pin_made,
            reissues: ticket.reissues,
            duplicate_of: ticket.duplicate_of,
            kept: ticket.kept,
            undecided: ticket.undecided,
            frozen_from: ticket.frozen_from,
            diagnoses: ticket.diagnoses,
            network: ticket.network,
            version: ticket.version,
        }
    }
}

/// The ticket of that id.
///
/// # Errors
/// `NotFound`.
pub fn get(conn: &mut Conn, id: &TicketId) -> Result<Ticket, Error> {
    Ok(tickets::table.find(id).select(Row::as_select()).first(conn).map(Ticket::from)?)
}

/// The ticket of that reference.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, reference: &Reference) -> Result<Option<Ticket>, Error> {
    let row = tickets::table.filter(tickets::reference.eq(reference)).select(Row::as_select()).first(conn);
    Ok(row.optional()?.map(Ticket::from))
}

/// What people call these tickets.
///
/// # Errors
/// Of the database alone.
pub fn references(conn: &mut Conn, of: Vec<TicketId>) -> Result<Vec<(TicketId, Reference)>, Error> {
    Ok(tickets::table.filter(tickets::id.eq_any(of)).select((tickets::id, tickets::reference)).load(conn)?)
}

/// The account's open ticket, if it has one.
///
/// # Errors
/// Of the database alone.
pub fn find_open(conn: &mut Conn, account: &AccountId) -> Result<Option<Ticket>, Error> {
    let row = tickets::table.filter(tickets::slot.eq(account.as_str())).select(Row::as_select()).first(conn);
    Ok(row.optional()?.map(Ticket::from))
}

/// The newest requests of an account that nobody confirmed.
///
/// # Errors
/// Of the database alone.
pub fn list_unconfirmed(conn: &mut Conn, account: &AccountId, limit: i64) -> Result<Vec<Ticket>, Error> {
    let rows = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::state.eq(State::Unconfirmed))
        .order(tickets::opened_at.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Ticket::from).collect())
}

/// The confirmed requests that were closed as duplicates of this ticket.
///
/// # Errors
/// Of the database alone.
pub fn list_duplicates(conn: &mut Conn, of: &TicketId) -> Result<Vec<Ticket>, Error> {
    let rows = tickets::table
        .filter(tickets::duplicate_of.eq(of))
        .order(tickets::id)
        .limit(20)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Ticket::from).collect())
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
    let rows = tickets::table
        .filter(tickets::account_id.eq(account))
        .filter(tickets::id.ne(but))
        .filter(tickets::confirmed_at.is_not_null())
        .filter(tickets::opened_at.ge(since))
        .order(tickets::opened_at.desc())
        .limit(50)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Ticket::from).collect())
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
    /// The tickets of that account.
    Account(AccountId),
}

/// A condition in the words of a partial index, so that it serves: a planner does not see through a bound value.
fn literal(condition: &str) -> SqlLiteral<Bool> {
    sql(condition)
}

/// One page of a queue, by next deadline.
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
        Some(Search::Account(account)) => query.filter(tickets::account_id.eq(account.clone())),
        None => query,
    };
    if let Some(after) = after {
        // The first condition is what an index can begin at.
        query = query
            .filter(tickets::queue_at.ge(after.queue_at))
            .filter(tickets::queue_at.gt(after.queue_at).or(tickets::id.gt(after.id.clone())));
    }
    Ok(query.load(conn)?.into_iter().map(Ticket::from).collect())
}

/// What is counted and compared beside the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Wrong PINs.
    pub pin: i32,
    /// Failed activations, kept over reissue.
    pub activation: i32,
}

/// The ticket's counters and the hash of its PIN.
///
/// # Errors
/// `NotFound`.
pub fn tries(conn: &mut Conn, id: &TicketId) -> Result<(Tries, Option<String>), Error> {
    let (pin, activation, hash) = tickets::table
        .find(id)
        .select((tickets::pin_tries, tickets::activation_tries, tickets::pin))
        .first(conn)?;
    Ok((Tries { pin, activation }, hash))
}

/// Counts up, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count_tries(conn: &mut Conn, id: &TicketId, from: Tries, to: Tries) -> Result<(), Error> {
    let changed = diesel::update(
        tickets::table
            .find(id)
            .filter(tickets::pin_tries.eq(from.pin))
            .filter(tickets::activation_tries.eq(from.activation)),
    )
    .set((tickets::pin_tries.eq(to.pin), tickets::activation_tries.eq(to.activation)))
    .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}
