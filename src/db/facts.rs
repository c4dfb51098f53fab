//! Facts about this database, such as the key ring that its secrets are sealed with.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{authenticators, facts, staff};
use super::{Conn, Error};

/// Which ring the secrets are sealed with.
pub const KEY_RING: &str = "key_ring";
/// Which key of it seals now.
pub const PRIMARY_KEY: &str = "primary_key";
/// Which keys of it were retired, with commas between them.
pub const RETIRED_KEYS: &str = "retired_keys";

/// The facts of these names that there are.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, names: &[&str]) -> Result<BTreeMap<String, String>, Error> {
    let rows: Vec<(String, String)> = facts::table.filter(facts::name.eq_any(names.to_vec())).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// A fact by its name.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, name: &str) -> Result<Option<String>, Error> {
    Ok(facts::table.find(name).select(facts::value).first(conn).optional()?)
}

/// Sets a fact.
///
/// # Errors
/// Of the database alone.
pub fn put(conn: &mut Conn, name: &str, value: &str) -> Result<(), Error> {
    diesel::delete(facts::table.find(name)).execute(conn)?;
    diesel::insert_into(facts::table).values((facts::name.eq(name), facts::value.eq(value))).execute(conn)?;
    Ok(())
}

/// Forgets a fact.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, name: &str) -> Result<(), Error> {
    diesel::delete(facts::table.find(name)).execute(conn)?;
    Ok(())
}

/// Remembers a fact once and for all, and returns what is remembered: what was there before stays.
///
/// # Errors
/// `Stale` where another program was faster.
pub fn settle(conn: &mut Conn, name: &str, value: &str) -> Result<String, Error> {
    if let Some(known) = find(conn, name)? {
        return Ok(known);
    }
    let inserted = diesel::insert_into(facts::table)
        .values((facts::name.eq(name), facts::value.eq(value)))
        .execute(conn)
        .map_err(Error::from);
    match inserted {
        Ok(_) => Ok(value.to_owned()),
        Err(Error::Unique(_)) => Err(Error::Stale),
        Err(other) => Err(other),
    }
}

/// Whether anything in this database is sealed.
///
/// # Errors
/// Of the database alone.
pub fn has_sealed_data(conn: &mut Conn) -> Result<bool, Error> {
    let keys: bool = diesel::select(diesel::dsl::exists(authenticators::table.select(authenticators::id)))
        .get_result(conn)?;
    let members: bool =
        diesel::select(diesel::dsl::exists(staff::table.select(staff::id))).get_result(conn)?;
    let named: bool = diesel::select(diesel::dsl::exists(facts::table.filter(facts::name.eq(KEY_RING))))
        .get_result(conn)?;
    Ok(keys || members || named)
}

/// Writes a fact that every database has as it is.
///
/// # Errors
/// Of the database alone.
pub fn touch(conn: &mut Conn) -> Result<(), Error> {
    diesel::update(facts::table.find(KEY_RING)).set(facts::value.eq(facts::value)).execute(conn)?;
    Ok(())
}

/// Answers, so that a caller knows whether the database does.
///
/// # Errors
/// Of the database alone.
pub fn ping(conn: &mut Conn) -> Result<(), Error> {
    find(conn, "ping").map(drop)
}
