//! Owners at Rekey's own account pages: the local password, then a code; and being recognised.
//!
//! The rule: the password alone is enough only where two-factor authentication is off. Locked, off by failures,
//! frozen and suspended are not off: there every code is refused, and nobody gets in.

use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::caller::Caller;
use super::codes::{self, Presented, Verified};
use super::session::{hour, refuse_flood};
use super::{Context, failures, open};
use crate::crypto::{Purpose, TokenKind, token_hash};
use crate::db::account_sessions::{self, Session};
use crate::db::throttles::{self, Counter};
use crate::db::{self, Conn, accounts, authenticators};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::authenticator::Origin;
use crate::domain::ids::{AccountId, SessionId};
use crate::domain::proof::FirstFactor;
use crate::domain::sign_in::Refusal;
use crate::error::Error;

/// How long the password alone stands while a code is awaited.
const CODE_AWAITED: Duration = Duration::minutes(15);
/// How often a session's last use is written down.
const TOUCH: Duration = Duration::minutes(1);

/// What an owner types to sign in.
pub struct Credentials {
    /// The address on file, or the host's name for the account.
    pub account: String,
    /// The local password.
    pub password: SecretString,
    /// The network they come from, as text.
    pub network: Option<String>,
    /// The family of their browser, in words of ours.
    pub browser: String,
}

/// An owner behind a session, as the account stands at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerSession {
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub account: AccountId,
    /// The host's name for the account.
    pub external_id: String,
    /// Their name.
    pub name: String,
    /// The address on file.
    pub email: String,
    /// Whether two-factor authentication is on.
    pub is_on: bool,
    /// Whether nothing more is asked for: a code was given, or none is needed.
    pub is_full: bool,
    /// When it ends at the latest.
    pub expires_at: Time,
}

impl OwnerSession {
    /// Refuses while only the password stands.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub fn require_full(&self) -> Result<(), Error> {
        if self.is_full { Ok(()) } else { Err(Error::Unauthenticated) }
    }

    /// Who they are to the other workflows.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::Owner(self.account.clone())
    }
}

/// Looks at the password, the first step of signing in; what is still asked for, [`authenticate`] says.
///
/// # Errors
/// `Unauthenticated` for every cause alike, and after the same work; `TooManyTries` after many failures, whether
/// the account is known or not, or while codes are locked and none can be asked for; `Busy`.
pub async fn sign_in(ctx: &Context, with: Credentials) -> Result<SecretString, Error> {
    let now = ctx.now();
    let name = with.account.trim().to_owned();
    let network = with.network.unwrap_or_default();
    let digest = |parts: &[&str]| ctx.crypto.code_digest(Purpose::Network, parts, &name.to_ascii_lowercase());
    let subject = digest(&["account_sign_in", &network]);
    let seen = subject.clone();
    let found = ctx
        .db
        .read(move |conn| {
            refuse_flood(conn, &seen, now)?;
            let Some(account) = open::find_account(conn, &name)? else {
                // Looked for all the same, so that an unknown account costs as much.
                return match accounts::password(conn, &AccountId::new("nobody")) {
                    Ok(_) | Err(db::Error::NotFound) => Ok(None),
                    Err(error) => Err(error.into()),
                };
            };
            let password = accounts::password(conn, &account.id)?;
            Ok::<_, Error>(password.map(|(hash, _)| (account.id, hash)))
        })
        .await?;
    let password = with.password.expose_secret();
    let is_right = if let Some((_, hash)) = &found {
        ctx.crypto.passwords().verify(hash, password).await?
    } else {
        ctx.crypto.passwords().verify_dummy(password).await?;
        false
    };
    let found = found.filter(|_| is_right);
    let (inner, browser) = (ctx.clone(), with.browser);
    let begun = ctx.db.write(move |conn| {
        if let Some((id, hash)) = &found
            // The password was looked at outside this transaction: it may have been set anew since.
            && accounts::password(conn, id)?.is_some_and(|(kept, _)| kept == *hash)
        {
            return begin(conn, &inner, id, &browser, now).map(Some);
        }
        // A write in each case, so that a right password is not told by the time taken.
        throttles::count(conn, &Counter { name: "sign_in", subject: &subject, since: hour(now) })?;
        Ok(None)
    });
    begun.await?.ok_or(Error::Unauthenticated)
}

fn begin(
    conn: &mut Conn,
    ctx: &Context,
    account: &AccountId,
    browser: &str,
    now: Time,
) -> Result<SecretString, Error> {
    let account = accounts::get(conn, account)?;
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
    };
    account_sessions::insert(conn, session)?;
    Ok(token)
}

/// Recognises the sender of a request by the session's token, and notes that the session is in use.
///
/// # Errors
/// `Unauthenticated` for an unknown, ended, expired or idle session and a removed account alike.
pub async fn authenticate(ctx: &Context, token: &str) -> Result<OwnerSession, Error> {
    let now = ctx.now();
    let hash = token_hash(TokenKind::Account, token).ok_or(Error::Unauthenticated)?;
    let (session, account) = ctx
        .db
        .read(move |conn| {
            let session = account_sessions::find(conn, &hash)?.ok_or(Error::Unauthenticated)?;
            let account = accounts::get(conn, &session.account_id)?;
            Ok::<_, Error>((session, account))
        })
        .await?;
    let is_full = is_full(&session, &account);
    if has_ended(ctx, &session, is_full, now) || account.removed_at.is_some() {
        // It ends for good: a clock that steps back must not revive it.
        ctx.db
            .write(move |conn| Ok::<_, Error>(account_sessions::end(conn, &account.id, &session.id)?))
            .await?;
        return Err(Error::Unauthenticated);
    }
    if session.seen_at + TOUCH <= now {
        let id = session.id.clone();
        ctx.db.write(move |conn| Ok::<_, Error>(account_sessions::touch(conn, &id, now)?)).await?;
    }
    Ok(OwnerSession {
        session: session.id,
        external_id: account.external_id,
        name: account.name,
        email: account.email,
        is_on: account.two_factor == TwoFactor::On,
        account: account.id,
        is_full,
        expires_at: session.expires_at,
    })
}

pub(super) fn is_full(session: &Session, account: &Account) -> bool {
    account.frozen_at.is_none() && (session.code_at.is_some() || account.two_factor == TwoFactor::Off)
}

pub(super) fn has_ended(ctx: &Context, session: &Session, is_full: bool, now: Time) -> bool {
    let idle = Duration::minutes(i64::from(ctx.config.sessions.idle_minutes));
    let awaited = !is_full && session.created_at + CODE_AWAITED <= now;
    session.expires_at <= now || session.seen_at + idle <= now || awaited
}

/// What a code at sign-in comes to.
pub enum Answer {
    /// They are in, under another token.
    In {
        /// Takes the place of the former token.
        token: SecretString,
        /// Ten new codes where a sent key went live, to be shown once.
        recovery_codes: Option<Vec<SecretString>>,
    },
    /// They are not, for whatever reason.
    Refused(Refusal),
}

/// Takes the code, or one of the recovery codes: the second step. A right code of a sent key makes it live, by the
/// rules that hold for every host.
///
/// # Errors
/// `Invalid` where what was typed can be neither; `Unauthenticated` where the session ended meanwhile.
pub async fn give_code(ctx: &Context, who: &OwnerSession, typed: SecretString) -> Result<Answer, Error> {
    let id = who.account.clone();
    let changed = ctx.db.read(move |conn| Ok::<_, Error>(accounts::password(conn, &id)?)).await?;
    let at = changed.map(|(_, at)| at);
    let presented = Presented::typed(typed, Some(FirstFactor::Password), at);
    match codes::verify(ctx, &who.caller(), presented).await? {
        Verified::Refused(reason) => Ok(Answer::Refused(reason)),
        Verified::Accepted { recovery_codes } => {
            Ok(Answer::In { token: rise(ctx, who).await?, recovery_codes })
        }
    }
}

/// A code of the owner's was right: their session goes on under another token.
///
/// # Errors
/// `Unauthenticated` where it ended meanwhile.
pub async fn rise(ctx: &Context, who: &OwnerSession) -> Result<SecretString, Error> {
    let (now, id) = (ctx.now(), who.session.clone());
    let (token, hash) = ctx.crypto.token(TokenKind::Account);
    let is_there =
        ctx.db.write(move |conn| Ok::<_, Error>(account_sessions::rise(conn, &id, &hash, now)?)).await?;
    if is_there { Ok(token) } else { Err(Error::Unauthenticated) }
}

/// Whether a key that was sent to the owner waits for its first code.
///
/// # Errors
/// Of the database alone.
pub async fn awaits_sent_key(ctx: &Context, who: &OwnerSession) -> Result<bool, Error> {
    let (now, id) = (ctx.now(), who.account.clone());
    ctx.db
        .read(move |conn| {
            let living = authenticators::list_living(conn, &id)?;
            Ok(living.iter().any(|key| key.is_pending(Origin::Ticket, now) && key.delivered_at.is_some()))
        })
        .await
}
