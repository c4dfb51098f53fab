//! What a database that was put back from a backup must not bring back, ended all at once.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::{
    account_sessions, challenges, idempotency_keys, letters, staff_sessions, tickets, tokens, vouches,
};
use super::tokens::Kind;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::TicketId;
use crate::domain::ticket::State;

/// Why an email was not sent, as the help desk reads it.
pub const NOT_SENT: &str = "not sent again: the database was restored from a backup";

/// An email that waited to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ClosedEmail {
    /// What it was for.
    pub purpose: String,
    /// Where it was to go.
    pub recipient: String,
    /// When it was written.
    pub created_at: Time,
    /// The ticket that it is about.
    pub ticket: Option<TicketId>,
}

/// Signs everybody out: how many of the staff's sessions and of account holders' there were.
///
/// # Errors
/// Of the database alone.
pub fn end_sessions(conn: &mut Conn) -> Result<(usize, usize), Error> {
    let staff = diesel::delete(staff_sessions::table).execute(conn)?;
    Ok((staff, diesel::delete(account_sessions::table).execute(conn)?))
}

/// Ends codes that went to mailboxes, and the tokens of requesters and of setup emails; stop links stay. Answers that
/// hold such tokens are forgotten. Returns how many codes there were.
///
/// # Errors
/// Of the database alone.
pub fn end_codes(conn: &mut Conn) -> Result<usize, Error> {
    let codes = diesel::delete(challenges::table).execute(conn)?;
    let vouched = diesel::delete(vouches::table.filter(vouches::answered_at.is_null())).execute(conn)?;
    diesel::delete(tokens::table.filter(tokens::kind.ne(Kind::Stop))).execute(conn)?;
    diesel::delete(idempotency_keys::table).execute(conn)?;
    Ok(codes + vouched)
}

/// Tickets with an approval, a key that was sent, or a PIN.
///
/// # Errors
/// Of the database alone.
pub fn list_tickets(conn: &mut Conn) -> Result<Vec<TicketId>, Error> {
    let approved = [State::AwaitingApproval, State::Approved, State::KeySent];
    let open = tickets::state.ne_all([State::Unconfirmed, State::Completed, State::Closed, State::Frozen]);
    Ok(tickets::table
        .filter(tickets::state.eq_any(approved).or(open.and(tickets::pin.is_not_null())))
        .order(tickets::id)
        .select(tickets::id)
        .load(conn)?)
}

/// Closes the outbox: what waits is not sent, and listed.
///
/// # Errors
/// Of the database alone.
pub fn close_outbox(conn: &mut Conn, now: Time) -> Result<Vec<ClosedEmail>, Error> {
    let waiting = letters::table.filter(letters::next_at.is_not_null());
    let next = (
        letters::state.eq("dead"),
        letters::next_at.eq(None::<Time>),
        letters::claimed_until.eq(None::<Time>),
        letters::payload.eq(None::<Vec<u8>>),
        letters::error.eq(NOT_SENT),
        letters::state_at.eq(now),
    );
    let what = (letters::purpose, letters::recipient, letters::created_at, letters::ticket_id);
    let mut closed: Vec<ClosedEmail> =
        on_both!(conn, c => diesel::update(waiting).set(next).returning(what).get_results(c)?);
    closed.sort_by_key(|one| one.created_at);
    Ok(closed)
}
