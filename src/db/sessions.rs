//! Sessions of the staff: opaque tokens, as hashes.

use diesel::prelude::*;

use super::schema::staff_sessions;
use super::{Conn, Error, Lock};
use crate::domain::Time;
use crate::domain::ids::{SessionId, StaffId};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = staff_sessions, treat_none_as_default_value = false)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// The token's hash.
    pub token_hash: String,
    /// Whose.
    pub staff_id: StaffId,
    /// When they signed in.
    pub created_at: Time,
    /// When they were last seen.
    pub seen_at: Time,
    /// When it ends at the latest.
    pub expires_at: Time,
    /// Until when a step-up stands.
    pub step_up_until: Option<Time>,
}

/// The session of that token.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>, Error> {
    Ok(staff_sessions::table
        .filter(staff_sessions::token_hash.eq(token_hash))
        .select(Session::as_select())
        .first(conn)
        .optional()?)
}

/// The session of that id, as nobody changes or ends it until the transaction does.
///
/// # Errors
/// Of the database alone.
pub fn lock(conn: &mut Conn, id: &SessionId, lock: Lock) -> Result<Option<Session>, Error> {
    let row = staff_sessions::table.find(id);
    Ok(match (conn, lock) {
        (Conn::Pg(conn), Lock::Share) => {
            row.select(Session::as_select()).for_share().first(conn).optional()?
        }
        (Conn::Pg(conn), Lock::Update) => {
            row.select(Session::as_select()).for_no_key_update().first(conn).optional()?
        }
        (Conn::Sqlite(conn), _) => row.select(Session::as_select()).first(conn).optional()?,
    })
}

/// Stores a session.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, session: Session) -> Result<(), Error> {
    diesel::insert_into(staff_sessions::table).values(session).execute(conn)?;
    Ok(())
}

/// They were seen.
///
/// # Errors
/// Of the database alone.
pub fn touch(conn: &mut Conn, id: &SessionId, now: Time) -> Result<(), Error> {
    diesel::update(staff_sessions::table.find(id)).set(staff_sessions::seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// A step-up stands until then.
///
/// # Errors
/// Of the database alone.
pub fn step_up(conn: &mut Conn, id: &SessionId, until: Time) -> Result<(), Error> {
    diesel::update(staff_sessions::table.find(id))
        .set(staff_sessions::step_up_until.eq(until))
        .execute(conn)?;
    Ok(())
}

/// Signs out.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, id: &SessionId) -> Result<(), Error> {
    diesel::delete(staff_sessions::table.find(id)).execute(conn)?;
    Ok(())
}

/// Signs a member out everywhere.
///
/// # Errors
/// Of the database alone.
pub fn end_all(conn: &mut Conn, staff: &StaffId) -> Result<(), Error> {
    diesel::delete(staff_sessions::table.filter(staff_sessions::staff_id.eq(staff))).execute(conn)?;
    Ok(())
}

/// Forgets sessions and step-ups whose time has run out; unused since `idle_since` is run out too.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time, idle_since: Time) -> Result<(), Error> {
    let is_over = staff_sessions::expires_at.le(now).or(staff_sessions::seen_at.le(idle_since));
    diesel::delete(staff_sessions::table.filter(is_over)).execute(conn)?;
    diesel::update(staff_sessions::table.filter(staff_sessions::step_up_until.le(now)))
        .set(staff_sessions::step_up_until.eq(None::<Time>))
        .execute(conn)?;
    Ok(())
}
