//! The addresses beside the one on file of an account: others that are told what happens, and former ones.
//!
//! The rule: nobody is found by them, and no key goes to them.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::account_addresses;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::AccountId;

/// An address beside the one on file.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = account_addresses, treat_none_as_default_value = false)]
pub struct OtherAddress {
    /// Whose.
    pub account_id: AccountId,
    /// The address.
    pub address: String,
    /// `other` (told what happens) or `former` (was the one on file, or an other one, less than 30 days ago).
    pub kind: String,
    /// Since when it is of this kind.
    pub added_at: Time,
    /// Whether it came after the account's first facts.
    pub is_new: bool,
}

impl OtherAddress {
    /// Whether it is told what happens: one of today, or a former one that was on file after `since`.
    #[must_use]
    pub fn counts(&self, since: Time) -> bool {
        self.kind == "other" || self.added_at > since
    }
}

/// The addresses beside the one on file.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, id: &AccountId) -> Result<Vec<OtherAddress>, Error> {
    Ok(account_addresses::table
        .filter(account_addresses::account_id.eq(id))
        .order((account_addresses::kind, account_addresses::address))
        .select(OtherAddress::as_select())
        .load(conn)?)
}

/// The addresses beside those on file of some accounts.
///
/// # Errors
/// Of the database alone.
pub fn list_of(conn: &mut Conn, ids: &[&AccountId]) -> Result<Vec<OtherAddress>, Error> {
    Ok(on_both!(conn, c => account_addresses::table
        .filter(account_addresses::account_id.eq_any(ids))
        .order((account_addresses::kind, account_addresses::address))
        .select(OtherAddress::as_select())
        .load(c)?))
}

/// Takes the place of all addresses beside the one on file.
///
/// # Errors
/// Of the database alone.
pub fn set(conn: &mut Conn, id: &AccountId, addresses: &[OtherAddress]) -> Result<(), Error> {
    diesel::delete(account_addresses::table.filter(account_addresses::account_id.eq(id))).execute(conn)?;
    insert_all(conn, addresses)
}

/// Stores addresses, some hundred at most.
///
/// # Errors
/// Of the database alone.
pub fn insert_all(conn: &mut Conn, addresses: &[OtherAddress]) -> Result<(), Error> {
    if !addresses.is_empty() {
        on_both!(conn, c => diesel::insert_into(account_addresses::table).values(addresses).execute(c)?);
    }
    Ok(())
}
