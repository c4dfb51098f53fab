//! Accounts: looked up by external id or address within their application, written with compare-and-swap on their
//! version.

use std::collections::HashMap;

use diesel::prelude::*;

use super::account_addresses::{self, OtherAddress};
pub use super::account_locks::{
    lock, lock_all, lock_by_external_id, lock_by_external_ids, lock_of_client, lock_of_reference,
    lock_of_ticket, lock_of_token,
};
use super::conn::on_both;
pub use super::local_password::{clear_password, password, set_password};
use super::rows::{self, Mac, decides};
use super::schema::{accounts, clients};
use super::{Conn, Error, local_password};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::lockout::Lockout;
use crate::domain::policy::Tier;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = accounts, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct Row {
    id: AccountId,
    client_id: Option<ClientId>,
    external_id: String,
    email: String,
    email_folded: String,
    name: String,
    phone: Option<String>,
    manager_email: Option<String>,
    tier: Tier,
    locale: Option<String>,
    two_factor: TwoFactor,
    failures: i32,
    locked_until: Option<Time>,
    frozen_at: Option<Time>,
    email_changed_at: Option<Time>,
    phone_changed_at: Option<Time>,
    manager_changed_at: Option<Time>,
    put_again_at: Option<Time>,
    created_at: Time,
    removed_at: Option<Time>,
    version: i32,
}

decides! {
    Row: "accounts", accounts.mac by id {
        id, client_id, external_id, email, email_folded, name, phone, manager_email, tier, locale, two_factor, failures,
        locked_until, frozen_at, email_changed_at, phone_changed_at, manager_changed_at, put_again_at, created_at,
        removed_at, version,
    } beside {}
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            client: row.client_id.unwrap_or_else(ClientId::local),
            external_id: row.external_id,
            email: row.email,
            name: row.name,
            phone: row.phone,
            manager_email: row.manager_email,
            tier: row.tier,
            locale: row.locale,
            two_factor: row.two_factor,
            lockout: Lockout { failures: row.failures, locked_until: row.locked_until },
            frozen_at: row.frozen_at,
            email_changed_at: row.email_changed_at,
            phone_changed_at: row.phone_changed_at,
            manager_changed_at: row.manager_changed_at,
            put_again_at: row.put_again_at,
            created_at: row.created_at,
            removed_at: row.removed_at,
            version: row.version,
        }
    }
}

impl From<Account> for Row {
    fn from(account: Account) -> Self {
        Self {
            email_folded: account.email.to_ascii_lowercase(),
            id: account.id,
            client_id: Some(account.client),
            external_id: account.external_id,
            email: account.email,
            name: account.name,
            phone: account.phone,
            manager_email: account.manager_email,
            tier: account.tier,
            locale: account.locale,
            two_factor: account.two_factor,
            failures: account.lockout.failures,
            locked_until: account.lockout.locked_until,
            frozen_at: account.frozen_at,
            email_changed_at: account.email_changed_at,
            phone_changed_at: account.phone_changed_at,
            manager_changed_at: account.manager_changed_at,
            put_again_at: account.put_again_at,
            created_at: account.created_at,
            removed_at: account.removed_at,
            version: account.version,
        }
    }
}

/// The account of that id, removed or not.
///
/// # Errors
/// `NotFound`.
pub fn get(conn: &mut Conn, id: &AccountId) -> Result<Account, Error> {
    let row = accounts::table.find(id).select((Row::as_select(), accounts::mac)).first(conn)?;
    checked(conn, row)
}

pub(super) fn checked(conn: &mut Conn, row: (Row, Mac)) -> Result<Account, Error> {
    Ok(rows::check(conn, row)?.into())
}

/// The account of that external id at an application, removed or not.
///
/// # Errors
/// Of the database alone.
pub fn find_by_external_id(
    conn: &mut Conn,
    client: &ClientId,
    external_id: &str,
) -> Result<Option<Account>, Error> {
    let row = accounts::table
        .filter(accounts::external_id.eq(external_id))
        .filter(accounts::client_id.eq(client))
        .select((Row::as_select(), accounts::mac))
        .first(conn)
        .optional()?;
    row.map(|row| checked(conn, row)).transpose()
}

/// The account that a client calls so, removed or not; none where the client is disabled.
///
/// # Errors
/// Of the database alone.
pub fn find_of_client(
    conn: &mut Conn,
    client: &ClientId,
    external_id: &str,
) -> Result<Option<Account>, Error> {
    let enabled = clients::table.filter(clients::id.eq(client)).filter(clients::disabled_at.is_null());
    let row = accounts::table
        .filter(accounts::external_id.eq(external_id))
        .filter(accounts::client_id.eq(client))
        .filter(diesel::dsl::exists(enabled))
        .select((Row::as_select(), accounts::mac))
        .first(conn)
        .optional()?;
    row.map(|row| checked(conn, row)).transpose()
}

/// The account of that address on file at an application; never by its other addresses.
///
/// # Errors
/// Of the database alone.
pub fn find_by_email(conn: &mut Conn, client: &ClientId, email: &str) -> Result<Option<Account>, Error> {
    let row = accounts::table
        .filter(accounts::email_folded.eq(email.to_ascii_lowercase()))
        .filter(accounts::client_id.eq(client))
        .filter(accounts::removed_at.is_null())
        .select((Row::as_select(), accounts::mac))
        .first(conn)
        .optional()?;
    row.map(|row| checked(conn, row)).transpose()
}

/// The accounts of that external id at any application, removed or not.
///
/// # Errors
/// Of the database alone.
pub fn list_by_external_id(conn: &mut Conn, external_id: &str) -> Result<Vec<Account>, Error> {
    let rows: Vec<(Row, Mac)> = accounts::table
        .filter(accounts::external_id.eq(external_id))
        .order(accounts::client_id)
        .select((Row::as_select(), accounts::mac))
        .load(conn)?;
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// The accounts of that address on file at any application; never by their other addresses.
///
/// # Errors
/// Of the database alone.
pub fn list_by_email(conn: &mut Conn, email: &str) -> Result<Vec<Account>, Error> {
    let rows: Vec<(Row, Mac)> = accounts::table
        .filter(accounts::email_folded.eq(email.to_ascii_lowercase()))
        .filter(accounts::removed_at.is_null())
        .order(accounts::client_id)
        .select((Row::as_select(), accounts::mac))
        .load(conn)?;
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// The accounts of these ids, in no order, as the rows stand: for showing and writing to, and nothing is decided on them.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, ids: Vec<AccountId>) -> Result<Vec<Account>, Error> {
    let rows = accounts::table.filter(accounts::id.eq_any(ids)).select(Row::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// The accounts of these external ids at an application, removed or not, in no order.
///
/// # Errors
/// Of the database alone.
pub fn list_by_external_ids(
    conn: &mut Conn,
    client: &ClientId,
    external_ids: &[&str],
) -> Result<Vec<Account>, Error> {
    let rows: Vec<(Row, Mac)> = on_both!(conn, c => accounts::table
        .filter(accounts::external_id.eq_any(external_ids))
        .filter(accounts::client_id.eq(client))
        .select((Row::as_select(), accounts::mac))
        .load(c)?);
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// Which accounts of an application hold these addresses, which are given in small letters; never by other addresses.
///
/// # Errors
/// Of the database alone.
pub fn holders(
    conn: &mut Conn,
    client: &ClientId,
    emails: &[String],
) -> Result<Vec<(String, AccountId)>, Error> {
    Ok(on_both!(conn, c => accounts::table
        .filter(accounts::email_folded.eq_any(emails))
        .filter(accounts::client_id.eq(client))
        .filter(accounts::removed_at.is_null())
        .select((accounts::email_folded, accounts::id))
        .load(c)?))
}

/// A new account with its MACs: that of its password, of which there is none, and that of its other addresses.
macro_rules! signed {
    ($conn:expr, $account:expr, $addresses:expr) => {{
        let row = Row::from($account);
        let macs = (
            accounts::mac.eq(rows::sign($conn, &row)?),
            accounts::password_mac.eq(local_password::sign_none($conn, &row.id)?),
            accounts::addresses_mac.eq(account_addresses::sign($conn, &row.id, $addresses)?),
        );
        (row, macs)
    }};
}

/// Stores a new account, which has no other addresses yet.
///
/// # Errors
/// `Unique` where the application has the address or the external id already.
pub fn insert(conn: &mut Conn, account: Account) -> Result<(), Error> {
    let row = signed!(conn, account, &[]);
    diesel::insert_into(accounts::table).values(row).execute(conn)?;
    Ok(())
}

/// Stores some hundred new accounts at once, and their other addresses.
///
/// # Errors
/// `Unique` where the application has an address or an external id already.
pub fn insert_all(conn: &mut Conn, accounts: Vec<Account>, addresses: &[OtherAddress]) -> Result<(), Error> {
    let mut of: HashMap<&AccountId, Vec<OtherAddress>> = HashMap::new();
    for one in addresses {
        of.entry(&one.account_id).or_default().push(one.clone());
    }
    let mut rows = Vec::with_capacity(accounts.len());
    for account in accounts {
        let addresses = of.remove(&account.id).unwrap_or_default();
        rows.push(signed!(conn, account, &addresses));
    }
    on_both!(conn, c => diesel::insert_into(accounts::table).values(rows).execute(c)?);
    account_addresses::insert_all(conn, addresses)
}

/// Stores a changed account, if nobody has changed it, or counted a failure, meanwhile.
///
/// # Errors
/// `Stale`; `Unique` where the address is taken.
pub fn update(conn: &mut Conn, account: Account, from_version: i32) -> Result<(), Error> {
    let row = Row::from(account);
    let target = accounts::table
        .find(row.id.clone())
        .filter(accounts::version.eq(from_version))
        .filter(accounts::failures.eq(row.failures));
    let mac = rows::sign(conn, &row)?;
    let changed = diesel::update(target).set((row, accounts::mac.eq(mac))).execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Counts a failure or forgets them, if nobody has counted, or changed the account, meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, account: &Account, to: Lockout) -> Result<(), Error> {
    let mac = rows::sign(conn, &Row::from(Account { lockout: to, ..account.clone() }))?;
    let target = accounts::table
        .find(&account.id)
        .filter(accounts::version.eq(account.version))
        .filter(accounts::failures.eq(account.lockout.failures));
    let changed = diesel::update(target)
        .set((
            accounts::failures.eq(to.failures),
            accounts::locked_until.eq(to.locked_until),
            accounts::mac.eq(mac),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}
