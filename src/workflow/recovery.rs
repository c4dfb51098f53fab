//! Recovery codes: ten made at a time and shown once, each good once.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::Context;
use super::caller::Caller;
use super::enrol::{self, Desk};
use crate::crypto::canonical_recovery_code;
use crate::db::Conn;
use crate::db::letters::{self, About};
use crate::db::recovery_codes::{self, RecoveryCode};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::event::Action;
use crate::domain::ids::AccountId;
use crate::domain::letter::Content;
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// How many are made at a time.
const CODES: usize = 10;

/// Replaces the recovery codes on request, used ones and unused ones alike, with a code of the active authenticator.
///
/// # Errors
/// `NotFound` where two-factor authentication is off; `ProofRequired` without a code or an active authenticator;
/// `WrongCode`, `TooManyTries`, `Invalid`.
pub async fn replace(
    ctx: &Context,
    caller: &Caller,
    code: Option<SecretString>,
) -> Result<Vec<SecretString>, Error> {
    let now = ctx.now();
    let code = Arc::new(code.as_ref().map(enrol::read).transpose()?);
    let (context, caller) = (ctx.clone(), caller.clone());
    ctx.write_counted(move |conn| {
        let mut desk = Desk::open(conn, &context, &caller, now)?;
        if desk.account.two_factor == TwoFactor::Off {
            return Err(Rejection::NotFound.into());
        }
        desk.require_open()?;
        let code = code.as_ref().as_ref().ok_or(Rejection::ProofRequired)?;
        if !desk.prove_active(code)? {
            return Ok(Err(Rejection::WrongCode));
        }
        let account = desk.account.id.clone();
        let codes = renew(desk.conn, &context, &account, now)?;
        desk.turn(TwoFactor::On, Action::RecoveryCodesMade)?;
        desk.tell(&Content::RecoveryCodesMade { at: now })?;
        Ok(Ok(codes))
    })
    .await
}

/// Makes ten new codes in place of the former ones. They leave in the one answer that shows them.
pub(super) fn renew(
    conn: &mut Conn,
    ctx: &Context,
    account: &AccountId,
    now: Time,
) -> Result<Vec<SecretString>, Error> {
    recovery_codes::end(conn, account)?;
    let codes: Vec<SecretString> = (0..CODES).map(|_| ctx.crypto.recovery_code()).collect();
    let mut rows = Vec::with_capacity(codes.len());
    for code in &codes {
        let canonical = canonical_recovery_code(code.expose_secret())
            .ok_or(Error::Internal("a recovery code that was just made cannot be read"))?;
        let id = ctx.crypto.id(now);
        rows.push(RecoveryCode {
            digest: ctx.crypto.keep_recovery_code(account.as_str(), &id, &canonical),
            id,
            account_id: account.clone(),
            created_at: now,
            used_at: None,
            typed_back_at: None,
        });
    }
    recovery_codes::insert(conn, rows)?;
    Ok(codes)
}

/// The unused code that was typed, by its id; each is compared, whichever it is.
pub(super) fn find(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    typed: &str,
) -> Result<Option<String>, Error> {
    let unused = recovery_codes::list_unused(conn, &account.id)?;
    let Some(canonical) = canonical_recovery_code(typed) else { return Ok(None) };
    let mut found = None;
    for code in unused {
        if ctx.crypto.recovery_code_matches(code.kept(), &canonical)? {
            found = Some(code.id);
        }
    }
    Ok(found)
}

/// Whether what was typed was one of the account's codes and is used up: no failure, but good for nothing.
pub(super) fn is_used(conn: &mut Conn, ctx: &Context, account: &Account, typed: &str) -> Result<bool, Error> {
    let Some(canonical) = canonical_recovery_code(typed) else { return Ok(false) };
    for code in recovery_codes::list_used(conn, &account.id)? {
        if ctx.crypto.recovery_code_matches(code.kept(), &canonical)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Uses a code up; the account's addresses are told.
pub(super) fn burn(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    id: &str,
    now: Time,
) -> Result<(), Error> {
    recovery_codes::burn(conn, id, now)?;
    let left = recovery_codes::list_unused(conn, &account.id)?.len();
    let content = Content::RecoveryCodeUsed { at: now, left: u32::try_from(left).unwrap_or(u32::MAX) };
    let about = About { account: Some(&account.id), ..About::default() };
    Ok(letters::tell_everyone(conn, &ctx.crypto, about, &content, now)?)
}
