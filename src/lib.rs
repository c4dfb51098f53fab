//! Rekey, the desk for lost second factors.

pub mod domain;
