//! The database: one code for SQLite and PostgreSQL, chosen by the URL.
//!
//! The rule: all SQL lives here, and what changes anything goes through [`Db::write`]: one
//! transaction, answered only after its commit. Backends are named in `conn`, `transaction`,
//! `writer`, `migrate` and `backup`, and nowhere else.

mod address;
mod backup;
mod conn;
mod database;
mod error;
mod migrate;
mod pool;
#[macro_use]
mod text;
mod transaction;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

pub use address::{DatabaseSettings, OpenError};
pub use backup::BackupError;
pub use conn::{Conn, MultiBackend};
pub use database::Db;
pub use error::{AsDbError, Constraint, Error, Outage};
pub use migrate::MigrateError;
