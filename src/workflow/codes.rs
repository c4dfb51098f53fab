//! Codes at sign-in: a host asks whether the code that a person typed lets them in.
//!
//! The rule: what refuses every code (locked, off, frozen, suspended) is looked at before any code is, and a code is
//! answered only after the compare-and-swap that counts it: failures up, or the accepted step forward.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::caller::Caller;
use super::change::{self, Note};
use super::{Context, activate, failures, recovery};
use crate::crypto::canonical_recovery_code;
use crate::db::authenticators::{self, Authenticator};
use crate::db::{self, Conn};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::authenticator::{AuthenticatorState, Origin};
use crate::domain::event::{Action, Event};
use crate::domain::lockout::LockoutState;
use crate::domain::proof::FirstFactor;
use crate::domain::rejection::Rejection;
use crate::domain::sign_in::Refusal;
use crate::domain::ticket::{Command, Proven};
use crate::domain::totp::{Code, CodeOutcome, Step, matching_step};
use crate::error::Error;

/// What a person typed, and what the host knows of it.
pub enum Presented {
    /// A code of an authenticator app.
    Code {
        /// As it was typed.
        code: SecretString,
        /// How the person signed in before; without it no sent key goes live.
        first_factor: Option<FirstFactor>,
        /// When the password was last changed, where the host knows.
        password_changed_at: Option<Time>,
    },
    /// One of the saved recovery codes, as it was typed.
    RecoveryCode(SecretString),
}

impl Presented {
    /// What was typed into one field: digits are a code, anything else a recovery code.
    #[must_use]
    pub fn typed(
        text: SecretString,
        first_factor: Option<FirstFactor>,
        password_changed_at: Option<Time>,
    ) -> Self {
        if text.expose_secret().chars().all(|c| c.is_ascii_digit() || c.is_whitespace()) {
            Self::Code { code: text, first_factor, password_changed_at }
        } else {
            Self::RecoveryCode(text)
        }
    }
}

/// Whether the person may go on.
pub enum Verified {
    /// They may.
    Accepted {
        /// Ten new ones where the code made a sent key live, to be shown once.
        recovery_codes: Option<Vec<SecretString>>,
    },
    /// They may not: the host refuses the sign-in, for whatever reason.
    Refused(Refusal),
}

enum Attempt {
    Code { code: Code, first_factor: Option<FirstFactor>, password_changed_at: Option<Time> },
    RecoveryCode(SecretString),
}

impl Attempt {
    fn read(presented: Presented) -> Result<Self, Rejection> {
        match presented {
            Presented::Code { code, first_factor, password_changed_at } => {
                let code = Code::parse(code.expose_secret())
                    .ok_or(Rejection::Invalid("code: the six digits that the app shows now"))?;
                Ok(Self::Code { code, first_factor, password_changed_at })
            }
            Presented::RecoveryCode(typed) => match canonical_recovery_code(typed.expose_secret()) {
                Some(_) => Ok(Self::RecoveryCode(typed)),
                None => Err(Rejection::Invalid("recovery_code: four groups of four letters and digits")),
            },
        }
    }
}

/// Checks a code at sign-in.
///
/// # Errors
/// `NotFound` where the host has no such account; `Invalid` where what was typed can be no code, which counts nothing.
pub async fn verify(ctx: &Context, caller: &Caller, presented: Presented) -> Result<Verified, Error> {
    let now = ctx.now();
    let attempt = Arc::new(Attempt::read(presented)?);
    let uses_recovery_code = matches!(*attempt, Attempt::RecoveryCode(_));
    let (context, caller) = (ctx.clone(), caller.clone());
    let work = move |conn: &mut Conn| {
        let account = caller.account(conn, &context, now)?;
        SignIn { conn, ctx: &context, caller: &caller, actor: caller.actor(), account, now }.decide(&attempt)
    };
    // Not `ctx.write`: most sign-ins leave no letter, and need not wake the worker.
    let verified = ctx.heed(ctx.db.write(work).await).await?;
    if matches!(&verified, Verified::Accepted { recovery_codes } if uses_recovery_code || recovery_codes.is_some())
    {
        ctx.wake.notify_one();
    }
    Ok(verified)
}

struct SignIn<'a> {
    conn: &'a mut Conn,
    ctx: &'a Context,
    caller: &'a Caller,
    actor: Actor,
    account: Account,
    now: Time,
}

impl SignIn<'_> {
    fn decide(mut self, attempt: &Attempt) -> Result<Verified, Error> {
        match self.account.lockout.state(self.now) {
            _ if self.account.frozen_at.is_some() => return Ok(Verified::Refused(Refusal::Locked)),
            LockoutState::Locked { .. } => return Ok(Verified::Refused(Refusal::Locked)),
            LockoutState::Off => return Ok(Verified::Refused(Refusal::Off)),
            LockoutState::Open => {}
        }
        let mut keys = authenticators::list_living(self.conn, &self.account.id)?;
        keys.retain(|key| {
            key.state != AuthenticatorState::Pending || key.is_pending(Origin::Ticket, self.now)
        });
        match attempt {
            Attempt::Code { code, first_factor, password_changed_at } => {
                if !keys.iter().any(|key| key.state != AuthenticatorState::Suspended) {
                    return self.refuse_all();
                }
                self.try_code(&keys, code, *first_factor, *password_changed_at)
            }
            Attempt::RecoveryCode(typed) => {
                if !keys.iter().any(|key| key.state == AuthenticatorState::Active) {
                    return self.refuse_all();
                }
                self.try_recovery_code(typed)
            }
        }
    }

    /// No key could let anybody in. What ended the keys since the account was read has changed the account too.
    fn refuse_all(&mut self) -> Result<Verified, Error> {
        if db::accounts::get(self.conn, &self.account.id)?.version != self.account.version {
            return Err(db::Error::Stale.into());
        }
        Ok(Verified::Refused(match self.account.two_factor {
            TwoFactor::Off => Refusal::Off,
            TwoFactor::On => Refusal::Locked,
        }))
    }

    fn try_code(
        &mut self,
        keys: &[Authenticator],
        code: &Code,
        first_factor: Option<FirstFactor>,
        password_changed_at: Option<Time>,
    ) -> Result<Verified, Error> {
        use AuthenticatorState::{Active, Pending, Suspended};
        // Each key is tried, found or not; should the code be one of two keys, the active one goes first.
        let mut found = (0, None);
        for key in keys {
            let secret = key.secret(&self.ctx.crypto)?;
            let outcome = matching_step(&secret, key.parameters()?, code, self.now, key.last());
            let rank = match (outcome, key.state) {
                (CodeOutcome::Accepted(_), Active) => 4,
                (CodeOutcome::Accepted(_), Pending) => 3,
                (CodeOutcome::Accepted(_) | CodeOutcome::Used, Suspended) => 2,
                (CodeOutcome::Used, _) => 1,
                _ => 0,
            };
            if rank > found.0 {
                found = (rank, Some((key, outcome)));
            }
        }
        match found.1 {
            None => self.wrong(),
            Some((key, _)) if key.state == Suspended => Ok(Verified::Refused(Refusal::Locked)),
            Some((key, CodeOutcome::Accepted(step))) if key.state == Pending => {
                let may_go_live = first_factor.is_some();
                self.try_sent_key(key, step, may_go_live, password_changed_at)
            }
            Some((key, CodeOutcome::Accepted(step))) => {
                if self.account.lockout == self.account.lockout.after_right() {
                    authenticators::accept_without_failures(self.conn, key, step)?;
                } else {
                    // The account first, as wherever both are written.
                    failures::right(self.conn, &self.account)?;
                    authenticators::accept(self.conn, key, step)?;
                }
                Ok(Verified::Accepted { recovery_codes: None })
            }
            Some(_) => Ok(Verified::Refused(Refusal::Used)),
        }
    }

    /// The right code of a key that was sent: it goes live, or it is used up and nothing else happens.
    fn try_sent_key(
        &mut self,
        key: &Authenticator,
        step: Step,
        has_first_factor: bool,
        password_changed_at: Option<Time>,
    ) -> Result<Verified, Error> {
        let id = key.ticket_id.as_ref().ok_or(db::Error::Corrupt("a sent key without a ticket"))?;
        self.lock()?;
        let ticket = db::tickets::get(self.conn, id)?;
        let may_go_live = has_first_factor
            && ticket.activates_at_sign_in(&self.ctx.policy)
            && ticket.require(Command::Activate).is_ok()
            && !ticket.is_overdue(self.now)
            && password_changed_at.is_none_or(|at| at <= ticket.opened_at - activate::PASSWORD_AGE);
        if !may_go_live {
            authenticators::accept(self.conn, key, step)?;
            return Ok(Verified::Refused(Refusal::Inactive));
        }
        failures::right(self.conn, &self.account)?;
        let step = i64::try_from(step.get()).map_err(|_| Error::Internal("a step"))?;
        let proven = Proven { step, by: self.actor.clone(), session: self.caller.session().cloned() };
        let codes = activate::complete(self.conn, self.ctx, ticket, proven, self.now)?;
        Ok(Verified::Accepted { recovery_codes: Some(codes) })
    }

    /// Locks the account. Only what does more than use a step up or count needs it: compare-and-swap does for those, and
    /// most sign-ins have no statement to spare.
    fn lock(&mut self) -> Result<(), Error> {
        let locked = db::accounts::lock(self.conn, &self.account.id)?;
        if locked.version == self.account.version { Ok(()) } else { Err(db::Error::Stale.into()) }
    }

    fn try_recovery_code(&mut self, typed: &SecretString) -> Result<Verified, Error> {
        let typed = typed.expose_secret();
        let Some(id) = recovery::find(self.conn, self.ctx, &self.account, typed)? else {
            // A double click is no guess.
            let is_used = recovery::is_used(self.conn, self.ctx, &self.account, typed)?;
            return if is_used { Ok(Verified::Refused(Refusal::Used)) } else { self.wrong() };
        };
        failures::right(self.conn, &self.account)?;
        recovery::burn(self.conn, self.ctx, &self.account, &id, self.now)?;
        self.account.lockout = self.account.lockout.after_right();
        let note = Note { actor: &self.actor, event: Event::new(Action::RecoveryCodeUsed) };
        change::account(self.conn, self.ctx, self.account.clone(), &note, self.now)?;
        Ok(Verified::Accepted { recovery_codes: None })
    }

    fn wrong(&mut self) -> Result<Verified, Error> {
        failures::wrong(self.conn, self.ctx, &self.account, &self.actor, self.now)?;
        Ok(Verified::Refused(Refusal::Wrong))
    }
}
