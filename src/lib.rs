//! Rekey, the desk for lost second factors.

pub mod clock;
pub mod crypto;
pub mod db;
pub mod domain;
