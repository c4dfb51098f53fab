//! Codes that went to a mailbox: one alive a ticket, as a keyed digest, with its tries counted.

use diesel::prelude::*;

use super::schema::challenges;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::TicketId;

/// A code that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = challenges)]
pub struct Challenge {
    /// For which ticket.
    pub ticket_id: TicketId,
    /// The code's keyed digest.
    pub digest: String,
    /// When it dies.
    pub expires_at: Time,
    /// How many wrong codes were typed.
    pub tries: i32,
}

/// The code that is alive on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, ticket: &TicketId) -> Result<Option<Challenge>, Error> {
    Ok(challenges::table.find(ticket).select(Challenge::as_select()).first(conn).optional()?)
}

/// Takes the place of the former code of the ticket.
///
/// # Errors
/// Of the database alone.
pub fn put(conn: &mut Conn, challenge: Challenge) -> Result<(), Error> {
    end(conn, &challenge.ticket_id)?;
    diesel::insert_into(challenges::table).values(challenge).execute(conn)?;
    Ok(())
}

/// Counts a wrong code, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, challenge: &Challenge) -> Result<(), Error> {
    let changed = diesel::update(
        challenges::table
            .find(&challenge.ticket_id)
            .filter(challenges::tries.eq(challenge.tries))
            .filter(challenges::digest.eq(&challenge.digest)),
    )
    .set(challenges::tries.eq(challenge.tries + 1))
    .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Uses the code up.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, ticket: &TicketId) -> Result<(), Error> {
    diesel::delete(challenges::table.find(ticket)).execute(conn)?;
    Ok(())
}

/// Forgets codes whose time has run out.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    diesel::delete(challenges::table.filter(challenges::expires_at.le(now))).execute(conn)?;
    Ok(())
}
