//! Letters that were dropped at birth: they went to nobody, and are kept no longer than a flood is looked into.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::letters;
use super::{Conn, Error};
use crate::domain::Time;

/// Forgets those that were written before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    // Spelled out: SQLite takes a partial index only where it reads the index's own condition.
    let dropped = letters::table.filter(sql::<Bool>("recipient = ''"));
    diesel::delete(dropped.filter(letters::created_at.lt(before))).execute(conn)?;
    Ok(())
}
