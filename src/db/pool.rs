//! Work on pooled connections, on threads that may block.
//!
//! The rule: whoever waits for a connection waits without a thread, in order of arrival, and
//! no longer than the deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::r2d2;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tokio::sync::Semaphore;

use super::address::Address;
use super::conn::{Conn, Link, Manager, Use};
use super::crash_point::{self, Side};
use super::error::{Error, Outage, of_commit};
use super::transaction::{self, Mode};
use super::watch::Statements;

/// A few connections, shared fairly.
#[derive(Clone)]
pub(super) struct Pool {
    links: r2d2::Pool<Manager>,
    turns: Arc<Semaphore>,
}

impl Pool {
    /// Returns at once, whether or not the database is there.
    pub(super) fn new(address: Address, purpose: Use, size: u32, statements: Statements) -> Self {
        let size = size.max(1);
        let links = r2d2::Pool::builder()
            .max_size(size)
            // Only who asks for a connection makes one: a spare made in the background may be half
            // made when a command ends, and then libpq aborts it in the middle of exit().
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(4))
            .max_lifetime(None)
            // Beginning a transaction is the test, and costs no journey of its own.
            .test_on_check_out(false)
            .error_handler(Box::new(Quiet))
            .build_unchecked(Manager { address, purpose, statements });
        Self { links, turns: Arc::new(Semaphore::new(size as usize)) }
    }

    /// Waits for a turn, then does `work` in a transaction on a thread that may block, and
    /// gives the work back beside its outcome.
    pub(super) async fn run<T, E, F>(&self, mode: Mode, until: Instant, work: F) -> (Result<T, E>, Option<F>)
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return (Err(Error::from(Outage::Closing).into()), Some(work));
        };
        let pool = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let outcome = pool.transact(mode, until, crash_point::name_of::<F>(), &work);
            drop(turn);
            (outcome, Some(work))
        });
        done.await.unwrap_or_else(|_| (Err(Error::from(Outage::Closing).into()), None))
    }

    fn transact<T, E: From<Error>>(
        &self,
        mode: Mode,
        until: Instant,
        name: &str,
        work: impl FnOnce(&mut Conn) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut link = self.begin(mode, until)?;
        let mut outcome = transaction::guarded(&mut link.conn, work);
        if outcome.is_ok() && mode == Mode::Write && Instant::now() >= until {
            // Its caller has been told that it failed, so it must.
            outcome = Err(Error::from(Outage::Deadline).into());
        }
        if outcome.is_ok() && mode == Mode::Write {
            crash_point::pass(Side::Before, name);
        }
        match outcome {
            Ok(value) => match transaction::commit(&mut link.conn).map_err(of_commit) {
                Ok(()) => {
                    if mode == Mode::Write {
                        crash_point::pass(Side::After, name);
                    }
                    Ok(value)
                }
                Err(error) => {
                    link.broken = true;
                    Err(error.into())
                }
            },
            Err(error) => {
                link.broken = transaction::rollback(&mut link.conn).is_err();
                Err(error)
            }
        }
    }

    /// A connection with an open transaction. Those that have died in the pool are put aside,
    /// all of them at worst, before the database counts as gone.
    fn begin(&self, mode: Mode, until: Instant) -> Result<r2d2::PooledConnection<Manager>, Error> {
        let mut tries = self.links.max_size();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Outage::Deadline.into());
            }
            let mut link: r2d2::PooledConnection<Manager> =
                self.links.get_timeout(left).map_err(|error| Outage::Connection(Arc::new(error)))?;
            let Link { conn, in_each, .. } = &mut *link;
            match transaction::begin(conn, mode, in_each) {
                Ok(()) => return Ok(link),
                Err(error) => {
                    link.broken = true;
                    let next = tries.checked_sub(1).filter(|_| has_died(&error));
                    // A server that lets nobody begin serves nobody, in whatever words: a standby is one.
                    tries = next.ok_or_else(|| Outage::Driver(Arc::new(error)))?;
                }
            }
        }
    }
}

/// Whether a connection broke, and another may do; a server that answers says the same on each.
fn has_died(error: &DieselError) -> bool {
    use DatabaseErrorKind as Kind;
    matches!(
        error,
        DieselError::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand, _)
            | DieselError::BrokenTransactionManager
    )
}

/// The pool's complaints; the caller who waited in vain gets the same words as an error.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<diesel::ConnectionError> for Quiet {
    fn handle_error(&self, error: diesel::ConnectionError) {
        tracing::debug!(%error, "no connection to the database");
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("broken", &self.broken).finish_non_exhaustive()
    }
}
