//! The database: one code for SQLite and PostgreSQL, chosen by the URL.
//!
//! The rule: all SQL lives here, and what changes anything goes through [`Db::write`]: one
//! transaction, answered only after its commit. Backends are named in `conn`, `transaction`,
//! `writer`, `migrate`, `surroundings`, `backup`, `file_mark` and `file_restore`, and nowhere else.

pub mod account_addresses;
mod account_locks;
pub mod account_sessions;
pub mod accounts;
mod address;
mod apply;
pub mod audit;
pub mod audit_compare;
pub mod authenticators;
mod backup;
pub mod challenges;
pub mod clients;
mod conn;
mod crash_point;
mod database;
pub mod delivery;
pub mod dropped;
mod error;
pub mod facts;
mod file_mark;
mod file_restore;
pub mod idempotency;
mod letter_row;
pub mod letters;
mod local_password;
pub mod looking;
mod messages;
mod migrate;
pub mod overview;
pub mod ownership;
pub mod parts;
pub mod password_guesses;
pub mod payload;
mod pool;
pub mod recovery_codes;
pub mod restored;
pub mod review;
pub mod ring_uses;
mod rows;
pub mod rows_all;
mod schema;
mod server_url;
pub mod sessions;
pub mod staff;
mod standing;
mod surroundings;
#[macro_use]
mod text;
pub mod throttles;
mod ticket_row;
pub mod tickets;
pub mod tokens;
mod transaction;
pub mod vouches;
mod watch;
mod writer;
mod writing;

#[cfg(test)]
pub(crate) mod tests;

pub use address::{DatabaseSettings, OpenError};
pub use apply::{apply, freeze_account, limit_tokens, tokens_end};
pub use backup::BackupError;
pub use conn::{Conn, Lock, MultiBackend};
pub use database::Db;
pub use error::{AsDbError, Constraint, Error, Outage};
pub use file_restore::{RestoreError, Restoring, require_alone};
pub use migrate::MigrateError;
pub use server_url::UrlFault;
pub use surroundings::Unfit;
pub use watch::Statements;

/// Whether a sealed value is under the primary key of the ring.
fn is_primary(crypto: &crate::crypto::Crypto, sealed: &[u8]) -> bool {
    crate::crypto::KeyId::of_sealed(sealed) == Some(crypto.primary_key_id())
}
