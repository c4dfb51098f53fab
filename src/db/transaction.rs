//! Transactions: how they begin on each database, and how they always end.
//!
//! The rule: whatever the work does (fail, panic, leave savepoints open), the connection comes
//! back as deep in transactions as it was, or is known to be broken.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::QueryResult;
use diesel::connection::{
    AnsiTransactionManager, SimpleConnection, TransactionDepthChange, TransactionManager,
    TransactionManagerStatus,
};
use diesel::result::Error as DieselError;

use super::conn::{Conn, on_both};
use super::error::Error;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One unchanging view of everything.
    Read,
    /// A change. On PostgreSQL, locks on accounts and compare-and-swap decide between writers; on SQLite there is one.
    Write,
}

/// Begins one, with the settings that it needs of its own: see [`super::conn::Link`].
pub(super) fn begin(conn: &mut Conn, mode: Mode, settings: &str) -> QueryResult<()> {
    let sql = match (&*conn, mode) {
        (Conn::Pg(_), Mode::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        (Conn::Pg(_), Mode::Write) => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        (Conn::Sqlite(_), Mode::Read) => "BEGIN DEFERRED",
        // A deferred one that reads and then writes fails at once when another has written.
        (Conn::Sqlite(_), Mode::Write) => "BEGIN IMMEDIATE",
    };
    let sql = if settings.is_empty() { Cow::Borrowed(sql) } else { Cow::Owned(format!("{sql};{settings}")) };
    on_both!(conn, c => AnsiTransactionManager::begin_transaction_sql(c, &sql))
}

/// Opens a savepoint when a transaction is open already.
pub(super) fn begin_savepoint(conn: &mut Conn) -> QueryResult<()> {
    Conn::begin_transaction(conn)
}

/// Commits, or fails. Where the work went on after a violation, PostgreSQL would answer COMMIT with
/// a rollback and no error; any statement before it brings that to light, on the same journey.
pub(super) fn commit(conn: &mut Conn) -> QueryResult<()> {
    let Conn::Pg(conn) = conn else { return Conn::commit_transaction(conn) };
    conn.batch_execute("SELECT 1; COMMIT")?;
    let TransactionManagerStatus::Valid(status) =
        AnsiTransactionManager::transaction_manager_status_mut(conn)
    else {
        return Err(DieselError::BrokenTransactionManager);
    };
    match status.change_transaction_depth(TransactionDepthChange::DecreaseDepth) {
        // The driver has seen that it is over.
        Err(DieselError::NotInTransaction) => Ok(()),
        done => done,
    }
}

pub(super) fn rollback(conn: &mut Conn) -> QueryResult<()> {
    Conn::rollback_transaction(conn)
}

/// Does the work; a panic becomes an error, and savepoints that it left open are rolled back.
pub(super) fn guarded<T, E: From<Error>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let depth = depth(conn)?;
    // Nothing of the work is looked at again after a panic but the connection, which is put right.
    if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| work(conn))) {
        return outcome;
    }
    while self::depth(conn)? > depth {
        rollback(conn).map_err(Error::from)?;
    }
    Err(Error::Panicked.into())
}

fn depth(conn: &mut Conn) -> Result<u32, Error> {
    let depth = Conn::transaction_manager_status_mut(conn).transaction_depth()?;
    Ok(depth.map_or(0, std::num::NonZeroU32::get))
}
