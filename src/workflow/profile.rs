//! The owner's profile: where two-factor authentication stands, and the recovery codes that belong to it.
//!
//! The rule: two-factor authentication is live with its first code; it is finished when one recovery code was typed
//! back (or used), which shows that the list is somewhere. Typing back uses nothing up.

use secrecy::{ExposeSecret, SecretString};

use super::caller::Caller;
use super::change::{self, Note};
use super::owner::OwnerSession;
use super::{Context, Counted, accounts, failures, recovery};
use crate::crypto::canonical_recovery_code;
use crate::db::authenticators;
use crate::db::{self, Conn, recovery_codes};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::authenticator::Origin;
use crate::domain::event::{Action, Event};
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// What the profile shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Where two-factor authentication stands.
    pub two_factor: accounts::TwoFactorState,
    /// Whether a key for another app waits for its first code.
    pub is_setting_up: bool,
    /// What the account's entry is called in an app.
    pub entry: String,
    /// Recovery codes that are still good.
    pub codes_left: usize,
    /// Whether some of them were made by a former version, so that new ones should take their place.
    pub codes_are_former: bool,
    /// Recovery codes that were used.
    pub codes_used: usize,
    /// Whether one was typed back or used, so that the list is known to be somewhere.
    pub codes_saved: bool,
}

/// Shows it.
///
/// # Errors
/// `Unauthenticated` where a code is still awaited.
pub async fn look(ctx: &Context, who: &OwnerSession) -> Result<Profile, Error> {
    who.require_full()?;
    let (now, inner, id) = (ctx.now(), ctx.clone(), who.account.clone());
    ctx.db
        .read(move |conn| {
            let account = db::accounts::get(conn, &id)?;
            let living = authenticators::list_living(conn, &id)?;
            let is_setting_up = living.iter().any(|key| key.is_pending(Origin::Enrolment, now));
            let mut unused = recovery_codes::list_unused(conn, &id)?;
            // Those whose key was retired are good for nothing.
            unused.retain(|code| code.kept().key().is_none_or(|key| !inner.crypto.is_retired(key)));
            let used = recovery_codes::list_used(conn, &id)?;
            Ok(Profile {
                two_factor: match (account.two_factor, is_setting_up) {
                    (TwoFactor::On, _) => accounts::TwoFactorState::On,
                    (TwoFactor::Off, true) => accounts::TwoFactorState::Pending,
                    (TwoFactor::Off, false) => accounts::TwoFactorState::Off,
                },
                is_setting_up,
                entry: super::diagnose::entry_name(&inner, &account),
                codes_left: unused.len(),
                codes_are_former: unused.iter().any(|code| code.kept().is_former()),
                codes_used: used.len(),
                codes_saved: !used.is_empty() || unused.iter().any(|code| code.typed_back_at.is_some()),
            })
        })
        .await
}

/// One of the recovery codes is typed back. It stays good.
///
/// # Errors
/// `WrongCode`, which is counted as every wrong code is; `TooManyTries`, `Invalid`; `Unauthenticated`.
pub async fn type_back(ctx: &Context, who: &OwnerSession, typed: SecretString) -> Result<(), Error> {
    who.require_full()?;
    if canonical_recovery_code(typed.expose_secret()).is_none() {
        return Err(Rejection::Invalid("recovery_code: four groups of four letters and digits").into());
    }
    let (now, inner, caller) = (ctx.now(), ctx.clone(), who.caller());
    ctx.write_counted(move |conn| {
        let account = open_account(conn, &inner, &caller, now)?;
        let actor = caller.actor();
        let Some(id) = recovery::find(conn, &inner, &account, typed.expose_secret())? else {
            return wrong(conn, &inner, &account, &actor, now);
        };
        recovery_codes::note_typed_back(conn, &id, now)?;
        let note = Note { actor: &actor, event: Event::new(Action::RecoveryCodesSaved) };
        change::account(conn, &inner, account, &note, now)?;
        Ok(Ok(()))
    })
    .await
}

fn open_account(conn: &mut Conn, ctx: &Context, caller: &Caller, now: Time) -> Result<Account, Error> {
    let account = caller.account(conn, ctx, now)?;
    if account.frozen_at.is_some() {
        return Err(Rejection::ProofRequired.into());
    }
    failures::require_open(&account, now)?;
    Ok(account)
}

/// Counted, and answered only in the transaction that counts.
fn wrong<T>(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    actor: &Actor,
    now: Time,
) -> Result<Counted<T>, Error> {
    failures::wrong(conn, ctx, account, actor, now)?;
    Ok(Err(Rejection::WrongCode))
}
