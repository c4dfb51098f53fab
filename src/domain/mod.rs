//! What Rekey knows, without the means: states, policy, codes, letters, events.
//!
//! Everything here is pure: no IO, no async, no clock, no generator, no wire format.
//! Time and randomness come in as parameters.

pub mod account;
pub mod actor;
pub mod address;
pub mod advice;
pub mod apps;
pub mod authenticator;
pub mod diagnosis;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod letter;
pub mod lockout;
pub mod phone;
pub mod policy;
pub mod proof;
pub mod rejection;
pub mod risk;
pub mod service_level;
pub mod shared_secret;
pub mod sign_in;
pub mod text;
pub mod ticket;
pub mod totp;
pub(crate) mod words;
pub mod zone;

/// A moment in UTC, in whole seconds.
pub type Time = chrono::NaiveDateTime;
