//! Accounts, locked until the transaction ends.
//!
//! The rule: a transaction that decides by what belongs to an account (its tickets, keys, codes, sessions) locks the
//! account first and reads after that. What was read before the lock may be out of date by the time it is held. Several
//! accounts are locked in the order of their ids, after rows of the staff and before everything else.

use diesel::prelude::*;

use super::accounts::{Row, checked};
use super::conn::on_both_locking;
use super::rows::Mac;
use super::schema::{accounts, clients, tickets, tokens};
use super::{Conn, Error};
use crate::domain::account::Account;
use crate::domain::ids::{AccountId, ClientId, Reference, TicketId};

/// The account of that id, removed or not, locked until the transaction ends.
///
/// # Errors
/// `NotFound`.
pub fn lock(conn: &mut Conn, id: &AccountId) -> Result<Account, Error> {
    let row: (Row, Mac) = on_both_locking!(conn, c, accounts::table.find(id).select((Row::as_select(), accounts::mac)) => first(c)?);
    checked(conn, row)
}

/// The same for the accounts of these ids, in the order of the ids; unknown ids are left out.
///
/// # Errors
/// Of the database alone.
pub fn lock_all(conn: &mut Conn, ids: &[&AccountId]) -> Result<Vec<Account>, Error> {
    let rows: Vec<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::id.eq_any(ids))
        .order(accounts::id)
        .select((Row::as_select(), accounts::mac)) => load(c)?);
    rows.into_iter().map(|row| checked(conn, row)).collect()
}

/// The account of that external id at an application, removed or not, locked.
///
/// # Errors
/// Of the database alone.
pub fn lock_by_external_id(
    conn: &mut Conn,
    client: &ClientId,
    external_id: &str,
) -> Result<Option<Account>, Error> {
    let row: Option<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::external_id.eq(external_id))
        .filter(accounts::client_id.eq(client))
        .select((Row::as_select(), accounts::mac)) => first(c).optional()?);
    row.map(|row| checked(conn, row)).transpose()
}

/// The account of a ticket, locked; none where the ticket is nobody's.
///
/// # Errors
/// Of the database alone.
pub fn lock_of_ticket(conn: &mut Conn, id: &TicketId) -> Result<Option<Account>, Error> {
    let whose = tickets::table.find(id).select(tickets::account_id.assume_not_null());
    let row: Option<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::id.eq_any(whose))
        .select((Row::as_select(), accounts::mac)) => first(c).optional()?);
    row.map(|row| checked(conn, row)).transpose()
}

/// The same for the ticket of that reference.
///
/// # Errors
/// Of the database alone.
pub fn lock_of_reference(conn: &mut Conn, reference: &Reference) -> Result<Option<Account>, Error> {
    let whose =
        tickets::table.filter(tickets::reference.eq(reference)).select(tickets::account_id.assume_not_null());
    let row: Option<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::id.eq_any(whose))
        .select((Row::as_select(), accounts::mac)) => first(c).optional()?);
    row.map(|row| checked(conn, row)).transpose()
}

/// The same for the ticket that the token of that hash belongs to. Whether the token is good is to be asked afterwards.
///
/// # Errors
/// Of the database alone.
pub fn lock_of_token(conn: &mut Conn, hash: &str) -> Result<Option<Account>, Error> {
    let whose = tokens::table
        .inner_join(tickets::table.on(tokens::ticket_id.eq(tickets::id.nullable())))
        .filter(tokens::hash.eq(hash))
        .select(tickets::account_id.assume_not_null());
    let row: Option<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::id.eq_any(whose))
        .select((Row::as_select(), accounts::mac)) => first(c).optional()?);
    row.map(|row| checked(conn, row)).transpose()
}

/// The account that a client calls so, removed or not, locked; none where the client is disabled.
///
/// # Errors
/// Of the database alone.
pub fn lock_of_client(
    conn: &mut Conn,
    client: &ClientId,
    external_id: &str,
) -> Result<Option<Account>, Error> {
    let enabled = clients::table.filter(clients::id.eq(client)).filter(clients::disabled_at.is_null());
    let row: Option<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::external_id.eq(external_id))
        .filter(accounts::client_id.eq(client))
        .filter(diesel::dsl::exists(enabled))
        .select((Row::as_select(), accounts::mac)) => first(c).optional()?);
    row.map(|row| checked(conn, row)).transpose()
}

/// The accounts of these ids of hosts, removed or not, locked in the order of their own ids.
///
/// # Errors
/// Of the database alone.
pub fn lock_by_external_ids(
    conn: &mut Conn,
    client: &ClientId,
    external_ids: &[&str],
) -> Result<Vec<Account>, Error> {
    let rows: Vec<(Row, Mac)> = on_both_locking!(conn, c, accounts::table
        .filter(accounts::external_id.eq_any(external_ids))
        .filter(accounts::client_id.eq(client))
        .order(accounts::id)
        .select((Row::as_select(), accounts::mac)) => load(c)?);
    rows.into_iter().map(|row| checked(conn, row)).collect()
}
