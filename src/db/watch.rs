//! Tells the log, at debug, of statements that are slow or fail, and keeps the text of all while somebody asks for it.
//!
//! The rule: never a value that was bound to one; diesel's text of a statement ends with them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::rows::Keeper;

const SLOW: Duration = Duration::from_millis(100);

/// The statements that one [`super::Db`] runs, in order, from [`Statements::listen`] on: their text, without values.
#[derive(Clone, Default)]
pub struct Statements {
    kept: Arc<Mutex<Option<Vec<String>>>>,
    /// What else the connections share.
    pub(super) rows: Arc<Keeper>,
}

impl Statements {
    /// Begins anew. What was kept before is forgotten.
    pub fn listen(&self) {
        *self.kept() = Some(Vec::new());
    }

    /// What was kept since the last look; nothing where nobody listens.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.kept().as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn keep(&self, statement: &dyn std::fmt::Display) {
        if let Some(kept) = self.kept().as_mut() {
            kept.push(without_binds(&statement.to_string()).to_owned());
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Vec<String>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens to one connection.
pub(super) struct Watch {
    statements: Statements,
    since: Option<Instant>,
}

impl Watch {
    pub(super) const fn new(statements: Statements) -> Self {
        Self { statements, since: None }
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.statements.rows
    }
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                self.statements.keep(query);
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
    fn statements_are_kept_while_somebody_listens() {
        let statements = Statements::default();
        statements.keep(&"SELECT 1");
        assert!(statements.take().is_empty());
        statements.listen();
        statements.clone().keep(&"SELECT ? -- binds: [\"secret\"]");
        assert_eq!(statements.take(), ["SELECT ?"]);
        assert!(statements.take().is_empty());
    }

    #[test]
    fn binds_are_cut_off() {
        assert_eq!(without_binds("SELECT 1 -- binds: [\"secret\"]"), "SELECT 1");
        assert_eq!(without_binds("a -- binds: [\" -- binds:\"]"), "a");
        assert_eq!(without_binds("COMMIT"), "COMMIT");
    }
}
