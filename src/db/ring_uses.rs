//! What still hangs on one key of the ring by its id, and cannot be sealed anew: digests of codes and of former versions.

use diesel::prelude::*;

use super::schema::{challenges, password_guesses, recovery_codes, tickets, vouches};
use super::{Conn, Error};
use crate::crypto::KeyId;
use crate::domain::Time;

/// How much of each kind there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingUses {
    /// Accounts with unused recovery codes that a former version made.
    pub recovery_accounts: i64,
    /// Codes that went to mailboxes of requesters.
    pub mailbox_codes: i64,
    /// Codes that went to managers.
    pub vouch_codes: i64,
    /// PINs of tickets.
    pub pins: i64,
    /// Counters of wrong passwords that a former version began.
    pub password_counters: i64,
    /// Tickets that remember their network as a former version did.
    pub networks: i64,
}

impl RingUses {
    /// Counts what hangs on a key.
    ///
    /// # Errors
    /// Of the database alone.
    pub fn count(conn: &mut Conn, key: KeyId, now: Time) -> Result<Self, Error> {
        let under = format!("{key}:%");
        let accounts: Vec<String> = recovery_codes::table
            .filter(recovery_codes::digest.like(&under))
            .filter(recovery_codes::used_at.is_null())
            .select(recovery_codes::account_id)
            .distinct()
            .load(conn)?;
        Ok(Self {
            recovery_accounts: i64::try_from(accounts.len()).unwrap_or(i64::MAX),
            mailbox_codes: challenges::table
                .filter(challenges::digest.like(&under))
                .filter(challenges::expires_at.gt(now))
                .count()
                .get_result(conn)?,
            vouch_codes: vouches::table
                .filter(vouches::digest.like(&under))
                .filter(vouches::answered_at.is_null())
                .filter(vouches::expires_at.gt(now))
                .count()
                .get_result(conn)?,
            pins: tickets::table.filter(tickets::pin.like(&under)).count().get_result(conn)?,
            password_counters: password_guesses::table
                .filter(password_guesses::name.like(&under))
                .count()
                .get_result(conn)?,
            networks: tickets::table.filter(tickets::network.like(&under)).count().get_result(conn)?,
        })
    }
}
