//! Setting up two-factor authentication: a new key, proven by its first code; and turning it off, with a code.
//!
//! The rule: enrolment has keys of its own and never touches a ticket's. On an account that is on, everything needs a
//! code of the active authenticator, which nobody has while it is suspended, frozen or locked.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::caller::Caller;
use super::change::{self, Note};
use super::{Context, failures, qr, recovery};
use crate::db::authenticators::{self, Authenticator, New};
use crate::db::letters::About;
use crate::db::{self, Conn};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::authenticator::{AuthenticatorState, Origin, Parameters, otpauth_uri};
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::AuthenticatorId;
use crate::domain::letter::Content;
use crate::domain::rejection::Rejection;
use crate::domain::shared_secret::SharedSecret;
use crate::domain::totp::{Code, CodeOutcome, matching_step};
use crate::error::Error;

/// How long an enrolment waits for its first code.
const LIFETIME: chrono::Duration = chrono::Duration::hours(24);

/// A new key, for the page on which the person sets up their app.
pub struct Enrolment {
    /// 32 characters of Base32, to type.
    pub secret: SecretString,
    /// The same as a link.
    pub otpauth_uri: SecretString,
    /// The same as a picture: an SVG element, black on white with its quiet zone.
    pub qr_svg: SecretString,
}

/// Makes a pending key in place of a former pending enrolment. An account that is on gives a code of the active one.
///
/// # Errors
/// `NotFound`, `ProofRequired`, `WrongCode`, `TooManyTries`; `Invalid` where what was typed can be no code.
pub async fn begin(ctx: &Context, caller: &Caller, code: Option<SecretString>) -> Result<Enrolment, Error> {
    let now = ctx.now();
    let code = Arc::new(code.as_ref().map(read).transpose()?);
    let (context, caller) = (ctx.clone(), caller.clone());
    let begun = ctx.write_counted(move |conn| {
        let mut desk = Desk::open(conn, &context, &caller, now)?;
        desk.require_open()?;
        if desk.account.two_factor == TwoFactor::On {
            let code = code.as_ref().as_ref().ok_or(Rejection::ProofRequired)?;
            if !desk.prove_active(code)? {
                return Ok(Err(Rejection::WrongCode));
            }
        }
        // At the page's own toggle the notice leaves at once, however the set-up ends; a second press sends no second.
        let is_waiting = desk.living.iter().any(|key| key.is_pending(Origin::Enrolment, now));
        if desk.begins_at_toggle() && !is_waiting {
            desk.tell(&Content::TwoFactorEnabled { at: now })?;
        }
        Ok(Ok((desk.replace_pending()?, desk.account.label().to_owned())))
    });
    let (secret, label) = begun.await?;
    let secret = SharedSecret::new(&secret).ok_or(Error::Internal("a drawn key is no shared secret"))?;
    enrolment(ctx, &secret, &label)
}

fn enrolment(ctx: &Context, secret: &SharedSecret, label: &str) -> Result<Enrolment, Error> {
    let uri = otpauth_uri(secret, Parameters::STANDARD, &ctx.config.app.issuer, label);
    let qr_svg = qr::svg(&uri).ok_or(Error::Internal("a link does not fit into a QR code"))?;
    Ok(Enrolment { secret: secret.base32(), otpauth_uri: uri, qr_svg })
}

/// The key that waits for its first code, for a page that is loaded again; none where none waits.
///
/// # Errors
/// `NotFound` without the account.
pub async fn pending(ctx: &Context, caller: &Caller) -> Result<Option<Enrolment>, Error> {
    let (now, inner, caller) = (ctx.now(), ctx.clone(), caller.clone());
    let found = ctx.db.read(move |conn| {
        let account = caller.account_to_read(conn, &inner, now)?;
        let living = authenticators::list_living(conn, &account.id)?;
        let Some(key) = living.iter().find(|key| key.is_pending(Origin::Enrolment, now)) else {
            return Ok::<_, Error>(None);
        };
        Ok(Some((key.secret(&inner.crypto)?, account.label().to_owned())))
    });
    found.await?.map(|(secret, label)| enrolment(ctx, &secret, &label)).transpose()
}

/// Proves a pending enrolment: it goes live, the former authenticator is revoked, and ten recovery codes are made.
///
/// # Errors
/// `NotFound`, also where the only pending key is a ticket's; `ProofRequired` where the account was frozen or its
/// key suspended since; `WrongCode`, `TooManyTries`, `Invalid`.
pub async fn confirm(ctx: &Context, caller: &Caller, code: SecretString) -> Result<Vec<SecretString>, Error> {
    let now = ctx.now();
    let code = Arc::new(read(&code)?);
    let (context, caller) = (ctx.clone(), caller.clone());
    ctx.write_counted(move |conn| {
        let mut desk = Desk::open(conn, &context, &caller, now)?;
        let pending = desk.living.iter().find(|key| key.is_pending(Origin::Enrolment, now)).cloned();
        let pending = pending.ok_or(Rejection::NotFound)?;
        desk.require_open()?;
        if desk.prove(&pending, &code)? {
            desk.go_live(&pending.id).map(Ok)
        } else {
            Ok(Err(Rejection::WrongCode))
        }
    })
    .await
}

/// Turns two-factor authentication off, with a code of the active authenticator.
///
/// # Errors
/// `NotFound` where it is off; `ProofRequired` without a code or an active authenticator; `WrongCode`, `TooManyTries`, `Invalid`.
pub async fn turn_off(ctx: &Context, caller: &Caller, code: Option<SecretString>) -> Result<(), Error> {
    let now = ctx.now();
    let code = Arc::new(code.as_ref().map(read).transpose()?);
    let (context, caller) = (ctx.clone(), caller.clone());
    ctx.write_counted(move |conn| {
        let mut desk = Desk::open(conn, &context, &caller, now)?;
        if desk.account.two_factor == TwoFactor::Off {
            return Err(Rejection::NotFound.into());
        }
        desk.require_open()?;
        let code = code.as_ref().as_ref().ok_or(Rejection::ProofRequired)?;
        if desk.prove_active(code)? { desk.end().map(Ok) } else { Ok(Err(Rejection::WrongCode)) }
    })
    .await
}

pub(super) fn read(typed: &SecretString) -> Result<Code, Rejection> {
    Code::parse(typed.expose_secret())
        .ok_or(Rejection::Invalid("code: the six digits that the app shows now"))
}

/// One account with its keys, within one transaction.
pub(super) struct Desk<'a> {
    pub(super) conn: &'a mut Conn,
    ctx: &'a Context,
    actor: Actor,
    pub(super) account: Account,
    living: Vec<Authenticator>,
    now: Time,
}

impl<'a> Desk<'a> {
    pub(super) fn open(
        conn: &'a mut Conn,
        ctx: &'a Context,
        caller: &Caller,
        now: Time,
    ) -> Result<Self, Error> {
        let account = caller.lock_account(conn, ctx, now)?;
        let living = authenticators::list_living(conn, &account.id)?;
        Ok(Self { conn, ctx, actor: caller.actor(), account, living, now })
    }

    /// Refuses where no code is looked at.
    pub(super) fn require_open(&self) -> Result<(), Rejection> {
        failures::require_usable(&self.account, &self.living, self.now)
    }

    /// Whether it is the owner who turns it on, with the toggle of the account pages.
    fn begins_at_toggle(&self) -> bool {
        self.account.two_factor == TwoFactor::Off && matches!(self.actor, Actor::Owner(_))
    }

    pub(super) fn prove_active(&mut self, code: &Code) -> Result<bool, Error> {
        let active = self.living.iter().find(|key| key.state == AuthenticatorState::Active).cloned();
        self.prove(&active.ok_or(Rejection::ProofRequired)?, code)
    }

    /// Tries a code against one key: a right one is used up, a wrong one counted. What comes back false must be
    /// committed, or the failure is not counted.
    fn prove(&mut self, key: &Authenticator, code: &Code) -> Result<bool, Error> {
        let secret = key.secret(&self.ctx.crypto)?;
        match matching_step(&secret, key.parameters()?, code, self.now, key.last()) {
            CodeOutcome::Accepted(step) => {
                let accepted = authenticators::accept(self.conn, key, step)?;
                self.living
                    .iter_mut()
                    .filter(|one| one.id == accepted.id)
                    .for_each(|one| *one = accepted.clone());
                failures::right(self.conn, &self.account)?;
                self.account.lockout = self.account.lockout.after_right();
                Ok(true)
            }
            CodeOutcome::Used => Ok(false),
            CodeOutcome::Wrong => {
                failures::wrong(self.conn, self.ctx, &self.account, &self.actor, self.now)?;
                Ok(false)
            }
        }
    }

    fn replace_pending(&mut self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.revoke(is_enrolling)?;
        let secret = Zeroizing::new(self.ctx.crypto.shared_secret().to_vec());
        let id = AuthenticatorId::new(self.ctx.crypto.id(self.now));
        let expires_at = self.now + LIFETIME;
        let new =
            New { id: id.clone(), account: &self.account.id, ticket: None, secret: &secret, expires_at };
        match authenticators::insert(self.conn, &self.ctx.crypto, &new, self.now) {
            // Another enrolment began at the same moment: run again, this one revokes it.
            Err(db::Error::Unique(_)) => return Err(db::Error::Stale.into()),
            other => other?,
        }
        let note = Note { actor: &self.actor, event: Event::new(Action::KeyCreated) };
        change::log(self.conn, self.ctx, &note, &Subject::Authenticator(id), 1, self.now)?;
        // Whoever ends the account's keys at this moment did not see the new one: their version of the account is old now.
        self.turn(self.account.two_factor, Action::KeyCreated)?;
        Ok(secret)
    }

    fn go_live(&mut self, pending: &AuthenticatorId) -> Result<Vec<SecretString>, Error> {
        let pending = self.living.iter().find(|key| key.id == *pending).cloned();
        let pending = pending.ok_or(Rejection::NotFound)?;
        self.revoke(|key| key.state == AuthenticatorState::Active)?;
        let was_told = self.begins_at_toggle();
        let active = AuthenticatorState::Active;
        change::authenticator(self.conn, self.ctx, &pending, active, &self.actor, self.now)?;
        self.turn(TwoFactor::On, Action::KeyActivated)?;
        let id = &self.account.id;
        let codes = recovery::renew(self.conn, self.ctx, id, self.now)?;
        if !was_told {
            self.tell(&Content::TwoFactorEnabled { at: self.now })?;
        }
        Ok(codes)
    }

    fn end(&mut self) -> Result<(), Error> {
        self.revoke(|key| key.state == AuthenticatorState::Active || is_enrolling(key))?;
        self.turn(TwoFactor::Off, Action::TwoFactorOff)?;
        db::recovery_codes::end(self.conn, &self.account.id)?;
        self.tell(&Content::TwoFactorDisabled { at: self.now })
    }

    fn revoke(&mut self, fits: impl Fn(&Authenticator) -> bool) -> Result<(), Error> {
        for key in self.living.iter().filter(|key| fits(key)) {
            let revoked = AuthenticatorState::Revoked;
            change::authenticator(self.conn, self.ctx, key, revoked, &self.actor, self.now)?;
        }
        Ok(())
    }

    pub(super) fn turn(&mut self, two_factor: TwoFactor, action: Action) -> Result<(), Error> {
        self.account.two_factor = two_factor;
        let note = Note { actor: &self.actor, event: Event::new(action) };
        self.account = change::account(self.conn, self.ctx, self.account.clone(), &note, self.now)?;
        Ok(())
    }

    pub(super) fn tell(&mut self, content: &Content) -> Result<(), Error> {
        let about = About { account: Some(&self.account.id), ..About::default() };
        Ok(db::letters::tell_everyone(self.conn, &self.ctx.crypto, about, content, self.now)?)
    }
}

fn is_enrolling(key: &Authenticator) -> bool {
    key.state == AuthenticatorState::Pending && key.origin == Origin::Enrolment
}
