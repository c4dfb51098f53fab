//! Codes that went to a mailbox: one alive a ticket, as a keyed digest, with its tries counted.

use diesel::prelude::*;

use super::rows::{self, decides};
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

decides! {
    Challenge: "challenges", challenges.mac by ticket_id { ticket_id, digest, expires_at, tries } beside {}
}

/// The code that is alive on a ticket.
///
/// # Errors
/// `Forged`.
pub fn find(conn: &mut Conn, ticket: &TicketId) -> Result<Option<Challenge>, Error> {
    let found = challenges::table.find(ticket);
    let row = found.select((Challenge::as_select(), challenges::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// Takes the place of the former code of the ticket.
///
/// # Errors
/// Of the database alone.
pub fn put(conn: &mut Conn, challenge: Challenge) -> Result<(), Error> {
    end(conn, &challenge.ticket_id)?;
    let mac = rows::sign(conn, &challenge)?;
    diesel::insert_into(challenges::table).values((challenge, challenges::mac.eq(mac))).execute(conn)?;
    Ok(())
}

/// Counts a wrong code, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, challenge: &Challenge) -> Result<(), Error> {
    let former = rows::sign(conn, challenge)?;
    let tries = challenge.tries + 1;
    let mac = rows::sign(conn, &Challenge { tries, ..challenge.clone() })?;
    let unchanged = challenges::table.find(&challenge.ticket_id).filter(challenges::mac.eq(former));
    let changed = diesel::update(unchanged)
        .set((challenges::tries.eq(tries), challenges::mac.eq(mac)))
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
