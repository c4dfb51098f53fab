//! Answers that are given again when the same request comes again, sealed, for a day.

use diesel::prelude::*;

use super::schema::idempotency_keys as table;
use super::{Conn, Error};
use crate::domain::Time;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
pub struct Answered {
    /// The call.
    pub scope: String,
    /// The keyed digest of the key that the caller chose.
    pub key: String,
    /// The keyed digest of the request.
    pub request: String,
    /// The sealed answer.
    pub answer: Option<Vec<u8>>,
    /// When it is forgotten.
    pub expires_at: Time,
}

/// What was answered under that key.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, scope: &str, key: &str, now: Time) -> Result<Option<Answered>, Error> {
    Ok(table::table
        .find((scope, key))
        .filter(table::expires_at.gt(now))
        .select(Answered::as_select())
        .first(conn)
        .optional()?)
}

/// Stores an answer.
///
/// # Errors
/// `Stale` where the same request was answered meanwhile.
pub fn insert(conn: &mut Conn, answered: Answered) -> Result<(), Error> {
    diesel::delete(
        table::table
            .find((&answered.scope, &answered.key))
            .filter(table::expires_at.le(answered.expires_at - chrono::Duration::hours(24))),
    )
    .execute(conn)?;
    match diesel::insert_into(table::table).values(answered).execute(conn).map_err(Error::from) {
        Ok(_) => Ok(()),
        Err(Error::Unique(_)) => Err(Error::Stale),
        Err(other) => Err(other),
    }
}

/// Forgets answers whose time has run out.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    diesel::delete(table::table.filter(table::expires_at.le(now))).execute(conn)?;
    Ok(())
}
