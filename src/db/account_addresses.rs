//! The addresses beside the one on file of an account: others that are told what happens, and former ones.
//!
//! The rule: nobody is found by them, and no key goes to them. All of an account bear one MAC, which stands in the
//! account's row, so that one that was deleted shows too.

use std::collections::HashMap;

use diesel::prelude::*;

use super::conn::on_both;
use super::rows::{self, Decides, Fields, Mac};
use super::schema::{account_addresses, accounts};
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

/// All of an account, as they are signed.
pub(super) struct Set {
    account_id: AccountId,
    addresses: Vec<OtherAddress>,
}

impl Decides for Set {
    const NAME: &'static str = "account_addresses";
    const PLACE: [&'static str; 3] = ["accounts", "addresses_mac", "id"];

    fn id(&self) -> &str {
        self.account_id.as_str()
    }

    fn write(&self, fields: &mut Fields) {
        fields.put(&self.account_id);
        // However a database sorts.
        let mut sorted: Vec<&OtherAddress> = self.addresses.iter().collect();
        sorted.sort_unstable_by_key(|one| (&one.kind, &one.address));
        for OtherAddress { account_id: _, address, kind, added_at, is_new } in sorted {
            fields.put(kind);
            fields.put(address);
            fields.put(added_at);
            fields.put(is_new);
        }
    }

    fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(Self, Mac)>, Error> {
        let ids: Vec<AccountId> = accounts::table
            .filter(accounts::id.gt(after))
            .order(accounts::id)
            .limit(limit)
            .select(accounts::id)
            .load(conn)?;
        load(conn, &ids.iter().collect::<Vec<_>>())
    }
}

/// The sets of some accounts with what they bear, in the order of the accounts' ids.
fn load(conn: &mut Conn, ids: &[&AccountId]) -> Result<Vec<(Set, Mac)>, Error> {
    // In one statement: somebody else may set them at this moment.
    let found: Vec<(AccountId, Mac, Option<OtherAddress>)> = on_both!(conn, c => accounts::table
        .left_join(account_addresses::table.on(account_addresses::account_id.eq(accounts::id)))
        .filter(accounts::id.eq_any(ids))
        .order((accounts::id, account_addresses::kind, account_addresses::address))
        .select((accounts::id, accounts::addresses_mac, Option::<OtherAddress>::as_select()))
        .load(c)?);
    let mut sets: Vec<(Set, Mac)> = Vec::new();
    let mut places: HashMap<AccountId, usize> = HashMap::new();
    for (account_id, mac, address) in found {
        let place = *places.entry(account_id.clone()).or_insert(sets.len());
        if place == sets.len() {
            sets.push((Set { account_id, addresses: Vec::new() }, mac));
        }
        if let Some((set, _)) = sets.get_mut(place) {
            set.addresses.extend(address);
        }
    }
    Ok(sets)
}

/// The MAC of all addresses beside the one on file.
pub(super) fn sign(conn: &mut Conn, id: &AccountId, addresses: &[OtherAddress]) -> Result<Vec<u8>, Error> {
    rows::sign(conn, &Set { account_id: id.clone(), addresses: addresses.to_vec() })
}

/// The addresses beside the one on file.
///
/// # Errors
/// `Forged`.
pub fn list(conn: &mut Conn, id: &AccountId) -> Result<Vec<OtherAddress>, Error> {
    list_of(conn, &[id])
}

/// The addresses beside those on file of some accounts.
///
/// # Errors
/// `Forged`.
pub fn list_of(conn: &mut Conn, ids: &[&AccountId]) -> Result<Vec<OtherAddress>, Error> {
    let sets = load(conn, ids)?;
    let sets = rows::check_all(conn, sets)?;
    Ok(sets.into_iter().flat_map(|set| set.addresses).collect())
}

/// Takes the place of all addresses beside the one on file.
///
/// # Errors
/// Of the database alone.
pub fn set(conn: &mut Conn, id: &AccountId, addresses: &[OtherAddress]) -> Result<(), Error> {
    let mac = sign(conn, id, addresses)?;
    diesel::update(accounts::table.find(id)).set(accounts::addresses_mac.eq(mac)).execute(conn)?;
    diesel::delete(account_addresses::table.filter(account_addresses::account_id.eq(id))).execute(conn)?;
    insert_all(conn, addresses)
}

/// Stores addresses, some hundred at most, of accounts that are signed with them.
///
/// # Errors
/// Of the database alone.
pub(super) fn insert_all(conn: &mut Conn, addresses: &[OtherAddress]) -> Result<(), Error> {
    if !addresses.is_empty() {
        on_both!(conn, c => diesel::insert_into(account_addresses::table).values(addresses).execute(c)?);
    }
    Ok(())
}
