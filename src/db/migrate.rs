//! Migrations: the steps from an empty database to the schema of this program.
//!
//! The rule: they are counted and applied under a lock, so that replicas may start at once.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::address::Address;
use super::backup::{BackupError, copy};
use super::conn::{Conn, Use, open};
use super::database::Db;
use super::file_mark::beside;
use super::surroundings::{self, Unfit};

pub(super) const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number that no other program uses for an advisory lock: "rekey" in ASCII. It ends with the transaction, so that a
/// pooler cannot keep it.
const LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
    SELECT pg_advisory_xact_lock(491327415673); SET LOCAL lock_timeout = '10s'";

/// Why the schema could not be looked at or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no connection.
    #[error("the database cannot be opened")]
    Connect(#[from] diesel::ConnectionError),
    /// There is one, to a server that cannot be used.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A statement around the migrations failed.
    #[error("the database cannot be locked for migration")]
    Lock(#[from] diesel::result::Error),
    /// A migration failed, and was rolled back with those before it.
    #[error("a migration failed")]
    Step(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The copy that is made before was not.
    #[error("the database cannot be copied before it is migrated, and was left as it is")]
    Copy(#[from] BackupError),
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
        on_own_connection(self.address().clone(), Steps::List).await
    }

    /// Whether the schema is the one of this program.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_current(&self) -> Result<bool, MigrateError> {
        Ok(self.pending().await?.is_empty())
    }

    /// Whether as much is pending as there is: nothing of ours was ever made there.
    #[must_use]
    pub fn lacks_all(&self, pending: &[String]) -> bool {
        let all = if self.is_embedded() {
            MigrationSource::<Sqlite>::migrations(&SQLITE).map(|all| all.len())
        } else {
            MigrationSource::<Pg>::migrations(&POSTGRES).map(|all| all.len())
        };
        all.is_ok_and(|all| all == pending.len())
    }

    /// Applies what is pending, and returns the names of it.
    ///
    /// # Errors
    /// The database does not answer, or a migration failed.
    pub async fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        on_own_connection(self.address().clone(), Steps::Apply).await
    }

    /// The same where the file is a copy already, and is not copied before.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_copy(&self) -> Result<Vec<String>, MigrateError> {
        on_own_connection(self.address().clone(), Steps::ApplyToCopy).await
    }
}

/// What is done about pending steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Steps {
    List,
    Apply,
    ApplyToCopy,
}

async fn on_own_connection(address: Address, steps: Steps) -> Result<Vec<String>, MigrateError> {
    let work = move || {
        let apply = steps != Steps::List;
        if let Some(server) = address.server() {
            surroundings::ask(server)??;
        }
        match open(&address, Use::Maintain)?.conn {
            Conn::Pg(mut conn) => postgres(&mut conn, POSTGRES, apply),
            Conn::Sqlite(mut conn) => {
                if steps == Steps::Apply {
                    keep_copy(&address, &mut conn)?;
                }
                sqlite(&mut conn, SQLITE, apply)
            }
        }
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(MigrateError::Interrupted))
}

/// Copies a file that a former version filled before the first step that it lacks, beside it and named after that
/// version: whoever goes back to the former program has its database.
fn keep_copy(address: &Address, conn: &mut SqliteConnection) -> Result<(), MigrateError> {
    let Address::Sqlite(path) = address else { return Ok(()) };
    let applied = conn.applied_migrations().map_err(MigrateError::Step)?;
    // Newest first.
    let Some(version) = applied.first().filter(|_| conn.has_pending_migration(SQLITE).unwrap_or(false))
    else {
        return Ok(());
    };
    for number in 1_u32.. {
        let end =
            if number == 1 { format!(".before-{version}") } else { format!(".before-{version}.{number}") };
        let to = beside(path, &end);
        match copy(address, &to) {
            Err(BackupError::Exists(_)) => {}
            copied => {
                copied?;
                tracing::info!(file = %to.display(), "the database was copied before it is migrated");
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(super) fn postgres(
    conn: &mut PgConnection,
    source: impl MigrationSource<Pg>,
    apply: bool,
) -> Result<Vec<String>, MigrateError> {
    conn.transaction(|conn| {
        // Whoever holds a table for longer would, with a migration queued behind, stop everybody.
        conn.batch_execute(LOCK)?;
        let steps = conn.pending_migrations(source).map_err(MigrateError::Step)?;
        if apply {
            conn.run_migrations(&steps).map_err(MigrateError::Step)?;
        }
        Ok(names(&steps))
    })
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
