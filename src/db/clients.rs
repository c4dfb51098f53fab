//! Hosts: the applications that call Rekey, with their scopes and public keys.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
use super::schema::{accounts, assertions, clients};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::ClientId;

/// A host, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = clients, treat_none_as_default_value = false)]
pub struct Client {
    /// Which.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// The token's hash.
    pub token_hash: String,
    /// `accounts,codes,tickets`.
    pub scopes: String,
    /// PEM blocks of its public keys, at most two; empty for none.
    pub public_keys: String,
    /// When it was registered.
    pub created_at: Time,
    /// Since when it is disabled.
    pub disabled_at: Option<Time>,
    /// Goes up by one with each audit entry.
    pub version: i32,
}

decides! {
    Client: "clients", clients.mac by id {
        id, name, token_hash, scopes, public_keys, created_at, disabled_at, version,
    } beside {}
}

impl Client {
    /// Whether a scope was given to it.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.split(',').any(|one| one == scope)
    }
}

/// The host of that token, unless it is disabled.
///
/// # Errors
/// Of the database alone.
pub fn find_by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<Client>, Error> {
    let found = clients::table.filter(clients::token_hash.eq(token_hash));
    let row = found.select((Client::as_select(), clients::mac)).first(conn).optional()?;
    unless_disabled(conn, row)
}

fn unless_disabled(conn: &mut Conn, row: Option<(Client, Mac)>) -> Result<Option<Client>, Error> {
    let client = row.map(|row| rows::check(conn, row)).transpose()?;
    Ok(client.filter(|client| client.disabled_at.is_none()))
}

/// The host of that id, unless it is disabled.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, id: &ClientId) -> Result<Option<Client>, Error> {
    let row = clients::table.find(id).select((Client::as_select(), clients::mac)).first(conn).optional()?;
    unless_disabled(conn, row)
}

/// All hosts, by name, as the rows stand: nothing is decided on them.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn) -> Result<Vec<Client>, Error> {
    Ok(clients::table.order(clients::name).select(Client::as_select()).load(conn)?)
}

/// All hosts, by name, each with whether an import or a move has brought it accounts that it still has.
///
/// # Errors
/// Of the database alone.
pub fn list_with_accounts(conn: &mut Conn) -> Result<Vec<(Client, bool)>, Error> {
    Ok(clients::table.order(clients::name).select((Client::as_select(), clients::has_accounts)).load(conn)?)
}

/// Notes that a host has accounts.
///
/// # Errors
/// Of the database alone.
pub fn note_accounts(conn: &mut Conn, id: &ClientId) -> Result<(), Error> {
    let target = clients::table.find(id).filter(clients::has_accounts.eq(false));
    diesel::update(target).set(clients::has_accounts.eq(true)).execute(conn)?;
    Ok(())
}

/// Looks whether a host still has accounts, which may read them all, and notes it.
///
/// # Errors
/// Of the database alone.
pub fn look_for_accounts(conn: &mut Conn, id: &ClientId) -> Result<(), Error> {
    let living = accounts::table.filter(accounts::client_id.eq(id)).filter(accounts::removed_at.is_null());
    let has_accounts: bool = diesel::select(diesel::dsl::exists(living)).get_result(conn)?;
    diesel::update(clients::table.find(id)).set(clients::has_accounts.eq(has_accounts)).execute(conn)?;
    Ok(())
}

/// Stores a host.
///
/// # Errors
/// `Unique` where the name is taken.
pub fn insert(conn: &mut Conn, client: Client) -> Result<(), Error> {
    let mac = rows::sign(conn, &client)?;
    diesel::insert_into(clients::table).values((client, clients::mac.eq(mac))).execute(conn)?;
    Ok(())
}

/// The host of that name, disabled or not.
///
/// # Errors
/// Of the database alone.
pub fn find_by_name(conn: &mut Conn, name: &str) -> Result<Option<Client>, Error> {
    let found = clients::table.filter(clients::name.eq(name));
    let row = found.select((Client::as_select(), clients::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// Stores a host's keys and standing, if nobody has changed them meanwhile.
///
/// # Errors
/// `Stale`.
pub fn update(conn: &mut Conn, client: &Client, from_version: i32) -> Result<(), Error> {
    let mac = rows::sign(conn, client)?;
    let changed = diesel::update(clients::table.find(&client.id).filter(clients::version.eq(from_version)))
        .set((
            clients::public_keys.eq(&client.public_keys),
            clients::disabled_at.eq(client.disabled_at),
            clients::version.eq(client.version),
            clients::mac.eq(mac),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Uses an assertion up. False if it was used before.
///
/// # Errors
/// Of the database alone.
pub fn use_assertion(conn: &mut Conn, client: &ClientId, jti: &str, keep_until: Time) -> Result<bool, Error> {
    let known: bool =
        diesel::select(diesel::dsl::exists(assertions::table.find((client.clone(), jti.to_owned()))))
            .get_result(conn)?;
    if known {
        return Ok(false);
    }
    let inserted = diesel::insert_into(assertions::table)
        .values((
            assertions::client_id.eq(client),
            assertions::jti.eq(jti),
            assertions::expires_at.eq(keep_until),
        ))
        .execute(conn)
        .map_err(Error::from);
    match inserted {
        Ok(_) => Ok(true),
        // Another replica was faster; the transaction is over on PostgreSQL, so it is run again.
        Err(Error::Unique(_)) => Err(Error::Stale),
        Err(other) => Err(other),
    }
}

/// Forgets assertions that are long past.
///
/// # Errors
/// Of the database alone.
pub fn sweep_assertions(conn: &mut Conn, now: Time) -> Result<(), Error> {
    diesel::delete(assertions::table.filter(assertions::expires_at.le(now))).execute(conn)?;
    Ok(())
}
