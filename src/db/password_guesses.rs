//! Wrong local passwords in a row, by name and over all networks; replicas share them.
//!
//! The rule: names are keyed digests, and one that is nobody's is counted like any other.

use diesel::prelude::*;

use super::schema::password_guesses;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::lockout::Lockout;

/// What was counted so far.
///
/// # Errors
/// Of the database alone.
pub fn get(conn: &mut Conn, name: &str) -> Result<Lockout, Error> {
    let row: Option<(i32, Option<Time>)> = password_guesses::table
        .find(name)
        .select((password_guesses::failures, password_guesses::locked_until))
        .first(conn)
        .optional()?;
    Ok(row.map_or_else(Lockout::default, |(failures, locked_until)| Lockout { failures, locked_until }))
}

/// Counts a wrong one, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, name: &str, from: Lockout, to: Lockout, now: Time) -> Result<(), Error> {
    let (failures, locked_until) = (to.failures, to.locked_until);
    if from == Lockout::default() {
        let first = (
            password_guesses::name.eq(name),
            password_guesses::failures.eq(failures),
            password_guesses::locked_until.eq(locked_until),
            password_guesses::counted_at.eq(now),
        );
        let inserted = diesel::insert_into(password_guesses::table).values(first).execute(conn);
        return match inserted.map_err(Error::from) {
            Ok(_) => Ok(()),
            Err(Error::Unique(_)) => Err(Error::Stale),
            Err(other) => Err(other),
        };
    }
    let target = password_guesses::table.find(name).filter(password_guesses::failures.eq(from.failures));
    let changed = diesel::update(target)
        .set((
            password_guesses::failures.eq(failures),
            password_guesses::locked_until.eq(locked_until),
            password_guesses::counted_at.eq(now),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Forgets them after a right one.
///
/// # Errors
/// Of the database alone.
pub fn forget(conn: &mut Conn, name: &str) -> Result<(), Error> {
    diesel::delete(password_guesses::table.find(name)).execute(conn)?;
    Ok(())
}

/// Forgets those that were last counted before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    diesel::delete(password_guesses::table.filter(password_guesses::counted_at.lt(before))).execute(conn)?;
    Ok(())
}
