//! Configuration: built-in defaults, then a file, then the environment, read once at start.
//!
//! Everything unknown or unsound is refused, all of it at once, and no secret is ever repeated. A key exists only
//! if `config/default.toml` has it, with a comment.

mod basics;
mod desk;
mod fault;
mod http;
pub(crate) mod layers;
mod mail;
mod network;
mod policy;
mod reading;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

pub use basics::{
    AppSettings, DatabaseSettings, KeySettings, KeySource, LimitSettings, LogFormat, LogSettings,
    SessionSettings,
};
pub use desk::{CannedReply, DeskSettings};
pub use fault::{Fault, Faults};
pub use http::HttpSettings;
pub use layers::DEFAULTS;
use layers::Layers;
pub use mail::{MailSettings, MailTransport, Mailbox};
pub use network::Network;
pub use policy::{PolicySettings, TierSettings};
use zeroize::Zeroizing;

/// Every setting, sound. It has no `Debug`: some of it is secret.
#[derive(Clone)]
pub struct Config {
    /// Listeners and the public URL.
    pub http: HttpSettings,
    /// The application that people sign in to.
    pub app: AppSettings,
    /// Which database.
    pub database: DatabaseSettings,
    /// How letters leave.
    pub mail: MailSettings,
    /// Key ring and checkpoints.
    pub keys: KeySettings,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Lifetimes of sessions.
    pub sessions: SessionSettings,
    /// What outsiders may cause.
    pub limits: LimitSettings,
    /// What a reset needs.
    pub policy: PolicySettings,
    /// When the desk is open.
    pub desk: DeskSettings,
}

impl Config {
    /// Lays the file, if one is named, and the variables over the defaults.
    ///
    /// # Errors
    /// All faults of all layers; the program must not start with any.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Faults> {
        let mut layers = Layers::of_defaults();
        if let Some(path) = file {
            let name = path.display().to_string();
            match std::fs::read_to_string(path).map(Zeroizing::new) {
                Ok(text) => layers.lay_file(&text, &name),
                Err(error) => layers.fault(&name, format!("cannot be read ({})", error.kind()), ""),
            }
        }
        layers.lay_environment(environment);
        Self::read(layers)
    }

    pub(crate) fn read(mut layers: Layers) -> Result<Self, Faults> {
        let config = Self {
            http: HttpSettings::read(&mut layers),
            app: AppSettings::read(&mut layers),
            database: DatabaseSettings::read(&mut layers),
            mail: MailSettings::read(&mut layers),
            keys: KeySettings::read(&mut layers),
            log: LogSettings::read(&mut layers),
            sessions: SessionSettings::read(&mut layers),
            limits: LimitSettings::read(&mut layers),
            policy: PolicySettings::read(&mut layers),
            desk: DeskSettings::read(&mut layers),
        };
        if layers.faults.is_empty() { Ok(config) } else { Err(Faults(layers.faults)) }
    }
}
