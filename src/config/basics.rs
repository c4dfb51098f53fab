//! The short sections: application, database, keys, log, sessions, limits.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;

use super::fault::shown;
use super::layers::Layers;
use super::reading::Complaint;

/// The section `app`: the application that people sign in to.
#[derive(Debug, Clone)]
pub struct AppSettings {
    /// Its name in pages and letters.
    pub name: String,
    /// Its name in authenticator apps; without a colon, which would end it there.
    pub issuer: String,
    /// How to reach a person at the desk.
    pub contact: String,
}

impl AppSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let name = layers.line("app.name", 60);
        let given = layers.text("app.issuer");
        let issuer = if given.is_empty() { name.clone() } else { layers.line("app.issuer", 60) };
        if issuer.contains(':') {
            let key = if given.is_empty() { "app.name" } else { "app.issuer" };
            layers.fault(key, "has a colon, which authenticator apps cut at", "leave it out of app.issuer");
        }
        Self { name, issuer, contact: layers.line("app.contact", 200) }
    }
}

/// The section `database`.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://…`.
    pub url: SecretString,
    /// Connections at most.
    pub connections: u32,
}

impl DatabaseSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let url = layers.secret("database.url").unwrap_or_default();
        let verdict = database_url(url.expose_secret());
        let url = layers.kept("database.url", verdict).unwrap_or_default();
        Self { url, connections: layers.number("database.connections", 1..=200) }
    }
}

/// Checks what the drivers do not: which database it is, and that something follows.
fn database_url(text: &str) -> Result<SecretString, Complaint> {
    const HINT: &str = "write sqlite://PATH or postgres://USER@HOST/NAME";
    let (scheme, rest) = text.split_once("://").ok_or_else(|| ("is no URL".to_owned(), HINT))?;
    if rest.is_empty() || rest.chars().any(char::is_control) {
        return Err(("says nothing of where the database is".to_owned(), HINT));
    }
    match scheme {
        "sqlite" | "postgres" => Ok(text.into()),
        "postgresql" => Ok(format!("postgres://{rest}").into()),
        _ => Err(("has a scheme other than sqlite and postgres".to_owned(), HINT)),
    }
}

/// Where the key ring comes from.
#[derive(Clone)]
pub enum KeySource {
    /// A file, made at first start.
    File(PathBuf),
    /// The ring itself, from the environment.
    Ring(SecretString),
}

/// The section `keys`.
#[derive(Clone)]
pub struct KeySettings {
    /// The key ring.
    pub source: KeySource,
    /// Where signed checkpoints of the audit log are appended.
    pub checkpoints_file: PathBuf,
}

impl KeySettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let source = match layers.secret("keys.ring") {
            Some(ring) => KeySource::Ring(ring),
            None => KeySource::File(layers.needed_path("keys.file")),
        };
        Self { source, checkpoints_file: layers.needed_path("keys.checkpoints_file") }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The section `log`.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// A filter as `tracing` reads it; it has been parsed once.
    pub level: String,
    /// How a line is written.
    pub format: LogFormat,
}

impl LogSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let level = layers.parsed("log.level", |text| {
            const HINT: &str =
                "error, warn, info, debug or trace, or by module such as info,rekey::worker=debug";
            match EnvFilter::builder().parse(text) {
                Ok(_) if !text.is_empty() => Ok(text.to_owned()),
                _ => Err((format!("{} is no log filter", shown(text)), HINT)),
            }
        });
        let format = layers.word("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
        Self { level: level.unwrap_or_default(), format: format.unwrap_or(LogFormat::Text) }
    }
}

/// The section `sessions`: of the staff, and of owners at the account pages.
#[derive(Debug, Clone, Copy)]
pub struct SessionSettings {
    /// Hours from sign-in to the end.
    pub hours: u32,
    /// Minutes without a request to the end.
    pub idle_minutes: u32,
    /// Minutes that a fresh code is good for.
    pub step_up_minutes: u32,
}

impl SessionSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            hours: layers.number("sessions.hours", 1..=24),
            idle_minutes: layers.number("sessions.idle_minutes", 1..=60),
            step_up_minutes: layers.number("sessions.step_up_minutes", 1..=15),
        }
    }
}

/// The section `limits`.
#[derive(Debug, Clone, Copy)]
pub struct LimitSettings {
    /// Emails with a code that an address gets within a day because of unconfirmed requests.
    pub letters_per_day: u32,
    /// Tickets that one network opens in an hour.
    pub tickets_per_hour: u32,
}

impl LimitSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            letters_per_day: layers.number("limits.letters_per_day", 1..=100),
            tickets_per_hour: layers.number("limits.tickets_per_hour", 1..=1_000_000),
        }
    }
}
