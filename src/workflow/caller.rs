//! Whose account is meant, and who says so: a host that names one of its own, or the owner at Rekey's own page.
//!
//! The rule: a host's name for an account is one of its own; another host may call another account the same.

use super::clients::Scope;
use super::{Context, accounts, owner};
use crate::crypto::{TokenKind, token_hash};
use crate::db::{self, Conn, account_sessions};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::ids::{AccountId, ClientId, SessionId};
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// A host that has shown its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Which.
    pub id: ClientId,
    scopes: String,
}

impl Host {
    /// Whether the scope was given to it.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        scope.is_in(&self.scopes)
    }

    /// Speaks for one of its accounts, by its own name for it.
    #[must_use]
    pub fn names(&self, external_id: impl Into<String>) -> Caller {
        Caller::Host { client: self.id.clone(), external_id: external_id.into() }
    }
}

/// The host behind a token.
///
/// # Errors
/// `Unauthenticated`, the same for a malformed, unknown or disabled one.
pub async fn authenticate(ctx: &Context, token: &str) -> Result<Host, Error> {
    let hash = token_hash(TokenKind::Client, token).ok_or(Error::Unauthenticated)?;
    let found = ctx.db.read(move |conn| db::clients::find_by_token(conn, &hash).map_err(Error::from)).await?;
    let client = found.ok_or(Error::Unauthenticated)?;
    Ok(Host { id: client.id, scopes: client.scopes })
}

/// Who calls, for which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A host, authenticated, for the account that it calls by this name.
    Host {
        /// Which host.
        client: ClientId,
        /// Its name for the account, as it was put.
        external_id: String,
    },
    /// The account holder, signed in with the local password.
    Owner {
        /// Whose account.
        account: AccountId,
        /// By which session, which is read again in the transaction that acts.
        session: SessionId,
        /// Whether nothing more was asked for when the request began.
        is_full: bool,
    },
}

impl Caller {
    /// Who stands in the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Host { client, .. } => Actor::Host(client.clone()),
            Self::Owner { account, .. } => Actor::Owner(account.clone()),
        }
    }

    /// The account that is meant, by a caller who is still there: the client not disabled, the session not ended.
    pub(super) fn account(&self, conn: &mut Conn, ctx: &Context, now: Time) -> Result<Account, Error> {
        let account = match self {
            Self::Host { client, external_id } => accounts::of_client(conn, client, external_id)?,
            Self::Owner { account, session, is_full } => {
                let account = db::accounts::lock(conn, account)?;
                let session = account_sessions::lock(conn, session)?;
                owner::require_there(ctx, session.as_ref(), &account, *is_full, now)?;
                account
            }
        };
        if account.removed_at.is_none() { Ok(account) } else { Err(Rejection::NotFound.into()) }
    }

    /// The same, locked until the transaction ends, whoever calls.
    pub(super) fn lock_account(&self, conn: &mut Conn, ctx: &Context, now: Time) -> Result<Account, Error> {
        match self {
            Self::Host { client, external_id } => accounts::lock_of_client(conn, client, external_id),
            Self::Owner { .. } => self.account(conn, ctx, now),
        }
    }

    /// The same where nothing is written, and nothing can be locked.
    pub(super) fn account_to_read(
        &self,
        conn: &mut Conn,
        ctx: &Context,
        now: Time,
    ) -> Result<Account, Error> {
        let Self::Owner { account, session, is_full } = self else { return self.account(conn, ctx, now) };
        let account = db::accounts::get(conn, account)?;
        let session = account_sessions::get(conn, session)?;
        owner::require_there(ctx, session.as_ref(), &account, *is_full, now)?;
        Ok(account)
    }

    /// The session of the account pages that is kept where all others of the account end.
    pub(super) const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Host { .. } => None,
            Self::Owner { session, .. } => Some(session),
        }
    }
}
