//! Counters of what may be done how often; replicas share them.
//!
//! The rule: a window slides. What is counted is noted with its second, and counts until the window has passed over it,
//! so that nobody has two shares around midnight. Whoever decides by a counter holds it: by [`lock`], or by a row that
//! all its callers lock.

use chrono::Duration;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::conn::on_both;
use super::schema::throttles;
use super::{Conn, Error};
use crate::domain::Time;

/// What lies further ahead was noted by a clock that has stepped back since, and counts for nobody.
const AHEAD: Duration = Duration::minutes(1);

/// A counter: what is counted, for whom, over which time.
#[derive(Debug, Clone, Copy)]
pub struct Counter<'a> {
    /// What is counted.
    pub name: &'a str,
    /// For whom: never an address or number in clear.
    pub subject: &'a str,
    /// How long what was counted counts.
    pub window: Duration,
}

/// Until the transaction ends nobody else counts or reads what counts here. SQLite has one writer anyway.
///
/// # Errors
/// Of the database alone.
pub fn lock(conn: &mut Conn, counter: &Counter<'_>) -> Result<(), Error> {
    if let Conn::Pg(conn) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(format!("{} {}", counter.name, counter.subject))
            .execute(conn)?;
    }
    Ok(())
}

/// When there is room again, where the limit is reached.
///
/// # Errors
/// Of the database alone.
pub fn full_until(
    conn: &mut Conn,
    counter: &Counter<'_>,
    limit: u32,
    now: Time,
) -> Result<Option<Time>, Error> {
    let noted: Vec<(Time, i32)> = throttles::table
        .filter(throttles::name.eq(counter.name))
        .filter(throttles::subject.eq(counter.subject))
        .filter(throttles::window_start.gt(now - counter.window))
        .filter(throttles::window_start.le(now + AHEAD))
        .order(throttles::window_start.desc())
        .limit(i64::from(limit))
        .select((throttles::window_start, throttles::count))
        .load(conn)?;
    let mut left = i64::from(limit);
    for (at, count) in noted {
        left -= i64::from(count);
        if left <= 0 {
            return Ok(Some(at + counter.window));
        }
    }
    Ok(None)
}

/// Counts one more.
///
/// # Errors
/// Of the database alone.
pub fn count(conn: &mut Conn, counter: &Counter<'_>, now: Time) -> Result<(), Error> {
    let first = (
        throttles::name.eq(counter.name),
        throttles::subject.eq(counter.subject),
        throttles::window_start.eq(now),
        throttles::count.eq(1),
    );
    on_both!(conn, c => diesel::insert_into(throttles::table)
        .values(first)
        .on_conflict((throttles::name, throttles::subject, throttles::window_start))
        .do_update()
        .set(throttles::count.eq(throttles::count + 1))
        .execute(c)?);
    Ok(())
}

/// Counts one more, or says when there is room again. What was refused is not counted.
///
/// # Errors
/// Of the database alone.
pub fn take(
    conn: &mut Conn,
    counter: &Counter<'_>,
    limit: u32,
    now: Time,
) -> Result<Result<(), Time>, Error> {
    if let Some(until) = full_until(conn, counter, limit, now)? {
        return Ok(Err(until));
    }
    count(conn, counter, now)?;
    Ok(Ok(()))
}

/// Forgets what was counted before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    diesel::delete(throttles::table.filter(throttles::window_start.lt(before))).execute(conn)?;
    Ok(())
}
