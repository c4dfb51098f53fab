//! Rekey, the desk for lost second factors.

pub mod config;
pub mod domain;
pub mod telemetry;
