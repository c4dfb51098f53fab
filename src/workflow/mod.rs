//! The verbs of the road: each reads, lets the domain decide, and writes, in one transaction.
//!
//! One file a verb. Nothing here knows of HTTP, pages or mail servers.

pub(crate) mod account_facts;
pub mod account_move;
pub mod accounts;
pub mod acting;
pub mod activate;
pub mod alarm;
pub mod applications;
pub mod approve;
mod assertions;
mod assess;
pub mod audit;
pub mod audit_verdict;
pub mod audit_verify;
pub mod caller;
mod change;
pub(crate) mod checkpoints_file;
pub mod clients;
mod code_limits;
pub mod codes;
mod confirm;
pub mod deliver;
pub mod desk;
pub mod diagnose;
pub mod enrol;
pub mod expire;
mod failures;
mod fate;
pub mod freeze;
pub mod import;
mod import_csv;
mod import_progress;
pub(crate) mod import_rows;
pub mod import_source;
mod issue;
pub mod key_ring;
pub mod once;
pub mod open;
pub mod owner;
pub mod owner_password;
pub mod owner_sessions;
mod password_rules;
pub mod profile;
pub mod prove;
mod putting;
mod putting_many;
mod qr;
mod readdress;
pub mod readiness;
pub mod recovery;
pub mod requester;
pub mod restore;
pub mod retire;
pub mod review;
pub mod rotate;
mod sending;
pub mod session;
mod shutting_out;
pub mod sign_rows;
pub mod staff;
mod tally;
#[cfg(test)]
mod tests;
pub mod verify;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::Crypto;
use crate::db::idempotency::{self, Answered};
use crate::db::{self, Conn, Db};
use crate::domain::Time;
use crate::domain::letter::Alarm;
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::mail::Mailer;

/// What every workflow works with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Tells the time.
    pub clock: Clock,
    /// Keys and randomness.
    pub crypto: Crypto,
    /// The database.
    pub db: Db,
    /// The way out for letters.
    pub mailer: Mailer,
    /// The policy.
    pub policy: Arc<Policy>,
    /// All settings.
    pub config: Arc<Config>,
    /// Wakes the worker when there is something to send.
    pub wake: Arc<Notify>,
    /// When the worker last finished something.
    pub heartbeat: readiness::Heartbeat,
    /// The record of the request that the next write does: see [`Context::once`].
    pub once: Option<Arc<Answered>>,
}

impl Context {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Writes in one transaction, then wakes the worker for the letters that it may have left.
    ///
    /// # Errors
    /// Those of the work and of the database.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        let done = match self.once.clone() {
            None => self.db.write(work).await,
            Some(one) => {
                let now = self.now();
                let first = move |conn: &mut Conn| {
                    once::begin(conn, &one, now)?;
                    work(conn)
                };
                self.db.write(first).await
            }
        };
        let done = self.heed(done).await;
        if done.is_ok() {
            self.wake.notify_one();
        }
        done
    }

    /// The same where a refusal is counted, and committed all the same: it is no act, and leaves no record.
    ///
    /// # Errors
    /// Those of the work and of the database, and the refusal.
    pub(crate) async fn write_counted<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<Counted<T>, Error> + Send + 'static,
    {
        let counted = match self.once.clone() {
            None => self.write(work).await,
            Some(one) => {
                let last = move |conn: &mut Conn| {
                    let counted = work(conn)?;
                    if counted.is_err() {
                        idempotency::remove(conn, &one)?;
                    }
                    Ok(counted)
                };
                self.write(last).await
            }
        };
        counted?.map_err(Error::from)
    }

    /// Passes an outcome on. Where a sealed value did not open, or a row is not what was written, the administrators are
    /// told: somebody may have written to the database. Not where our ring lacks its key: then this replica's ring is old,
    /// which `/readyz` says.
    async fn heed<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(error @ Error::Database(db::Error::Sealed(_) | db::Error::Forged { .. })) = &outcome
            && !error.lacks_key()
        {
            alarm::raise_or_log(self, Alarm::SealBroken).await;
        }
        outcome
    }
}

/// What a transaction that counts tries ends with: an answer, or a refusal that is counted all the same.
pub(crate) type Counted<T> = Result<T, Rejection>;
