//! Sessions of accounts' owners at Rekey's own pages: opaque tokens, as hashes. Apart from the staff's, so that
//! neither can ever be taken for the other.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
use super::schema::account_sessions;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{AccountId, SessionId};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = account_sessions, treat_none_as_default_value = false)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// The token's hash.
    pub token_hash: String,
    /// Whose.
    pub account_id: AccountId,
    /// The family of browser and device, in words of ours.
    pub browser: String,
    /// When the password was given.
    pub created_at: Time,
    /// When they were last seen.
    pub seen_at: Time,
    /// When a code was given.
    pub code_at: Option<Time>,
    /// When it ends at the latest.
    pub expires_at: Time,
    /// The network that it began in, as text.
    pub network: Option<String>,
}

decides! {
    Session: "account_sessions", account_sessions.mac by id {
        id, token_hash, account_id, browser, created_at, code_at, expires_at, network,
    } beside { seen_at }
}

/// The session of that token.
///
/// # Errors
/// `Forged`.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>, Error> {
    let found = account_sessions::table.filter(account_sessions::token_hash.eq(token_hash));
    let row = found.select((Session::as_select(), account_sessions::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// The session of that id.
///
/// # Errors
/// Of the database alone.
pub fn get(conn: &mut Conn, id: &SessionId) -> Result<Option<Session>, Error> {
    let found = account_sessions::table.find(id);
    let row = found.select((Session::as_select(), account_sessions::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// The same, as nobody changes or ends it until the transaction does.
///
/// # Errors
/// Of the database alone.
pub fn lock(conn: &mut Conn, id: &SessionId) -> Result<Option<Session>, Error> {
    let found = account_sessions::table.find(id);
    let row: Option<(Session, Mac)> = match &mut *conn {
        Conn::Pg(conn) => {
            found.select((Session::as_select(), account_sessions::mac)).for_share().first(conn).optional()?
        }
        Conn::Sqlite(conn) => {
            found.select((Session::as_select(), account_sessions::mac)).first(conn).optional()?
        }
    };
    row.map(|row| rows::check(conn, row)).transpose()
}

/// All sessions of an account, the last seen first.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<Session>, Error> {
    let all: Vec<(Session, Mac)> = account_sessions::table
        .filter(account_sessions::account_id.eq(account))
        .order((account_sessions::seen_at.desc(), account_sessions::id.desc()))
        .select((Session::as_select(), account_sessions::mac))
        .load(conn)?;
    rows::check_all(conn, all)
}

/// Stores a session.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, session: Session) -> Result<(), Error> {
    let mac = rows::sign(conn, &session)?;
    diesel::insert_into(account_sessions::table)
        .values((session, account_sessions::mac.eq(mac)))
        .execute(conn)?;
    Ok(())
}

/// They were seen.
///
/// # Errors
/// Of the database alone.
pub fn touch(conn: &mut Conn, id: &SessionId, now: Time) -> Result<(), Error> {
    diesel::update(account_sessions::table.find(id)).set(account_sessions::seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// A code was given: the session goes on under another token. Says whether it was still there.
///
/// # Errors
/// Of the database alone.
pub fn rise(conn: &mut Conn, id: &SessionId, token_hash: &str, now: Time) -> Result<bool, Error> {
    let found = account_sessions::table.find(id);
    let row = found.select((Session::as_select(), account_sessions::mac)).first(conn).optional()?;
    let Some(row) = row else { return Ok(false) };
    let mut session = rows::check(conn, row)?;
    let former = rows::sign(conn, &session)?;
    token_hash.clone_into(&mut session.token_hash);
    session.code_at = Some(now);
    let mac = rows::sign(conn, &session)?;
    let changed = diesel::update(found.filter(account_sessions::mac.eq(former)))
        .set((
            account_sessions::token_hash.eq(token_hash),
            account_sessions::code_at.eq(now),
            account_sessions::seen_at.eq(now),
            account_sessions::mac.eq(mac),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(true) } else { Err(Error::Stale) }
}

/// Ends a session of that account.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, account: &AccountId, id: &SessionId) -> Result<(), Error> {
    let target = account_sessions::table.find(id).filter(account_sessions::account_id.eq(account));
    diesel::delete(target).execute(conn)?;
    Ok(())
}

/// Ends all sessions of an account but one.
///
/// # Errors
/// Of the database alone.
pub fn end_others(conn: &mut Conn, account: &AccountId, but: &SessionId) -> Result<(), Error> {
    let target = account_sessions::table
        .filter(account_sessions::account_id.eq(account))
        .filter(account_sessions::id.ne(but));
    diesel::delete(target).execute(conn)?;
    Ok(())
}

/// Ends all sessions of an account.
///
/// # Errors
/// Of the database alone.
pub fn end_all(conn: &mut Conn, account: &AccountId) -> Result<(), Error> {
    diesel::delete(account_sessions::table.filter(account_sessions::account_id.eq(account))).execute(conn)?;
    Ok(())
}

/// Forgets sessions whose time has run out; unused since `idle_since` is run out too.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time, idle_since: Time) -> Result<(), Error> {
    let is_over = account_sessions::expires_at.le(now).or(account_sessions::seen_at.le(idle_since));
    diesel::delete(account_sessions::table.filter(is_over)).execute(conn)?;
    Ok(())
}
