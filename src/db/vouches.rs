//! Questions to managers: a token that opens the page and a code that they type, both from one letter.

use diesel::prelude::*;

use super::schema::vouches;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{StaffId, TicketId};

/// A question to a manager.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = vouches, treat_none_as_default_value = false)]
pub struct Vouch {
    /// Which.
    pub id: String,
    /// About which ticket.
    pub ticket_id: TicketId,
    /// The token's hash.
    pub token_hash: String,
    /// The code's keyed digest.
    pub digest: String,
    /// The manager's address when they were asked.
    pub address: String,
    /// How many wrong codes were typed.
    pub tries: i32,
    /// Who asked.
    pub asked_by: StaffId,
    /// When token and code die.
    pub expires_at: Time,
    /// When the manager confirmed.
    pub answered_at: Option<Time>,
}

/// Stores a question; former ones of the ticket that were not answered die.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, vouch: Vouch) -> Result<(), Error> {
    diesel::delete(
        vouches::table.filter(vouches::ticket_id.eq(&vouch.ticket_id)).filter(vouches::answered_at.is_null()),
    )
    .execute(conn)?;
    diesel::insert_into(vouches::table).values(vouch).execute(conn)?;
    Ok(())
}

/// The question of that token.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Vouch>, Error> {
    Ok(vouches::table
        .filter(vouches::token_hash.eq(token_hash))
        .select(Vouch::as_select())
        .first(conn)
        .optional()?)
}

/// The addresses of those who vouched on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn list_answered(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<String>, Error> {
    let answered = vouches::table.filter(vouches::answered_at.is_not_null());
    Ok(answered.filter(vouches::ticket_id.eq(ticket)).select(vouches::address).load(conn)?)
}

/// Counts a wrong code, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, vouch: &Vouch) -> Result<(), Error> {
    let changed = diesel::update(vouches::table.find(&vouch.id).filter(vouches::tries.eq(vouch.tries)))
        .set(vouches::tries.eq(vouch.tries + 1))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Records the answer, once, if no wrong code was counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn answer(conn: &mut Conn, vouch: &Vouch, now: Time) -> Result<(), Error> {
    let asked = vouches::table.find(&vouch.id).filter(vouches::answered_at.is_null());
    let changed = diesel::update(asked.filter(vouches::tries.eq(vouch.tries)))
        .set(vouches::answered_at.eq(now))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Forgets questions that nobody answered in time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    let unanswered = vouches::table.filter(vouches::answered_at.is_null());
    diesel::delete(unanswered.filter(vouches::expires_at.le(now))).execute(conn)?;
    Ok(())
}
