//! Rekey, the desk for lost second factors.
//!
//! A person files a ticket, staff establish who they are, a new key goes out by mail, and lives once it is proven.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod demo;
pub mod directory;
pub mod domain;
pub mod error;
pub mod http;
pub mod mail;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub mod serve;
pub mod telemetry;
pub mod worker;
pub mod workflow;
