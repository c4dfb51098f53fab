//! A backup takes the place of an SQLite database: checked, brought up to date beside it, and put in place at once.
//!
//! The rule: the database is replaced only while nobody has it open, and what was there is kept aside, its log included.
//! The new file has its name before the old log goes: were it interrupted between, the start would notice the log.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::result::Error::RollbackTransaction;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use rustix::process::{Flock, FlockType, fcntl_getlk};
use secrecy::SecretString;

use super::address::{Address, OpenError};
use super::conn::{Conn, Use, open};
use super::file_mark::{self, beside, sync_folder};
use super::migrate::SQLITE;

/// How long the connections of this program to the copy may take to close.
const CLOSING_TRIES: u32 = 100;
const CLOSING_PAUSE: Duration = Duration::from_millis(100);

/// Why a backup was not put in place. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// PostgreSQL has tools of its own.
    #[error(
        "a PostgreSQL database is restored with pg_restore into an empty database, and then `rekey restore --database`; \
         docs/operations.md has the steps"
    )]
    UsePgRestore,
    /// The URL of the database.
    #[error(transparent)]
    Address(#[from] OpenError),
    /// Another program has it open.
    #[error("the database is in use by process {0}: stop `rekey serve` and every other command first")]
    InUse(String),
    /// There is no such file.
    #[error("there is no file {0}")]
    Missing(PathBuf),
    /// It is the database that is to be replaced.
    #[error("{0} is the database itself: name the backup")]
    Same(PathBuf),
    /// It is no copy that `rekey backup` made.
    #[error("{0} is not a backup of a Rekey database: name a file that `rekey backup` wrote")]
    NotABackup(PathBuf),
    /// A log lies beside it.
    #[error(
        "{0} has a log beside it ({0}-wal), so that it is a database in use and not a backup: make one with `rekey backup`"
    )]
    HasLog(PathBuf),
    /// It is damaged.
    #[error("{0} is damaged ({1}): take another backup")]
    Damaged(PathBuf, String),
    /// It was made by a later version.
    #[error(
        "{0} was made by a later version of Rekey (it has migration {1}): install that version, then restore"
    )]
    Newer(PathBuf, String),
    /// The file system refused.
    #[error("{path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the database cannot be looked at, or the copy of the backup not be finished")]
    Finish(#[source] diesel::result::Error),
    /// SQLite cannot open it.
    #[error("the database, or the copy of the backup, cannot be opened")]
    Open(#[from] diesel::ConnectionError),
}

/// A copy of a backup beside the database, until it takes its place. Dropped before that, it is removed.
pub struct Restoring {
    live: PathBuf,
    part: PathBuf,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Integrity {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

impl Restoring {
    /// Copies `file` beside the database at `url`, and checks that it is a whole backup that this version can serve.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn begin(url: &SecretString, file: &Path) -> Result<Self, RestoreError> {
        let Address::Sqlite(live) = Address::parse(url)? else { return Err(RestoreError::UsePgRestore) };
        refuse_in_use(&live)?;
        let real = |path: &Path| std::fs::canonicalize(path);
        let of = real(file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => RestoreError::Missing(file.to_owned()),
            _ => failed(file)(error),
        })?;
        if real(&live).is_ok_and(|live| live == of) {
            return Err(RestoreError::Same(file.to_owned()));
        }
        if std::fs::metadata(beside(&of, "-wal")).is_ok_and(|log| log.len() > 0) {
            return Err(RestoreError::HasLog(file.to_owned()));
        }
        let part = beside(&live, &format!(".{}.restoring", std::process::id()));
        let restoring = Self { live, part };
        restoring.copy(&of)?;
        restoring.verify(file)?;
        Ok(restoring)
    }

    /// Where the copy is, to be opened as a database.
    #[must_use]
    pub fn url(&self) -> SecretString {
        format!("sqlite://{}", self.part.display()).into()
    }

    /// Puts the copy in place of the database, when nobody has it open any more. Returns where the former one is kept.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn publish(self, suffix: &str) -> Result<Option<PathBuf>, RestoreError> {
        self.finish()?;
        refuse_in_use(&self.live)?;
        let kept = self.keep_aside(suffix)?;
        std::fs::rename(&self.part, &self.live).map_err(failed(&self.live))?;
        for end in ["-wal", "-shm", "-journal"] {
            remove(&beside(&self.live, end))?;
        }
        sync_folder(&self.live).map_err(failed(&self.live))?;
        Ok(kept)
    }

    fn copy(&self, file: &Path) -> Result<(), RestoreError> {
        let mut from = File::open(file).map_err(failed(file))?;
        let mut to = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.part)
            .map_err(failed(&self.part))?;
        std::io::copy(&mut from, &mut to).map_err(failed(&self.part))?;
        to.sync_all().map_err(failed(&self.part))
    }

    fn verify(&self, named: &Path) -> Result<(), RestoreError> {
        let mut conn = self.connect()?;
        let words = |conn: &mut SqliteConnection, sql: &str| {
            diesel::sql_query(sql)
                .load::<Word>(conn)
                .map(|all| all.into_iter().map(|one| one.word).collect::<Vec<_>>())
        };
        let no = |_| RestoreError::NotABackup(named.to_owned());
        let applied = words(&mut conn, "SELECT version AS word FROM __diesel_schema_migrations ORDER BY 1")
            .map_err(no)?;
        words(&mut conn, "SELECT value AS word FROM facts WHERE name = 'key_ring'")
            .map_err(no)?
            .pop()
            .ok_or_else(|| RestoreError::NotABackup(named.to_owned()))?;
        let found = diesel::sql_query("PRAGMA integrity_check(1)").load::<Integrity>(&mut conn);
        let found = found.map_err(RestoreError::Finish)?.pop().map(|one| one.integrity_check);
        if found.as_deref() != Some("ok") {
            return Err(RestoreError::Damaged(named.to_owned(), found.unwrap_or_default()));
        }
        let steps = MigrationSource::<Sqlite>::migrations(&SQLITE).unwrap_or_default();
        let known: Vec<String> = steps.iter().map(|step| step.name().version().to_string()).collect();
        match applied.into_iter().find(|version| !known.contains(version)) {
            Some(version) => Err(RestoreError::Newer(named.to_owned(), version)),
            None => Ok(()),
        }
    }

    /// Everything is in the one file, under a mark of its own, and on the disk.
    fn finish(&self) -> Result<(), RestoreError> {
        let mut conn = self.connect()?;
        diesel::sql_query("PRAGMA busy_timeout = 10000").execute(&mut conn).map_err(RestoreError::Finish)?;
        file_mark::draw(&mut conn).map_err(RestoreError::Finish)?;
        // Refused at once while another connection is open; ours close when their threads end.
        let mut tries = 0;
        while let Err(error) = diesel::sql_query("PRAGMA journal_mode = DELETE").execute(&mut conn) {
            tries += 1;
            if tries > CLOSING_TRIES {
                return Err(RestoreError::Finish(error));
            }
            std::thread::sleep(CLOSING_PAUSE);
        }
        drop(conn);
        if beside(&self.part, "-wal").exists() {
            let busy = std::io::Error::from(ErrorKind::ResourceBusy);
            return Err(RestoreError::File { path: beside(&self.part, "-wal"), source: busy });
        }
        File::open(&self.part).and_then(|file| file.sync_all()).map_err(failed(&self.part))
    }

    fn connect(&self) -> Result<SqliteConnection, RestoreError> {
        let path = self.part.to_str().ok_or_else(|| RestoreError::NotABackup(self.part.clone()))?;
        Ok(SqliteConnection::establish(path)?)
    }

    /// The former database under another name, with its log, so that it opens as it was.
    fn keep_aside(&self, suffix: &str) -> Result<Option<PathBuf>, RestoreError> {
        if !self.live.exists() {
            return Ok(None);
        }
        let kept = beside(&self.live, &format!(".{suffix}"));
        for end in ["", "-wal"] {
            let (from, to) = (beside(&self.live, end), beside(&kept, end));
            match std::fs::hard_link(&from, &to) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                linked => linked.map_err(failed(&to))?,
            }
        }
        Ok(Some(kept))
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal", "-mark"] {
            // After it was put in place there is nothing to remove.
            let _ = std::fs::remove_file(beside(&self.part, end));
        }
    }
}

/// Refuses a database that another program of ours has open. Before this program has: on SQLite to look is to give up
/// one's own locks.
///
/// # Errors
/// `InUse`, or of the database.
pub async fn require_alone(url: &SecretString) -> Result<(), RestoreError> {
    let address = Address::parse(url)?;
    let look = move || match &address {
        Address::Sqlite(path) => refuse_in_use(path),
        Address::Postgres(_) => refuse_connected(open(&address, Use::Maintain)?.conn),
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|_| Err(RestoreError::Finish(RollbackTransaction)))
}

fn refuse_connected(conn: Conn) -> Result<(), RestoreError> {
    let Conn::Pg(mut conn) = conn else { return Ok(()) };
    let others = "SELECT CAST(pid AS TEXT) AS word FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'rekey' AND pid <> pg_backend_pid() LIMIT 1";
    match diesel::sql_query(others).load::<Word>(&mut conn).map_err(RestoreError::Finish)?.pop() {
        Some(other) => Err(RestoreError::InUse(other.word)),
        None => Ok(()),
    }
}

/// Each connection holds a lock on the file or its index for as long as it is open.
fn refuse_in_use(live: &Path) -> Result<(), RestoreError> {
    for path in [live.to_owned(), beside(live, "-shm")] {
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened.map_err(failed(&path))?,
        };
        let held = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock));
        if let Some(lock) = held.map_err(|error| failed(&path)(error.into()))? {
            let pid = lock.pid.map_or_else(|| "unknown".to_owned(), |pid| pid.as_raw_nonzero().to_string());
            return Err(RestoreError::InUse(pid));
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), RestoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed(path)),
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> RestoreError + use<> {
    let path = path.to_owned();
    move |source| RestoreError::File { path, source }
}
