//! Sessions of the staff: opaque tokens, as hashes.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
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

decides! {
    Session: "staff_sessions", staff_sessions.mac by id {
        id, token_hash, staff_id, created_at, expires_at, step_up_until,
    } beside { seen_at }
}

/// The session of that token.
///
/// # Errors
/// `Forged`.
pub fn find(conn: &mut Conn, token_hash: &str) -> Result<Option<Session>, Error> {
    let found = staff_sessions::table.filter(staff_sessions::token_hash.eq(token_hash));
    let row = found.select((Session::as_select(), staff_sessions::mac)).first(conn).optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// The session of that id, as nobody changes or ends it until the transaction does.
///
/// # Errors
/// Of the database alone.
pub fn lock(conn: &mut Conn, id: &SessionId, lock: Lock) -> Result<Option<Session>, Error> {
    let found = staff_sessions::table.find(id);
    let row: Option<(Session, Mac)> = match (&mut *conn, lock) {
        (Conn::Pg(conn), Lock::Share) => {
            found.select((Session::as_select(), staff_sessions::mac)).for_share().first(conn).optional()?
        }
        (Conn::Pg(conn), Lock::Update) => found
            .select((Session::as_select(), staff_sessions::mac))
            .for_no_key_update()
            .first(conn)
            .optional()?,
        (Conn::Sqlite(conn), _) => {
            found.select((Session::as_select(), staff_sessions::mac)).first(conn).optional()?
        }
    };
    row.map(|row| rows::check(conn, row)).transpose()
}

/// Stores a session.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, session: Session) -> Result<(), Error> {
    let mac = rows::sign(conn, &session)?;
    diesel::insert_into(staff_sessions::table)
        .values((session, staff_sessions::mac.eq(mac)))
        .execute(conn)?;
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

/// A step-up stands until then, if the session does.
///
/// # Errors
/// `Forged`, `Stale`.
pub fn step_up(conn: &mut Conn, id: &SessionId, until: Time) -> Result<(), Error> {
    let Some(session) = lock(conn, id, Lock::Update)? else { return Ok(()) };
    put_step_up(conn, session, Some(until))
}

fn put_step_up(conn: &mut Conn, mut session: Session, until: Option<Time>) -> Result<(), Error> {
    let former = rows::sign(conn, &session)?;
    session.step_up_until = until;
    let mac = rows::sign(conn, &session)?;
    let unchanged = staff_sessions::table.find(&session.id).filter(staff_sessions::mac.eq(former));
    let changed = diesel::update(unchanged)
        .set((staff_sessions::step_up_until.eq(until), staff_sessions::mac.eq(mac)))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
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
    let over: Vec<(Session, Mac)> = staff_sessions::table
        .filter(staff_sessions::step_up_until.le(now))
        .select((Session::as_select(), staff_sessions::mac))
        .load(conn)?;
    for row in over {
        // One that was written by hand is refused as it is, and holds up nothing.
        if let Ok(session) = rows::check(conn, row) {
            put_step_up(conn, session, None)?;
        }
    }
    Ok(())
}
