//! Proving: what the requester types and the machine records as evidence; burnt by use, and counted.

use super::requester::{self, Status};
use super::{Context, Counted, failures, recovery};
use crate::db::authenticators::{self, Authenticator};
use crate::db::{Conn, apply};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::evidence::Method;
use crate::domain::ids::EvidenceId;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::Command;
use crate::domain::totp::{Code, CodeOutcome, matching_pair};
use crate::error::Error;

/// What a requester proves.
#[derive(Clone)]
pub enum Proving {
    /// One of the saved recovery codes.
    RecoveryCode(String),
    /// Two consecutive codes of the existing authenticator.
    Codes([String; 2]),
}

/// Records what was proven as evidence.
///
/// # Errors
/// `NotFound`, `OutOfOrder`, `Invalid`, `WrongCode`, `TooManyTries`; `ProofRequired` where somebody stopped the account.
pub async fn prove(ctx: &Context, reference: &str, token: &str, proving: Proving) -> Result<Status, Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let (reference, token) = (reference.to_owned(), token.to_owned());
    ctx.write_counted(move |conn| {
        let mut access = requester::access_to_change(conn, &inner, &reference, &token, now)?;
        access.require_full()?;
        access.main.require(Command::Prove)?;
        let account = access.account()?.clone();
        let living = authenticators::list_living(conn, &account.id)?;
        failures::require_usable(&account, &living, now)?;
        let checked = match &proving {
            Proving::RecoveryCode(typed) => check_recovery_code(conn, &inner, &account, typed, now)?,
            Proving::Codes(typed) => check_codes(conn, &inner, &account, living, typed, now)?,
        };
        let method = match checked {
            Ok(method) => method,
            Err(rejection) => return Ok(Err(rejection)),
        };
        failures::right(conn, &account)?;
        let evidence = EvidenceId::new(inner.crypto.id(now));
        access.main = apply(conn, &inner.crypto, access.main.proven(method, evidence, now)?)?;
        requester::view(conn, &inner, &access).map(Ok)
    })
    .await
}

fn check_recovery_code(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    typed: &str,
    now: Time,
) -> Result<Counted<Method>, Error> {
    match recovery::find(conn, ctx, account, typed)? {
        Some(id) => {
            recovery::burn(conn, ctx, account, &id, now)?;
            Ok(Ok(Method::RecoveryCode))
        }
        None => refuse(conn, ctx, account, now),
    }
}

fn check_codes(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    living: Vec<Authenticator>,
    typed: &[String; 2],
    now: Time,
) -> Result<Counted<Method>, Error> {
    let [first, second] = typed;
    let codes = Code::parse(first).zip(Code::parse(second));
    let Some((first, second)) = codes else {
        return Err(
            Rejection::Invalid("codes: two codes of 6 digits, the second right after the first").into()
        );
    };
    let Some(active) = living.into_iter().find(|one| one.state == AuthenticatorState::Active) else {
        return refuse(conn, ctx, account, now);
    };
    let secret = active.secret(&ctx.crypto)?;
    match matching_pair(&secret, active.parameters()?, &[first, second], now, active.last()) {
        CodeOutcome::Accepted(step) => {
            authenticators::accept(conn, &active, step)?;
            Ok(Ok(Method::CurrentCode))
        }
        CodeOutcome::Used => Ok(Err(Rejection::WrongCode)),
        CodeOutcome::Wrong => refuse(conn, ctx, account, now),
    }
}

fn refuse(conn: &mut Conn, ctx: &Context, account: &Account, now: Time) -> Result<Counted<Method>, Error> {
    failures::wrong(conn, ctx, account, &Actor::Requester, now)?;
    Ok(Err(Rejection::WrongCode))
}
