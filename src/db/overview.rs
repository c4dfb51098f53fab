//! Tickets counted by the hour, for the overview.
//!
//! The rule: each query reads one index from a time on, and answers with rows that grow with the hours and the words,
//! not with the tickets; where single tickets are needed, there is a limit.

use chrono::NaiveDateTime;
use diesel::dsl::{count, count_star, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::schema::{audit_entries, tickets};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ticket::{CloseReason, State};

/// Tickets that were opened in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// When the hour began.
    pub hour: Time,
    /// All of them.
    pub all: i64,
    /// Those of them that were confirmed, then or later.
    pub confirmed: i64,
}

/// Confirmed tickets that ended in one hour, in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// When the hour began.
    pub hour: Time,
    /// Where they stand.
    pub state: State,
    /// Why they were closed.
    pub reason: Option<CloseReason>,
    /// How many.
    pub count: i64,
}

/// The times of one ticket that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Times {
    /// When it was confirmed.
    pub confirmed_at: Time,
    /// When the last approval was given, if it was.
    pub approved_at: Option<Time>,
    /// When it ended.
    pub ended_at: Time,
}

/// What was opened since a time, by the hour.
///
/// # Errors
/// Of the database alone.
pub fn opened(conn: &mut Conn, since: Time) -> Result<Vec<Opened>, Error> {
    let hour = || sql::<Text>("substr(CAST(opened_at AS TEXT), 1, 13)");
    let rows: Vec<(String, i64, i64)> = tickets::table
        .filter(tickets::opened_at.ge(since))
        .group_by(hour())
        .select((hour(), count_star(), count(tickets::confirmed_at)))
        .load(conn)?;
    rows.into_iter().map(|(hour, all, confirmed)| Ok(Opened { hour: read(&hour)?, all, confirmed })).collect()
}

/// How confirmed tickets ended since a time, by the hour.
///
/// # Errors
/// Of the database alone.
pub fn ended(conn: &mut Conn, since: Time) -> Result<Vec<Ended>, Error> {
    let way = "substr(CAST(state_since AS TEXT), 1, 13), state, reason";
    let rows: Vec<(String, State, Option<CloseReason>, i64)> = tickets::table
        .filter(is_over())
        .filter(tickets::state_since.ge(since))
        .filter(tickets::confirmed_at.is_not_null())
        .group_by(sql::<Text>(way))
        .select(sql::<(Text, Text, Nullable<Text>, BigInt)>(&format!("{way}, count(*)")))
        .load(conn)?;
    let ended = |(hour, state, reason, count): (String, _, _, _)| {
        Ok(Ended { hour: read(&hour)?, state, reason, count })
    };
    rows.into_iter().map(ended).collect()
}

/// The tickets decided by the staff that ended since a time, newest first.
///
/// # Errors
/// Of the database alone.
pub fn decided(conn: &mut Conn, since: Time, limit: i64) -> Result<Vec<Times>, Error> {
    let by_staff = [CloseReason::Solved, CloseReason::Rejected, CloseReason::NotMe];
    Ok(tickets::table
        .filter(is_over())
        .filter(tickets::state_since.ge(since))
        .filter(tickets::approved_at.is_not_null().or(tickets::reason.eq_any(by_staff)))
        .order(tickets::state_since.desc())
        .limit(limit)
        .select((tickets::confirmed_at.assume_not_null(), tickets::approved_at, tickets::state_since))
        .filter(tickets::confirmed_at.is_not_null())
        .load(conn)?)
}

/// How often a ticket or an account was frozen since a time, by the hour.
///
/// # Errors
/// Of the database alone.
pub fn frozen(conn: &mut Conn, since: Time) -> Result<Vec<(Time, i64)>, Error> {
    let hour = || sql::<Text>("substr(CAST(at AS TEXT), 1, 13)");
    let rows: Vec<(String, i64)> = audit_entries::table
        .filter(sql::<Bool>("action IN ('frozen', 'account_frozen')"))
        .filter(audit_entries::at.ge(since))
        .group_by(hour())
        .select((hour(), count_star()))
        .load(conn)?;
    rows.into_iter().map(|(hour, count)| Ok((read(&hour)?, count))).collect()
}

/// In the words of the index, so that it serves: a planner does not see through a bound value.
fn is_over() -> SqlLiteral<Bool> {
    sql("state IN ('completed', 'closed')")
}

/// `2026-11-02 14`, as both databases write the beginning of a time.
fn read(hour: &str) -> Result<Time, Error> {
    NaiveDateTime::parse_from_str(&format!("{hour}:00"), "%Y-%m-%d %H:%M")
        .map_err(|_| Error::Corrupt("a time without an hour"))
}
