//! Recovery codes: ten at a time, each good once, kept as salted hashes that the ring seals.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
use super::schema::recovery_codes;
use super::{Conn, Error};
use crate::crypto::{Crypto, KeptCode};
use crate::domain::Time;
use crate::domain::ids::AccountId;

/// A recovery code's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = recovery_codes, treat_none_as_default_value = false)]
pub struct RecoveryCode {
    /// Which.
    pub id: String,
    /// Whose.
    pub account_id: AccountId,
    /// What is kept of it; see [`KeptCode`].
    pub digest: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
    /// When it was typed back, to show that the list was saved.
    pub typed_back_at: Option<Time>,
}

impl RecoveryCode {
    /// What is kept of it, and what that is bound to.
    #[must_use]
    pub fn kept(&self) -> KeptCode<'_> {
        KeptCode { account: self.account_id.as_str(), row: &self.id, kept: &self.digest }
    }
}

decides! {
    RecoveryCode: "recovery_codes", recovery_codes.mac by id {
        id, account_id, digest, created_at, used_at, typed_back_at,
    } beside {}
}

/// The codes of an account that are not used.
///
/// # Errors
/// Of the database alone.
pub fn list_unused(conn: &mut Conn, account: &AccountId) -> Result<Vec<RecoveryCode>, Error> {
    let all: Vec<(RecoveryCode, Mac)> = recovery_codes::table
        .filter(recovery_codes::account_id.eq(account))
        .filter(recovery_codes::used_at.is_null())
        .select((RecoveryCode::as_select(), recovery_codes::mac))
        .load(conn)?;
    rows::check_all(conn, all)
}

/// The codes of an account that are used.
///
/// # Errors
/// Of the database alone.
pub fn list_used(conn: &mut Conn, account: &AccountId) -> Result<Vec<RecoveryCode>, Error> {
    let all: Vec<(RecoveryCode, Mac)> = recovery_codes::table
        .filter(recovery_codes::account_id.eq(account))
        .filter(recovery_codes::used_at.is_not_null())
        .select((RecoveryCode::as_select(), recovery_codes::mac))
        .load(conn)?;
    rows::check_all(conn, all)
}

/// Stores codes.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, codes: Vec<RecoveryCode>) -> Result<(), Error> {
    for code in codes {
        let mac = rows::sign(conn, &code)?;
        diesel::insert_into(recovery_codes::table)
            .values((code, recovery_codes::mac.eq(mac)))
            .execute(conn)?;
    }
    Ok(())
}

/// Uses a code up, unless somebody else has.
///
/// # Errors
/// `Stale`.
pub fn burn(conn: &mut Conn, id: &str, now: Time) -> Result<(), Error> {
    let code = get(conn, id)?;
    if code.used_at.is_some() {
        return Err(Error::Stale);
    }
    change(conn, &code, &RecoveryCode { used_at: Some(now), ..code.clone() })
}

/// Notes that a code was typed back; it stays good.
///
/// # Errors
/// Of the database alone.
pub fn note_typed_back(conn: &mut Conn, id: &str, now: Time) -> Result<(), Error> {
    let code = get(conn, id)?;
    change(conn, &code, &RecoveryCode { typed_back_at: Some(now), ..code.clone() })
}

fn get(conn: &mut Conn, id: &str) -> Result<RecoveryCode, Error> {
    let found = recovery_codes::table.find(id);
    let row = found.select((RecoveryCode::as_select(), recovery_codes::mac)).first(conn).optional()?;
    rows::check(conn, row.ok_or(Error::Stale)?)
}

fn change(conn: &mut Conn, former: &RecoveryCode, next: &RecoveryCode) -> Result<(), Error> {
    let (former, mac) = (rows::sign(conn, former)?, rows::sign(conn, next)?);
    let unchanged = recovery_codes::table.find(&next.id).filter(recovery_codes::mac.eq(former));
    let changed = diesel::update(unchanged)
        .set((
            recovery_codes::digest.eq(&next.digest),
            recovery_codes::used_at.eq(next.used_at),
            recovery_codes::typed_back_at.eq(next.typed_back_at),
            recovery_codes::mac.eq(mac),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Forgets all codes of an account.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, account: &AccountId) -> Result<(), Error> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)?;
    Ok(())
}

/// One page of those after an id, for sealing anew.
///
/// # Errors
/// Of the database alone.
pub fn list_after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<RecoveryCode>, Error> {
    Ok(recovery_codes::table
        .filter(recovery_codes::id.gt(after))
        .order(recovery_codes::id)
        .limit(limit)
        .select(RecoveryCode::as_select())
        .load(conn)?)
}

/// Seals a code anew under the primary key of the ring. False if it is under it already, or no rotation reaches it.
///
/// # Errors
/// `Sealed`.
pub fn reseal(conn: &mut Conn, crypto: &Crypto, one: &RecoveryCode) -> Result<bool, Error> {
    let Some(digest) = crypto.reseal_recovery_code(one.kept())? else { return Ok(false) };
    let former = get(conn, &one.id)?;
    if former.digest != one.digest {
        return Ok(false);
    }
    change(conn, &former, &RecoveryCode { digest, ..former.clone() }).map(|()| true)
}
