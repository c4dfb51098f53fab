//! Counts the statements of a database, and tells the log, at debug, of those that are slow or fail.
//!
//! The rule: never a value that was bound to one; diesel's text of a statement ends with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

const SLOW: Duration = Duration::from_millis(100);

/// How many statements were begun, over all connections that share it.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<AtomicU64>);

impl Tally {
    pub(super) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens to one connection.
#[derive(Default)]
pub(super) struct Watch {
    since: Option<Instant>,
    tally: Tally,
}

impl Watch {
    pub(super) fn counting(tally: Tally) -> Self {
        Self { since: None, tally }
    }
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.tally.0.fetch_add(1, Ordering::Relaxed);
                self.since = Some(Instant::now());
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let took = self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
                // Errors of a driver can quote the row, so only their place is told here.
                if (error.is_some() || took >= SLOW) && tracing::enabled!(tracing::Level::DEBUG) {
                    let text = query.to_string();
                    let sql = without_binds(&text);
                    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                    tracing::debug!(sql, milliseconds, failed = error.is_some(), "statement");
                }
            }
            _ => {}
        }
    }
}

fn without_binds(statement: &str) -> &str {
    statement.split_once(" -- binds:").map_or(statement, |(sql, _)| sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_cut_off() {
        assert_eq!(without_binds("SELECT 1 -- binds: [\"secret\"]"), "SELECT 1");
        assert_eq!(without_binds("a -- binds: [\" -- binds:\"]"), "a");
        assert_eq!(without_binds("COMMIT"), "COMMIT");
    }
}
