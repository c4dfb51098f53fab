//! Whose account is a member of the staff's own: by `--account`, or by any address that is, or lately was, on its file.
//!
//! The rule: addresses are compared by the mailbox that they may lead to, and disabled members count. It refuses; nobody
//! is let in by it.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::account_addresses;
use super::conn::on_both;
use super::schema::{account_addresses as others, accounts, staff};
use super::staff::{Member, checked};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::address::mailbox_key;
use crate::domain::ids::AccountId;

/// The members of the staff whose account this is. Former addresses count where they were on file after `since`.
///
/// # Errors
/// Of the database alone.
pub fn owners(conn: &mut Conn, account: &Account, since: Time) -> Result<Vec<Member>, Error> {
    let others = account_addresses::list(conn, &account.id)?;
    let others = others.iter().filter(|one| one.counts(since)).map(|one| &one.address);
    let keys: BTreeSet<String> =
        std::iter::once(&account.email).chain(others).map(|address| mailbox_key(address)).collect();
    let members: Vec<Member> = on_both!(conn, c => staff::table
        .filter(staff::mailbox.eq_any(keys).or(staff::account_id.eq(&account.id)))
        .order(staff::id)
        .select(Member::as_select())
        .load(c)?);
    members.into_iter().map(|member| checked(conn, member)).collect()
}

/// The members whose address may lead to the same mailbox.
///
/// # Errors
/// Of the database alone.
pub fn of_mailbox(conn: &mut Conn, address: &str) -> Result<Vec<Member>, Error> {
    let members: Vec<Member> = staff::table
        .filter(staff::mailbox.eq(mailbox_key(address)))
        .select(Member::as_select())
        .load(conn)?;
    members.into_iter().map(|member| checked(conn, member)).collect()
}

/// The accounts that carry an address: on file, beside it, or formerly but after `since`.
///
/// # Errors
/// Of the database alone.
pub fn accounts_with(conn: &mut Conn, address: &str, since: Time) -> Result<BTreeSet<AccountId>, Error> {
    let key = mailbox_key(address);
    let on_file: Vec<AccountId> =
        accounts::table.filter(accounts::mailbox.eq(&key)).select(accounts::id).load(conn)?;
    let beside: Vec<AccountId> = others::table
        .filter(others::mailbox.eq(&key))
        .filter(others::kind.eq("other").or(others::added_at.gt(since)))
        .select(others::account_id)
        .load(conn)?;
    Ok(on_file.into_iter().chain(beside).collect())
}

/// Whether an address leads to a member: it may be theirs at the desk, or one of an account that is theirs.
///
/// # Errors
/// Of the database alone.
pub fn leads_to(conn: &mut Conn, address: &str, member: &Member, since: Time) -> Result<bool, Error> {
    if mailbox_key(address) == mailbox_key(&member.email) {
        return Ok(true);
    }
    let with_address = accounts_with(conn, address, since)?;
    if with_address.is_empty() {
        return Ok(false);
    }
    let mut own = accounts_with(conn, &member.email, since)?;
    own.extend(member.account_id.clone());
    Ok(!own.is_disjoint(&with_address))
}
