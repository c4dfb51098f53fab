//! Migrations: the steps from an empty database to the schema of this program.
//!
//! The rule: they are counted and applied under a lock, so that replicas may start at once.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::address::Address;
use super::conn::{Conn, Use, open};
use super::database::Db;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number that no other program uses for an advisory lock: "rekey" in ASCII.
const LOCK: &str = "SELECT pg_advisory_lock(491327415673)";

/// Why the schema could not be looked at or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no connection.
    #[error("the database cannot be opened")]
    Connect(#[from] diesel::ConnectionError),
    /// A statement around the migrations failed.
    #[error("the database cannot be locked for migration")]
    Lock(#[from] diesel::result::Error),
    /// A migration failed and was rolled back; those before it stay.
    #[error("a migration failed")]
    Step(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The program was stopped meanwhile.
    #[error("the migration was interrupted")]
    Interrupted,
}

impl Db {
    /// The names of the migrations that this database lacks, in order.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn pending(&self) -> Result<Vec<String>, MigrateError> {
        on_own_connection(self.address().clone(), false).await
    }

    /// Whether the schema is the one of this program.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_current(&self) -> Result<bool, MigrateError> {
        Ok(self.pending().await?.is_empty())
    }

    /// Applies what is pending, and returns the names of it.
    ///
    /// # Errors
    /// The database does not answer, or a migration failed.
    pub async fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        on_own_connection(self.address().clone(), true).await
    }
}

async fn on_own_connection(address: Address, apply: bool) -> Result<Vec<String>, MigrateError> {
    let work = move || {
        // The lock goes with the connection, however this ends.
        match open(&address, Use::Maintain)? {
            Conn::Pg(mut conn) => postgres(&mut conn, POSTGRES, apply),
            Conn::Sqlite(mut conn) => sqlite(&mut conn, SQLITE, apply),
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(MigrateError::Interrupted))
}

pub(super) fn postgres(
    conn: &mut PgConnection,
    source: impl MigrationSource<Pg>,
    apply: bool,
) -> Result<Vec<String>, MigrateError> {
    conn.batch_execute(LOCK)?;
    // Whoever holds a table for longer would, with a migration queued behind, stop everybody.
    conn.batch_execute("SET lock_timeout = '10s'")?;
    let steps = conn.pending_migrations(source).map_err(MigrateError::Step)?;
    if apply {
        conn.run_migrations(&steps).map_err(MigrateError::Step)?;
    }
    Ok(names(&steps))
}

pub(super) fn sqlite(
    conn: &mut SqliteConnection,
    source: impl MigrationSource<Sqlite>,
    apply: bool,
) -> Result<Vec<String>, MigrateError> {
    conn.immediate_transaction(|conn| {
        // A migration may build a table anew; references are checked when all is in place.
        conn.batch_execute("PRAGMA defer_foreign_keys = ON")?;
        let steps = conn.pending_migrations(source).map_err(MigrateError::Step)?;
        if apply {
            conn.run_migrations(&steps).map_err(MigrateError::Step)?;
        }
        Ok(names(&steps))
    })
}

fn names<DB: diesel::backend::Backend>(steps: &[Box<dyn Migration<DB>>]) -> Vec<String> {
    steps.iter().map(|step| step.name().to_string()).collect()
}
