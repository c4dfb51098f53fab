//! Hosts, the applications that people sign in to, and what they attest about their people.
//!
//! One file for each kind of host or identity provider. The rule to keep: what a host says is believed
//! about its own people only, and only as far as its registered key signed it.

pub mod assertion;
pub mod host_keys;
mod jwt_provider;
