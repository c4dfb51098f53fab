//! The local password, the first step of signing in at Rekey's own account pages.
//!
//! The rule: whatever is wrong, the answer is the same and costs the same; and it is given only after it was counted,
//! for the network, for the name and for whose it is. A name that is guessed at is locked for a growing time, but for
//! browsers in which its password was typed before: so that nobody locks an owner out from elsewhere. Only what was
//! tried under a name is told under it: which other name means the same account shows in no answer.

use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::applications::find_account;
use super::session;
use super::{Context, failures};
use crate::crypto::{Purpose, TokenKind};
use crate::db::account_sessions::{self, Session};
use crate::db::password_guesses::{Guesses, Name};
use crate::db::throttles;
use crate::db::{self, Conn, accounts, password_guesses};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::ids::{AccountId, SessionId};
use crate::domain::lockout::LockoutState;
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// What an owner types to sign in, and where.
pub struct Credentials {
    /// The address on file, or the host's name for the account.
    pub account: String,
    /// The application that is meant, by name; without it a name that fits accounts of several fits none.
    pub application: Option<String>,
    /// The local password.
    pub password: SecretString,
    /// The network they come from, as text.
    pub network: Option<String>,
    /// The family of their browser, in words of ours.
    pub browser: String,
    /// What the browser kept of an earlier [`Begun::known`], if anything.
    pub known: Option<String>,
}

/// A session that has just begun.
pub struct Begun {
    /// Its token, shown this once.
    pub token: SecretString,
    /// By this the browser is known the next time, as long as the password stays.
    pub known: String,
}

/// Whom a name means, and under what it is counted.
struct Meant {
    /// The account and the hash of its password, if it has one.
    account: Option<(AccountId, String)>,
    /// The counter of the name as it was typed.
    name: Name,
    /// The counter of the account, whatever of its names was typed; one of the name's own where there is none.
    whole: Name,
    /// The counter of the name in this network.
    here: String,
    is_known: bool,
}

/// A name as it was typed.
#[derive(Clone, Copy)]
struct Typed<'a> {
    account: &'a str,
    application: Option<&'a str>,
}

impl Typed<'_> {
    /// As accounts are looked up: addresses in any case, other names as they are written. One name at two applications
    /// is two: what is tried at one locks nobody out of the other.
    fn folded(self) -> String {
        let account = self.account;
        let folded = if account.contains('@') { account.to_ascii_lowercase() } else { account.to_owned() };
        match self.application {
            // No name that fits an account has a line break.
            Some(application) => format!("{folded}\n{application}"),
            None => folded,
        }
    }
}

/// What was counted so far.
struct Counted {
    name: Guesses,
    whole: Guesses,
    /// Whether the account takes no password, though the name that was typed is not locked.
    is_shut: bool,
}

/// Looks at the password; what is still asked for then, [`super::owner::authenticate`] says.
///
/// # Errors
/// `Unauthenticated` for every cause alike, and after the same work; `TooManyTries` after many failures under the name
/// that was typed, whether it is known or not, or while codes are locked and none can be asked for; `Busy`.
pub async fn sign_in(ctx: &Context, with: Credentials) -> Result<Begun, Error> {
    let now = ctx.now();
    let Credentials { account, application, password, network, browser, known } = with;
    let (work, from) = (ctx.clone(), network.clone().unwrap_or_default());
    let meant = ctx
        .db
        .read(move |conn| {
            let typed = Typed { account: account.trim(), application: application.as_deref() };
            let meant = Meant::find(conn, &work, typed, &from, known.as_deref())?;
            meant.refuse_guesses(conn, now)?;
            Ok::<_, Error>(meant)
        })
        .await?;
    let is_right = if let Some((_, hash)) = &meant.account {
        ctx.crypto.passwords().verify(hash, password.expose_secret()).await?
    } else {
        ctx.crypto.passwords().verify_dummy(password.expose_secret()).await?;
        false
    };
    let work = ctx.clone();
    let named = meant.account.as_ref().map_or("nobody", |(id, _)| id.as_str()).to_owned();
    let begun = ctx.db.write(move |conn| {
        // Many may have been let in at once: as they were counted, the name may be locked by now.
        throttles::lock(conn, &session::failures(&meant.here))?;
        let guesses = meant.refuse_guesses(conn, now)?;
        if let Some((id, hash)) = meant.account.as_ref().filter(|_| is_right && !guesses.is_shut) {
            // The password was looked at outside this transaction: it may have been set anew since. Whoever sets it
            // from now on waits, and ends the session that begins here.
            let account = accounts::lock(conn, id)?;
            if accounts::password(conn, id)?.is_some_and(|(kept, _)| kept == *hash) {
                password_guesses::forget(conn, &meant.name)?;
                password_guesses::forget(conn, &meant.whole)?;
                let known = work.crypto.index(Purpose::KnownBrowser, &[id.as_str()], hash);
                let token = begin(conn, &work, account, &browser, network.clone(), now)?;
                return Ok::<_, Error>(Some(Begun { token, known }));
            }
        }
        // A write in each case, so that a right password is not told by the time taken.
        throttles::count(conn, &session::failures(&meant.here), now)?;
        if !meant.is_known {
            let Counted { name, whole, is_shut } = guesses;
            let next = name.lockout.after_wrong_password(now);
            password_guesses::count(conn, &meant.name, &name, next, now)?;
            // While it is shut nothing was guessed, and the same is written.
            let next = if is_shut { whole.lockout } else { whole.lockout.after_wrong_password(now) };
            password_guesses::count(conn, &meant.whole, &whole, next, now)?;
        }
        Ok(None)
    });
    let begun = begun.await?;
    if begun.is_none() {
        tracing::warn!(account = named, "password refused");
    }
    begun.ok_or(Error::Unauthenticated)
}

impl Meant {
    fn find(
        conn: &mut Conn,
        ctx: &Context,
        typed: Typed<'_>,
        network: &str,
        known: Option<&str>,
    ) -> Result<Self, Error> {
        let account = find_account(conn, typed.account, typed.application)?;
        let password = match &account {
            Some(account) => accounts::password(conn, &account.id)?,
            // Looked for all the same, so that an unknown account costs as much.
            None => match accounts::password(conn, &AccountId::new("nobody")) {
                Ok(_) | Err(db::Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            },
        };
        let folded = typed.folded();
        let counter = |place: &[&str], of: &str| Name {
            digest: ctx.crypto.index(Purpose::Network, place, of),
            former: ctx.crypto.former_indexes(Purpose::Network, place, of),
        };
        let name = counter(&["password"], &folded);
        let here = ctx.crypto.index(Purpose::Network, &["account_sign_in", network], &folded);
        let subject = account.as_ref().map_or(folded.as_str(), |account| account.id.as_str());
        let whole = counter(&["password", "whole"], subject);
        let account = account.zip(password).map(|(account, (hash, _))| (account.id, hash));
        let is_known = account.as_ref().zip(known).is_some_and(|((id, hash), known)| {
            ctx.crypto.index_matches(Purpose::KnownBrowser, &[id.as_str()], hash, known)
        });
        Ok(Self { account, name, whole, here, is_known })
    }

    /// Refuses after too many failures under the name, and tells what was counted.
    fn refuse_guesses(&self, conn: &mut Conn, now: Time) -> Result<Counted, Error> {
        session::refuse_flood(conn, &self.here, now)?;
        let name = password_guesses::get(conn, &self.name)?;
        let whole = password_guesses::get(conn, &self.whole)?;
        if let LockoutState::Locked { until } = name.lockout.state(now)
            && !self.is_known
        {
            return Err(Rejection::TooManyTries(Some(until)).into());
        }
        let is_shut = !self.is_known && matches!(whole.lockout.state(now), LockoutState::Locked { .. });
        Ok(Counted { name, whole, is_shut })
    }
}

fn begin(
    conn: &mut Conn,
    ctx: &Context,
    account: Account,
    browser: &str,
    network: Option<String>,
    now: Time,
) -> Result<SecretString, Error> {
    if account.two_factor == TwoFactor::Off {
        failures::require_open(&account, now)?;
    }
    let (token, token_hash) = ctx.crypto.token(TokenKind::Account);
    let session = Session {
        id: SessionId::new(ctx.crypto.id(now)),
        token_hash,
        account_id: account.id,
        browser: browser.to_owned(),
        created_at: now,
        seen_at: now,
        code_at: None,
        expires_at: now + Duration::hours(i64::from(ctx.config.sessions.hours)),
        network,
    };
    account_sessions::insert(conn, session)?;
    Ok(token)
}
