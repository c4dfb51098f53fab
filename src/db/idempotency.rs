//! Answers that are given again when the same request comes again, sealed, for a day.
//!
//! The rule: a key is reserved before the work begins, so that of two requests at once only one does it.

use diesel::prelude::*;

use super::schema::idempotency_keys as table;
use super::{Conn, Error, is_primary};
use crate::crypto::{Crypto, Purpose};
use crate::domain::Time;

/// A request that is being answered, or was.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
pub struct Answered {
    /// The call.
    pub scope: String,
    /// The keyed digest of the key that the caller chose.
    pub key: String,
    /// The keyed digest of the request.
    pub request: String,
    /// The sealed answer; none while the work goes on.
    pub answer: Option<Vec<u8>>,
    /// When it is forgotten.
    pub expires_at: Time,
}

/// What stands under that key.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, scope: &str, key: &str, now: Time) -> Result<Option<Answered>, Error> {
    Ok(table::table
        .find((scope, key))
        .filter(table::expires_at.gt(now))
        .select(Answered::as_select())
        .first(conn)
        .optional()?)
}

/// Reserves a key; one whose time has run out is taken over.
///
/// # Errors
/// `Stale` where somebody else was faster.
pub fn reserve(conn: &mut Conn, answered: Answered, now: Time) -> Result<(), Error> {
    diesel::delete(table::table.find((&answered.scope, &answered.key)).filter(table::expires_at.le(now)))
        .execute(conn)?;
    match diesel::insert_into(table::table).values(answered).execute(conn).map_err(Error::from) {
        Ok(_) => Ok(()),
        Err(Error::Unique(_)) => Err(Error::Stale),
        Err(other) => Err(other),
    }
}

/// Keeps the answer under a key that was reserved.
///
/// # Errors
/// Of the database alone.
pub fn keep(conn: &mut Conn, scope: &str, key: &str, answer: &[u8], until: Time) -> Result<(), Error> {
    diesel::update(table::table.find((scope, key)))
        .set((table::answer.eq(answer), table::expires_at.eq(until)))
        .execute(conn)?;
    Ok(())
}

/// Gives a reserved key back: nothing was done under it.
///
/// # Errors
/// Of the database alone.
pub fn release(conn: &mut Conn, scope: &str, key: &str) -> Result<(), Error> {
    diesel::delete(table::table.find((scope, key)).filter(table::answer.is_null())).execute(conn)?;
    Ok(())
}

/// Forgets answers whose time has run out.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    diesel::delete(table::table.filter(table::expires_at.le(now))).execute(conn)?;
    Ok(())
}

impl Answered {
    /// What the answer is bound to.
    #[must_use]
    pub fn context(&self) -> [&str; 3] {
        [&self.scope, &self.key, &self.request]
    }
}

/// One page of answers after a key, for sealing anew.
///
/// # Errors
/// Of the database alone.
pub fn list_after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Answered>, Error> {
    Ok(table::table
        .filter(table::key.gt(after))
        .order(table::key)
        .limit(limit)
        .select(Answered::as_select())
        .load(conn)?)
}

/// Seals an answer anew under the primary key of the ring. False if it is under it already.
///
/// # Errors
/// `Sealed`.
pub fn reseal(conn: &mut Conn, crypto: &Crypto, one: &Answered) -> Result<bool, Error> {
    let Some(sealed) = one.answer.as_ref().filter(|sealed| !is_primary(crypto, sealed)) else {
        return Ok(false);
    };
    let opened = crypto.open(Purpose::Idempotency, &one.context(), sealed)?;
    let anew = crypto.seal(Purpose::Idempotency, &one.context(), &opened);
    let target = table::table.find((&one.scope, &one.key)).filter(table::answer.eq(sealed));
    Ok(diesel::update(target).set(table::answer.eq(&anew)).execute(conn)? == 1)
}
