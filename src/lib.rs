//! Rekey, the desk for lost second factors.

pub mod directory;
pub mod domain;
