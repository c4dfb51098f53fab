//! Owners at Rekey's own account pages: being recognised, and the code behind the password.
//!
//! The rule: the password alone is enough only where two-factor authentication is off. Locked, off by failures,
//! frozen and suspended are not off: there every code is refused, and nobody gets in.

use chrono::Duration;
use secrecy::SecretString;

use super::Context;
use super::caller::Caller;
use super::codes::{self, Presented, Verified};
use crate::crypto::{TokenKind, token_hash};
use crate::db::account_sessions::{self, Session};
use crate::db::{accounts, authenticators};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::authenticator::Origin;
use crate::domain::ids::{AccountId, SessionId};
use crate::domain::proof::{FRESH_PASSWORD, FirstFactor};
use crate::domain::sign_in::Refusal;
use crate::error::Error;

/// How long the password alone stands while a code is awaited.
const CODE_AWAITED: Duration = Duration::minutes(15);
/// How often a session's last use is written down.
const TOUCH: Duration = Duration::minutes(1);

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
    /// Whether the password was typed so lately that a sent key may go live by it.
    pub is_fresh: bool,
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
        Caller::Owner { account: self.account.clone(), session: self.session.clone(), is_full: self.is_full }
    }
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
        // Its last use counts where the clock was set back: what was too old stays so.
        is_fresh: now.max(session.seen_at) - session.created_at <= FRESH_PASSWORD,
        expires_at: session.expires_at,
    })
}

/// Refuses where the session of a request that is under way has ended, or is worth less than when it began.
pub(super) fn require_there(
    ctx: &Context,
    session: Option<&Session>,
    account: &Account,
    was_full: bool,
    now: Time,
) -> Result<(), Error> {
    let session = session.ok_or(Error::Unauthenticated)?;
    let is_full = is_full(session, account);
    let is_over = has_ended(ctx, session, is_full, now) || account.removed_at.is_some();
    if is_over || (was_full && !is_full) { Err(Error::Unauthenticated) } else { Ok(()) }
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
/// rules that hold for every host; a password that was typed a while ago is no first factor to it.
///
/// # Errors
/// `Invalid` where what was typed can be neither; `Unauthenticated` where the session ended meanwhile.
pub async fn give_code(ctx: &Context, who: &OwnerSession, typed: SecretString) -> Result<Answer, Error> {
    let id = who.account.clone();
    let changed = ctx.db.read(move |conn| Ok::<_, Error>(accounts::password(conn, &id)?)).await?;
    let at = changed.map(|(_, at)| at);
    let presented = Presented::typed(typed, who.is_fresh.then_some(FirstFactor::Password), at);
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
