//! Rekey, the desk for lost second factors.
//!
//! A person files a ticket, staff establish who they are, a new key goes out by mail, and lives once it is proven.

/// The only place that reads the clock.
pub mod clock;
/// Settings: the built-in ones, a file, the environment.
pub mod config;
/// Keys, seals, digests, tokens, passwords: the only place that meets the generator.
pub mod crypto;
/// All SQL, for SQLite and PostgreSQL.
pub mod db;
/// What hosts say of the people signed in there.
pub mod directory;
/// What Rekey knows, without the means.
pub mod domain;
/// All SMTP, and what letters look like.
pub mod mail;
/// Logs, panics, metrics.
pub mod telemetry;
