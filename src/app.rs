//! The program put together: configuration in, everything that a workflow needs out.
//!
//! The rule to keep: what could lose data or let a key out is refused here, before anything listens, with words that
//! say what to do.

use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::{Config, KeySource, MailTransport};
use crate::crypto::{Crypto, KeyRing, RingError};
use crate::db::{self, Db, MigrateError, OpenError, facts};
use crate::domain::Time;
use crate::error::Error;
use crate::mail::{MailError, MailSettings, Mailer, Timeouts};
use crate::workflow::key_ring::{self, Known};
use crate::workflow::readiness::Heartbeat;
use crate::workflow::sign_rows::{self, Need, SignError};
use crate::workflow::{Context, checkpoints_file, staff};

/// The fact that names the ring with which a database's secrets are sealed.
pub const RING: &str = facts::KEY_RING;
/// What is said where the policy wants two people and there are not two.
pub const TOO_FEW: &str = "the policy wants two people to approve privileged tickets, and the staff has no two who \
     could: add an agent and an approver with `rekey staff add`";

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The schema is another program's.
    #[error("the database lacks {0}: run `rekey migrate` first")]
    Behind(String),
    /// The database again.
    #[error("the database failed")]
    Database(#[from] db::Error),
    /// The key ring.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The ring opens nothing of this database.
    #[error(
        "the key ring is not the one that this database's secrets are sealed with ({found} instead of {wanted}): \
         restore the key ring that belongs to it, or name it in keys.file"
    )]
    AnotherRing {
        /// The ring that is there.
        found: String,
        /// The ring that the database remembers.
        wanted: String,
    },
    /// The ring is there, and opens nothing.
    #[error(
        "the key ring cannot be used, and secrets are sealed with it: restore it from the backup of the keys"
    )]
    BrokenRing(#[source] RingError),
    /// There are rows of a former schema.
    #[error(
        "the rows of this database are not signed yet: run `rekey migrate`, with the key ring, while nothing serves"
    )]
    Unsigned,
    /// The rows of a former schema cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// A workflow at start.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Builds everything from the settings, with the system's clock.
///
/// # Errors
/// [`StartError`].
pub async fn build(config: Config) -> Result<Context, StartError> {
    build_at(config, Clock::system()).await
}

/// The same with another clock, for tests.
///
/// # Errors
/// [`StartError`].
pub async fn build_at(config: Config, clock: Clock) -> Result<Context, StartError> {
    let mailer = mailer(&config)?;
    build_with(config, clock, mailer).await
}

/// The same with another way out for letters too, for the demo.
///
/// # Errors
/// [`StartError`].
pub async fn build_with(config: Config, clock: Clock, mailer: Mailer) -> Result<Context, StartError> {
    let ctx = assemble(config, clock, mailer).await?;
    match sign_rows::need(&ctx).await? {
        Need::Nothing => {}
        Need::Sign if !ctx.db.is_embedded() => return Err(StartError::Unsigned),
        Need::Mark | Need::Sign => drop(sign_rows::sign(&ctx).await?),
    }
    Ok(ctx)
}

/// Signs the rows of a former schema, where there are any and nobody has. Returns how many, where it was done.
///
/// # Errors
/// [`StartError`].
pub async fn sign_rows(config: Config) -> Result<Option<u64>, StartError> {
    let mailer = mailer(&config)?;
    let ctx = assemble(config, Clock::system(), mailer).await?;
    match sign_rows::need(&ctx).await? {
        Need::Nothing | Need::Mark => Ok(None),
        Need::Sign => Ok(Some(sign_rows::sign(&ctx).await?)),
    }
}

async fn assemble(config: Config, clock: Clock, mailer: Mailer) -> Result<Context, StartError> {
    let db = open_database(&config)?;
    if db.is_embedded() {
        db.migrate().await?;
    } else {
        let pending = db.pending().await?;
        if !pending.is_empty() {
            return Err(StartError::Behind(pending.join(", ")));
        }
    }
    let sealed = db.read(facts::has_sealed_data).await?;
    let ring = load_ring(&config.keys.source, sealed, clock.now()).map_err(|error| match error {
        RingError::Malformed { .. } | RingError::Empty | RingError::File { .. } if sealed => {
            StartError::BrokenRing(error)
        }
        other => other.into(),
    })?;
    settle_ring(&db, &ring).await?;
    let crypto = match &config.keys.source {
        KeySource::File(path) => Crypto::of_file(ring, path.clone()),
        KeySource::Ring(_) => Crypto::new(ring),
    };
    db.sign_rows_with(crypto.row_key());
    let ctx = Context {
        crypto,
        policy: Arc::new(config.policy.to_policy(&config.desk)),
        config: Arc::new(config),
        wake: Arc::new(Notify::new()),
        heartbeat: Heartbeat::default(),
        once: None,
        clock,
        db,
        mailer,
    };
    key_ring::announce(&ctx).await?;
    Ok(ctx)
}

/// Opens the database as the settings have it.
///
/// # Errors
/// See [`OpenError`].
pub fn open_database(config: &Config) -> Result<Db, OpenError> {
    let connections = config.database.connections;
    Db::open(&db::DatabaseSettings { url: config.database.url.clone(), readers: connections, connections })
}

/// The mailer as the settings have it.
///
/// # Errors
/// See [`MailError`].
pub fn mailer(config: &Config) -> Result<Mailer, MailError> {
    let mail = &config.mail;
    let (transport, url, folder) = match &mail.transport {
        MailTransport::Smtp(url) => ("smtp", Some(url.clone()), None),
        MailTransport::Folder(folder) => ("folder", None, Some(folder.clone())),
    };
    Mailer::from_config(&MailSettings {
        transport: transport.to_owned(),
        url,
        password: None,
        folder,
        hello: domain_of(&mail.from.address).to_owned(),
        ca_file: mail.ca_file.clone(),
        connections: usize::try_from(mail.connections).unwrap_or(1),
        timeouts: Timeouts::default(),
    })
}

/// The part of an address behind the `@`.
#[must_use]
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

fn load_ring(source: &KeySource, sealed: bool, now: Time) -> Result<KeyRing, RingError> {
    match source {
        KeySource::File(path) => KeyRing::load_or_create(path, sealed, now),
        KeySource::Ring(text) => KeyRing::parse(text.expose_secret()),
    }
}

/// The first ring that a database meets is its ring for good.
async fn settle_ring(db: &Db, ring: &KeyRing) -> Result<(), StartError> {
    let found = ring.ring_id();
    let id = found.clone();
    // Writing at every start would need a writer where reading will do.
    let known = match db.read(|conn| facts::find(conn, RING)).await? {
        Some(known) => known,
        None => db.write(move |conn| facts::settle(conn, RING, &id)).await?,
    };
    if known == found { Ok(()) } else { Err(StartError::AnotherRing { found, wanted: known }) }
}

/// What the operator should know at start, in sentences.
///
/// # Errors
/// Of the database alone.
pub async fn warnings(ctx: &Context) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let known = ctx.db.read(Known::load).await?;
    warnings.extend(known.fault(&ctx.crypto).map(|fault| fault.to_string()));
    if staff::lacks_second_approver(ctx).await? {
        warnings.push(TOO_FEW.to_owned());
    }
    if matches!(ctx.config.mail.transport, MailTransport::Folder(_)) {
        warnings.push("letters are written into a folder, not sent: set mail.transport to smtp".to_owned());
    }
    let checkpoints = &ctx.config.keys.checkpoints_file;
    if let Err(error) = checkpoints_file::open(checkpoints) {
        warnings.push(format!(
            "the end of the audit log cannot be signed in {}: {error}: make its folder one that this program may write",
            checkpoints.display()
        ));
    }
    warnings.extend(ctx.db.warnings(ctx.now()));
    Ok(warnings)
}
