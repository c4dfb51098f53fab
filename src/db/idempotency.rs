//! Answers that are given again when the same request comes again, sealed, for a day.
//!
//! The rule: a record is the first statement of the transaction that acts, so that of two requests at once the second waits
//! for the first, and there is no act without its record.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::idempotency_keys as table;
use super::{Conn, Error, is_primary};
use crate::crypto::{Crypto, Purpose};
use crate::domain::Time;

/// A request that was done.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
pub struct Answered {
    /// The call.
    pub scope: String,
    /// The keyed digest of the key that the caller chose.
    pub key: String,
    /// The keyed digest of the request.
    pub request: String,
    /// The sealed answer; none where a former version died before it had one.
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

/// Records a request in the transaction that does what it asks for. False where it was done before; one whose time has run
/// out counts no more.
///
/// # Errors
/// Of the database alone.
pub fn record(conn: &mut Conn, one: &Answered, now: Time) -> Result<bool, Error> {
    let recorded = on_both!(conn, c => diesel::query_dsl::methods::FilterDsl::filter(
        diesel::insert_into(table::table)
            .values(one)
            .on_conflict((table::scope, table::key))
            .do_update()
            .set((
                table::request.eq(&one.request),
                table::answer.eq(&one.answer),
                table::expires_at.eq(one.expires_at),
            )),
        table::expires_at.le(now),
    )
    .execute(c))?;
    Ok(recorded == 1)
}

/// Takes a record back: what was asked for was refused.
///
/// # Errors
/// Of the database alone.
pub fn remove(conn: &mut Conn, one: &Answered) -> Result<(), Error> {
    diesel::delete(table::table.find((&one.scope, &one.key))).execute(conn)?;
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
