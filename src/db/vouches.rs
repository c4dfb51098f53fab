//! Questions to managers: a token that opens the page and a code that they type, both from one letter.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
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

decides! {
    Vouch: "vouches", vouches.mac by id {
        id, ticket_id, token_hash, digest, address, tries, asked_by, expires_at, answered_at,
    } beside {}
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
    let mac = rows::sign(conn, &vouch)?;
    diesel::insert_into(vouches::table).values((vouch, vouches::mac.eq(mac))).execute(conn)?;
    Ok(())
}

/// The question of that token.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Vouch>, Error> {
    let found = vouches::table.filter(vouches::token_hash.eq(token_hash));
    let row = found.select((Vouch::as_select(), vouches::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// The addresses of those who vouched on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn list_answered(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<String>, Error> {
    let of_ticket = vouches::table.filter(vouches::ticket_id.eq(ticket));
    let all: Vec<(Vouch, Mac)> = of_ticket.select((Vouch::as_select(), vouches::mac)).load(conn)?;
    let answered = rows::check_all(conn, all)?.into_iter().filter(|vouch| vouch.answered_at.is_some());
    Ok(answered.map(|vouch| vouch.address).collect())
}

/// Counts a wrong code, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, vouch: &Vouch) -> Result<(), Error> {
    change(conn, vouch, &Vouch { tries: vouch.tries + 1, ..vouch.clone() })
}

/// Records the answer, once, if no wrong code was counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn answer(conn: &mut Conn, vouch: &Vouch, now: Time) -> Result<(), Error> {
    if vouch.answered_at.is_some() {
        return Err(Error::Stale);
    }
    change(conn, vouch, &Vouch { answered_at: Some(now), ..vouch.clone() })
}

fn change(conn: &mut Conn, former: &Vouch, next: &Vouch) -> Result<(), Error> {
    let (former, mac) = (rows::sign(conn, former)?, rows::sign(conn, next)?);
    let changed = diesel::update(vouches::table.find(&next.id).filter(vouches::mac.eq(former)))
        .set((vouches::tries.eq(next.tries), vouches::answered_at.eq(next.answered_at), vouches::mac.eq(mac)))
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
