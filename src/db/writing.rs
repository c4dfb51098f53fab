//! Whether the database takes writes, tried for whoever asks whether requests can be served.
//!
//! The rule: nothing is changed by it. The trial is rolled back, which a full disk lets pass: so a write of somebody's that
//! could not be stored counts for a while, and the trial after that is committed, with what was there before.

use std::sync::{Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::database::Db;
use super::error::{AsDbError, Error};
use super::facts;

/// For how long a trial counts: whoever asks often pays for no more.
const KEPT: Duration = Duration::from_secs(1);
/// For how long a write that could not be stored counts: a small one may pass where a request does not.
const HELD_AGAINST: Duration = Duration::from_secs(5);

/// What is known of it.
#[derive(Default)]
pub(super) struct Writing {
    /// When a write could last not be stored, if no trial has passed since.
    failed: Lock<Option<Instant>>,
    tried: Mutex<Option<(Instant, bool)>>,
}

impl Writing {
    /// Notes how a write ended.
    pub(super) fn note<T, E: AsDbError>(&self, outcome: &Result<T, E>) {
        let error = outcome.as_ref().err().and_then(AsDbError::db_error);
        if error.is_some_and(Error::is_of_storage) {
            *self.failed() = Some(Instant::now());
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a trial ends.
enum Trial {
    RolledBack,
    Failed(Error),
}

impl From<Error> for Trial {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl AsDbError for Trial {
    fn db_error(&self) -> Option<&Error> {
        match self {
            Self::RolledBack => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Db {
    /// Whether it takes writes, as of the last second; within 5 s.
    pub async fn takes_writes(&self) -> bool {
        let writing = self.writing();
        let mut tried = writing.tried.lock().await;
        let failed = *writing.failed();
        if failed.is_some_and(|at| at.elapsed() < HELD_AGAINST) {
            return false;
        }
        if let Some((_, known)) = tried.filter(|(at, _)| at.elapsed() < KEPT) {
            return known;
        }
        let commits = failed.is_some();
        let trial = self.write(move |conn| {
            facts::touch(conn)?;
            if commits { Ok(()) } else { Err(Trial::RolledBack) }
        });
        let takes = match trial.await {
            Ok(()) => {
                *writing.failed() = None;
                true
            }
            Err(Trial::RolledBack) => true,
            Err(Trial::Failed(error)) => {
                tracing::debug!(%error, "the database takes no writes");
                false
            }
        };
        *tried = Some((Instant::now(), takes));
        takes
    }
}
