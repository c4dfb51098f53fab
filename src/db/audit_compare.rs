//! The audit log compared with what it is about: each version of a row has its entry, and checkpoints lie on the chain.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{accounts, audit_entries, authenticators, clients, staff, tickets};
use super::{Conn, Error};

/// Kinds of subject that have versions.
pub const VERSIONED: [&str; 5] = ["ticket", "account", "authenticator", "staff", "client"];

macro_rules! versions {
    ($conn:expr, $after:expr, $limit:expr, $table:ident) => {{
        let mut query =
            $table::table.order($table::id).limit($limit).select(($table::id, $table::version)).into_boxed();
        if let Some(after) = $after {
            query = query.filter($table::id.gt(after.to_owned()));
        }
        query.load::<(String, i32)>($conn)
    }};
}

/// A page of the subjects of a kind, after an id or from the first one: id and version.
///
/// # Errors
/// Of the database alone.
pub fn list_versions(
    conn: &mut Conn,
    kind: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<(String, i32)>, Error> {
    let page = match kind {
        "ticket" => versions!(conn, after, limit, tickets),
        "account" => versions!(conn, after, limit, accounts),
        "authenticator" => versions!(conn, after, limit, authenticators),
        "staff" => versions!(conn, after, limit, staff),
        "client" => versions!(conn, after, limit, clients),
        _ => return Err(Error::Corrupt("a kind of subject")),
    };
    Ok(page?)
}

/// How many entries each of these subjects has, and of which version the last one is; those without one are left out.
///
/// # Errors
/// Of the database alone.
pub fn count_entries(
    conn: &mut Conn,
    kind: &str,
    ids: &[String],
) -> Result<BTreeMap<String, (i64, i32)>, Error> {
    let counted: Vec<(String, i64, Option<i32>)> = audit_entries::table
        .filter(audit_entries::subject_kind.eq(kind))
        .filter(audit_entries::subject_id.eq_any(ids.to_vec()))
        .group_by(audit_entries::subject_id)
        .select((
            audit_entries::subject_id,
            diesel::dsl::count_star(),
            diesel::dsl::max(audit_entries::subject_version),
        ))
        .load(conn)?;
    Ok(counted.into_iter().map(|(id, count, last)| (id, (count, last.unwrap_or(0)))).collect())
}

/// The versions of a subject that have an entry, in order.
///
/// # Errors
/// Of the database alone.
pub fn list_entry_versions(conn: &mut Conn, kind: &str, id: &str) -> Result<Vec<i32>, Error> {
    Ok(audit_entries::table
        .filter(audit_entries::subject_kind.eq(kind))
        .filter(audit_entries::subject_id.eq(id))
        .order(audit_entries::subject_version)
        .select(audit_entries::subject_version)
        .load(conn)?)
}

/// The hashes of the chain at some positions; positions without an entry are left out.
///
/// # Errors
/// Of the database alone.
pub fn chain_at(conn: &mut Conn, positions: &[i64]) -> Result<BTreeMap<i64, Vec<u8>>, Error> {
    let rows: Vec<(Option<i64>, Option<Vec<u8>>)> = audit_entries::table
        .filter(audit_entries::position.eq_any(positions.to_vec()))
        .select((audit_entries::position, audit_entries::chain))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(position, chain)| position.zip(chain)).collect())
}
