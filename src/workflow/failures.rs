//! The one counter of failures of an account, over all its keys and ways in.
//!
//! The rule: a code is answered only in the transaction that has counted it.

use super::Context;
use crate::db::audit::{self, Circumstances};
use crate::db::authenticators::Authenticator;
use crate::db::{Conn, accounts};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::lockout::LockoutState;
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// Refuses while the counter keeps codes from being looked at.
pub(super) fn require_open(account: &Account, now: Time) -> Result<(), Rejection> {
    match account.lockout.state(now) {
        LockoutState::Open => Ok(()),
        LockoutState::Locked { until } => Err(Rejection::TooManyTries(Some(until))),
        LockoutState::Off => Err(Rejection::TooManyTries(None)),
    }
}

/// Refuses where no code of the account is looked at: it was stopped, its key is suspended, or the counter is against it.
pub(super) fn require_usable(
    account: &Account,
    living: &[Authenticator],
    now: Time,
) -> Result<(), Rejection> {
    let suspended = living.iter().any(|key| key.state == AuthenticatorState::Suspended);
    if account.frozen_at.is_some() || suspended {
        return Err(Rejection::ProofRequired);
    }
    require_open(account, now)
}

/// Counts a wrong code; a lock that it brings about is written to the audit log.
pub(super) fn wrong(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    actor: &Actor,
    now: Time,
) -> Result<(), Error> {
    let next = account.lockout.after_wrong(now);
    if next.state(now) == LockoutState::Open {
        return Ok(accounts::count(conn, account, next)?);
    }
    let mut locked = account.clone();
    locked.lockout = next;
    locked.version += 1;
    let around = Circumstances {
        actor,
        at: now,
        subject: &Subject::Account(account.id.clone()),
        version: locked.version,
        ticket: None,
    };
    let event = Event::new(Action::CodesLocked).with("failures", next.failures.to_string());
    // The version alone would not notice a failure that was counted at the same moment. It comes first: whoever writes
    // the entry of this version at the same time has locked the account before.
    accounts::count(conn, account, next)?;
    audit::insert(conn, &ctx.crypto, &around, &event)?;
    Ok(accounts::update(conn, locked, account.version)?)
}

/// Forgets the failures after a right code. Where one was counted since the account was read, the code is looked at
/// again: among many guesses at once the right one is a guess like the others.
pub(super) fn right(conn: &mut Conn, account: &Account) -> Result<(), Error> {
    Ok(accounts::count(conn, account, account.lockout.after_right())?)
}
