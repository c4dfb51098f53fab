//! Local passwords of accounts, for those whose host has no sign-in of its own. Each bears a MAC of its own: it is set
//! without a version.

use diesel::prelude::*;

use super::rows::{self, decides};
use super::schema::accounts;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::AccountId;

/// The local password of an account, or that it has none.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct Local {
    id: AccountId,
    password: Option<String>,
    password_changed_at: Option<Time>,
}

decides! {
    Local: "accounts (password)", accounts.password_mac by id { id, password, password_changed_at } beside {}
}

/// What an account bears that has no local password.
pub(super) fn sign_none(conn: &mut Conn, id: &AccountId) -> Result<Vec<u8>, Error> {
    rows::sign(conn, &Local { id: id.clone(), password: None, password_changed_at: None })
}

/// The hash of the local password and when it was set, for accounts of hosts without a sign-in of their own.
///
/// # Errors
/// `NotFound`.
pub fn password(conn: &mut Conn, id: &AccountId) -> Result<Option<(String, Time)>, Error> {
    let row = accounts::table.find(id).select((Local::as_select(), accounts::password_mac)).first(conn)?;
    let Local { id: _, password, password_changed_at } = rows::check(conn, row)?;
    Ok(password.zip(password_changed_at))
}

/// Sets the local password.
///
/// # Errors
/// Of the database alone.
pub fn set_password(conn: &mut Conn, id: &AccountId, hash: &str, now: Time) -> Result<(), Error> {
    put_password(conn, id, Some((hash, now)))
}

/// Forgets the local password.
///
/// # Errors
/// Of the database alone.
pub fn clear_password(conn: &mut Conn, id: &AccountId) -> Result<(), Error> {
    put_password(conn, id, None)
}

fn put_password(conn: &mut Conn, id: &AccountId, password: Option<(&str, Time)>) -> Result<(), Error> {
    let (hash, at) = password.unzip();
    let row = Local { id: id.clone(), password: hash.map(str::to_owned), password_changed_at: at };
    let mac = rows::sign(conn, &row)?;
    diesel::update(accounts::table.find(id))
        .set((
            accounts::password.eq(hash),
            accounts::password_changed_at.eq(at),
            accounts::password_mac.eq(mac),
        ))
        .execute(conn)?;
    Ok(())
}
