//! What can go wrong with the database, by what a caller can do about it.
//!
//! The rule: no variant carries values that were bound to a statement; a message of the
//! driver is reached only as a source, for the log.

use std::sync::Arc;

use crate::crypto::SealError;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as Driver};

/// An error of the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Someone else changed the row, or held it: read it again and decide anew.
    #[error("the row has changed meanwhile")]
    Stale,
    /// There is no such row.
    #[error("there is no such row")]
    NotFound,
    /// A unique index allows only one. The transaction is over: PostgreSQL has aborted it.
    #[error("there may be only one: {0}")]
    Unique(Constraint),
    /// A CHECK or NOT NULL refused the value.
    #[error("a value is refused by {0}")]
    Check(Constraint),
    /// A row that is referred to does not exist, or is still referred to.
    #[error("a row that is referred to is missing, or still needed")]
    ForeignKey,
    /// The database cannot serve now: gone, full, read-only, or busy for too long.
    #[error("the database is unavailable")]
    Unavailable(#[source] Outage),
    /// A sealed value did not open: it was moved, changed, or its key is missing.
    #[error("a sealed value does not open")]
    Sealed(#[from] SealError),
    /// A row that decides does not bear its MAC: it was written by hand, or put back.
    #[error("a row of {table} was not written by this program: {id}")]
    Forged {
        /// Of which table.
        table: &'static str,
        /// Which one.
        id: Box<str>,
    },
    /// A row holds what this program never writes; says what.
    #[error("the database holds an impossible value: {0}")]
    Corrupt(&'static str),
    /// The work panicked; its transaction was rolled back.
    #[error("the work on the database panicked")]
    Panicked,
    /// Anything else: a fault of this program.
    #[error("a statement failed")]
    Other(#[source] Driver),
}

/// Why the database cannot serve.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Outage {
    /// No connection could be had; the source has the driver's words.
    #[error("no connection to the database")]
    Connection(#[source] Arc<diesel::r2d2::PoolError>),
    /// A connection of our own could not be opened.
    #[error("no connection to the database")]
    Opening(#[source] Arc<diesel::ConnectionError>),
    /// A connection broke, or the disk did.
    #[error("the database failed")]
    Driver(#[source] Arc<Driver>),
    /// Others were writing for so long that this write never found the row unchanged.
    #[error("too many writers at once")]
    Contended,
    /// The time that a caller waits ran out.
    #[error("no answer in time")]
    Deadline,
    /// A commit was sent, or about to be, when the connection broke or the time ran out: it may have happened.
    #[error("the database did not answer: it is not known whether this was done")]
    Unanswered(#[source] Option<Arc<Driver>>),
    /// The program is shutting down.
    #[error("the database is closing")]
    Closing,
}

/// The name of an index or constraint, spelled alike on both databases.
///
/// SQLite names the columns of a unique index, not the index, so the common spelling is made of
/// the table and its columns: `tickets_account_id`. An index that is to be recognised has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint(Box<str>);

impl Constraint {
    /// Its common spelling.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether this is the constraint of that name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        &*self.0 == name
    }

    fn of(info: &dyn DatabaseErrorInformation) -> Self {
        // PostgreSQL names the constraint, or table and column; SQLite has its message only.
        if let Some(name) = info.constraint_name() {
            return Self(name.strip_suffix("_key").unwrap_or(name).into());
        }
        if let (Some(table), Some(column)) = (info.table_name(), info.column_name()) {
            return Self(format!("{table}_{column}").into());
        }
        Self::of_sqlite(info.message())
    }

    /// `UNIQUE constraint failed: t.a, t.b`, `… failed: index 'name'`, `CHECK constraint failed: name`.
    fn of_sqlite(message: &str) -> Self {
        let said = message.split_once("constraint failed: ").map_or("", |(_, said)| said);
        if let Some(index) = said.strip_prefix("index '") {
            return Self(index.trim_end_matches('\'').into());
        }
        let table = said.split_once('.').map_or("", |(table, _)| table);
        let columns: Vec<_> =
            said.split(", ").filter_map(|column| column.strip_prefix(table)?.strip_prefix('.')).collect();
        if table.is_empty() || columns.is_empty() {
            return Self(said.into());
        }
        Self(format!("{table}_{}", columns.join("_")).into())
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error that may hold one of the database, so that a write knows what to try again.
pub trait AsDbError {
    /// The database's error, if this is one.
    fn db_error(&self) -> Option<&Error>;
}

impl AsDbError for Error {
    fn db_error(&self) -> Option<&Error> {
        Some(self)
    }
}

impl Error {
    /// Whether the same work may succeed when it reads again.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Stale)
    }

    /// What a server said of a fault of no known kind: nothing but its words tells a dead-lock or a time-out from a fault.
    pub(super) fn unread(&self) -> Option<&Driver> {
        match self {
            Self::Other(driver @ Driver::DatabaseError(DatabaseErrorKind::Unknown, _)) => Some(driver),
            _ => None,
        }
    }

    /// Whether nothing can be stored: the disk is full, or may only be read.
    pub(super) fn is_of_storage(&self) -> bool {
        let Self::Unavailable(Outage::Driver(driver)) = self else { return false };
        match &**driver {
            Driver::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => true,
            Driver::DatabaseError(_, info) => says(&**info, &STORAGE),
            _ => false,
        }
    }
}

/// What the drivers say, in words only, when the fault is not in the statement: nothing can be stored. SQLite says it in
/// English; PostgreSQL in its own language, so its connections ask for English: see [`super::surroundings`].
const STORAGE: [&str; 10] = [
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "database disk image is malformed",
    "file is not a database",
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Input/output error",
];

/// The same where it may do the next moment.
const BUSY: [&str; 7] = [
    "database is locked",
    "database table is locked",
    "locking protocol",
    "canceling statement due to",
    "terminating connection",
    "server closed the connection",
    "out of memory",
];

fn says(info: &dyn DatabaseErrorInformation, words: &[&str]) -> bool {
    words.iter().any(|said| info.message().contains(said))
}

impl From<Driver> for Error {
    fn from(error: Driver) -> Self {
        use DatabaseErrorKind as Kind;
        match error {
            Driver::NotFound => Self::NotFound,
            Driver::BrokenTransactionManager | Driver::RollbackErrorOnCommit { .. } => {
                Self::Unavailable(Outage::Driver(Arc::new(error)))
            }
            Driver::DatabaseError(kind, ref info) => match kind {
                Kind::UniqueViolation => Self::Unique(Constraint::of(&**info)),
                Kind::CheckViolation | Kind::NotNullViolation | Kind::ExclusionViolation => {
                    Self::Check(Constraint::of(&**info))
                }
                Kind::ForeignKeyViolation | Kind::RestrictViolation => Self::ForeignKey,
                Kind::SerializationFailure => Self::Stale,
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction => {
                    Self::Unavailable(Outage::Driver(Arc::new(error)))
                }
                _ if info.message() == "deadlock detected" => Self::Stale,
                _ if says(&**info, &STORAGE) || says(&**info, &BUSY) => {
                    Self::Unavailable(Outage::Driver(Arc::new(error)))
                }
                _ => Self::Other(error),
            },
            other => Self::Other(other),
        }
    }
}

/// What a commit that failed means: where the connection broke nobody knows. What cannot be stored was not.
pub(super) fn of_commit(error: Driver) -> Error {
    match Error::from(error) {
        error if error.is_of_storage() => error,
        Error::Unavailable(Outage::Driver(driver)) => Outage::Unanswered(Some(driver)).into(),
        other => other,
    }
}

impl From<Outage> for Error {
    fn from(outage: Outage) -> Self {
        Self::Unavailable(outage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_s_messages_become_names() {
        for (message, name) in [
            ("UNIQUE constraint failed: tickets.account_id", "tickets_account_id"),
            ("UNIQUE constraint failed: keys.account_id, keys.origin", "keys_account_id_origin"),
            ("UNIQUE constraint failed: index 'accounts_lower_email'", "accounts_lower_email"),
            ("CHECK constraint failed: tickets_state", "tickets_state"),
            ("NOT NULL constraint failed: tickets.state", "tickets_state"),
            ("something else", ""),
        ] {
            assert_eq!(Constraint::of_sqlite(message).name(), name, "{message}");
        }
    }
}
