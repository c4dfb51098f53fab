//! Counters of what may be done how often, in windows of time; replicas share them.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::throttles;
use super::{Conn, Error};
use crate::domain::Time;

/// A counter: what is counted, for whom, since when.
#[derive(Debug, Clone, Copy)]
pub struct Counter<'a> {
    /// What is counted.
    pub name: &'a str,
    /// For whom: never an address or number in clear.
    pub subject: &'a str,
    /// When the window began.
    pub since: Time,
}

/// How many so far.
///
/// # Errors
/// Of the database alone.
pub fn get(conn: &mut Conn, counter: &Counter<'_>) -> Result<i32, Error> {
    Ok(throttles::table
        .find((counter.name, counter.subject, counter.since))
        .select(throttles::count)
        .first(conn)
        .optional()?
        .unwrap_or(0))
}

/// Counts one more, and returns how many there are now.
///
/// # Errors
/// Of the database alone.
pub fn count(conn: &mut Conn, counter: &Counter<'_>) -> Result<i32, Error> {
    let first = (
        throttles::name.eq(counter.name),
        throttles::subject.eq(counter.subject),
        throttles::window_start.eq(counter.since),
        throttles::count.eq(1),
    );
    Ok(on_both!(conn, c => diesel::insert_into(throttles::table)
        .values(first)
        .on_conflict((throttles::name, throttles::subject, throttles::window_start))
        .do_update()
        .set(throttles::count.eq(throttles::count + 1))
        .returning(throttles::count)
        .get_result(c))?)
}

/// Forgets windows that began before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    diesel::delete(throttles::table.filter(throttles::window_start.lt(before))).execute(conn)?;
    Ok(())
}
