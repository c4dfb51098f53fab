//! Wrong local passwords in a row, by name and over all networks; replicas share them.
//!
//! The rule: names are keyed digests, and one that is nobody's is counted like any other.

use diesel::prelude::*;

use super::schema::password_guesses;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::lockout::Lockout;

/// What a counter is kept under.
pub struct Name {
    /// The index digest.
    pub digest: String,
    /// The digests that former versions kept it under.
    pub former: Vec<String>,
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub struct Guesses {
    /// The failures, and until when they lock.
    pub lockout: Lockout,
    /// The digest of the row; none where nothing was counted.
    row: Option<String>,
}

/// What was counted so far. A counter that a former version began goes on.
///
/// # Errors
/// Of the database alone.
pub fn get(conn: &mut Conn, name: &Name) -> Result<Guesses, Error> {
    let digests: Vec<&str> = name.digests().collect();
    let mut rows: Vec<(String, i32, Option<Time>)> = password_guesses::table
        .filter(password_guesses::name.eq_any(digests))
        .select((password_guesses::name, password_guesses::failures, password_guesses::locked_until))
        .load(conn)?;
    rows.sort_by_key(|(digest, ..)| *digest != name.digest);
    Ok(rows.into_iter().next().map_or_else(Guesses::default, |(digest, failures, locked_until)| Guesses {
        lockout: Lockout { failures, locked_until },
        row: Some(digest),
    }))
}

/// Counts a wrong one, if nobody has counted meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, name: &Name, from: &Guesses, to: Lockout, now: Time) -> Result<(), Error> {
    let next = (
        password_guesses::name.eq(&name.digest),
        password_guesses::failures.eq(to.failures),
        password_guesses::locked_until.eq(to.locked_until),
        password_guesses::counted_at.eq(now),
    );
    let Some(row) = &from.row else {
        let inserted = diesel::insert_into(password_guesses::table).values(next).execute(conn);
        return match inserted.map_err(Error::from) {
            Ok(_) => Ok(()),
            Err(Error::Unique(_)) => Err(Error::Stale),
            Err(other) => Err(other),
        };
    };
    let target = password_guesses::table
        .filter(password_guesses::name.eq(row))
        .filter(password_guesses::failures.eq(from.lockout.failures));
    let changed = diesel::update(target).set(next).execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Forgets them after a right one.
///
/// # Errors
/// Of the database alone.
pub fn forget(conn: &mut Conn, name: &Name) -> Result<(), Error> {
    let digests: Vec<&str> = name.digests().collect();
    diesel::delete(password_guesses::table.filter(password_guesses::name.eq_any(digests))).execute(conn)?;
    Ok(())
}

impl Name {
    fn digests(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.digest).chain(&self.former).map(String::as_str)
    }
}

/// Forgets those that were last counted before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    diesel::delete(password_guesses::table.filter(password_guesses::counted_at.lt(before))).execute(conn)?;
    Ok(())
}
