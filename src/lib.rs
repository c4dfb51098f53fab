//! Rekey, the desk for lost second factors.
//!
//! A person files a ticket, staff establish who they are, a new key goes out by mail, and lives once it is proven.

/// The only place that reads the clock.
pub mod clock;
pub mod crypto;
pub mod db;
/// What hosts say of the people signed in there.
pub mod directory;
/// What Rekey knows, without the means.
pub mod domain;
/// All SMTP, and what letters look like.
pub mod mail;
/// Logs, panics, metrics.
pub mod telemetry;
