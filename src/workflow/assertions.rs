//! What a host says of a person signed in there: verified against its registered keys, and used once.

use chrono::Duration;

use super::Context;
use super::clients::Scope;
use crate::db::Conn;
use crate::db::clients::{self, Client};
use crate::directory::assertion::{self, Assertion};
use crate::directory::host_keys::HostKeys;
use crate::domain::Time;
use crate::domain::account::Account;
use crate::error::Error;

/// How long used assertions are remembered: far longer than they live, so that a clock that steps back revives none.
const REMEMBERED: Duration = Duration::days(1);

/// A host's word that holds, not yet used.
#[derive(Clone)]
pub(super) struct Attested {
    client: Client,
    assertion: Assertion,
}

/// Verifies an assertion: its cause of failure is logged, never told.
pub(super) async fn verify(ctx: &Context, token: &str) -> Result<Attested, Error> {
    let now = ctx.now();
    let Some(issuer) = assertion::issuer_of(token) else {
        tracing::warn!(cause = "no issuer can be read", "assertion refused");
        return Err(Error::Unauthenticated);
    };
    let client = ctx.db.read(move |conn| Ok::<_, Error>(clients::find(conn, &issuer)?)).await?;
    let Some(client) = client else {
        tracing::warn!(cause = "unknown issuer", "assertion refused");
        return Err(Error::Unauthenticated);
    };
    if !Scope::Tickets.is_in(&client.scopes) {
        tracing::warn!(host = %client.id, "assertion refused: the scope tickets was not given to the host");
        return Err(Error::Unauthenticated);
    }
    let keys = HostKeys::from_pem(client.id.clone(), &client.public_keys).map_err(|cause| {
        tracing::warn!(%cause, host = %client.id, "assertion refused: the host has no usable key");
        Error::Unauthenticated
    })?;
    match assertion::verify(token, &keys, &ctx.config.http.public_url, now) {
        Ok(assertion) => Ok(Attested { client, assertion }),
        Err(cause) => {
            tracing::warn!(%cause, host = %client.id, "assertion refused");
            Err(Error::Unauthenticated)
        }
    }
}

impl Attested {
    /// The host that attests.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Uses the assertion up for this account, in the caller's transaction.
    pub(super) fn use_for(&self, conn: &mut Conn, account: &Account, now: Time) -> Result<(), Error> {
        let is_subject = account.external_id == self.assertion.subject.as_str();
        let is_own = account.client == self.client.id;
        if !is_subject || !is_own {
            tracing::warn!(cause = "of another account", host = %self.client.id, "assertion refused");
            return Err(Error::Unauthenticated);
        }
        if clients::find(conn, &self.client.id)?.is_none() {
            tracing::warn!(cause = "disabled meanwhile", host = %self.client.id, "assertion refused");
            return Err(Error::Unauthenticated);
        }
        if clients::use_assertion(conn, &self.client.id, &self.assertion.jti, now + REMEMBERED)? {
            return Ok(());
        }
        tracing::warn!(cause = "used before", host = %self.client.id, "assertion refused");
        Err(Error::Unauthenticated)
    }

    /// Whether it attests a password or key that was given just now, and not changed since that time.
    pub(super) fn is_fresh_password(&self, now: Time, not_changed_since: Time) -> bool {
        self.assertion.is_fresh_password(now, not_changed_since)
    }
}
