//! A copy of the database while it is in use.
//!
//! The rule: the final name appears only when the copy is complete and on the disk, and never
//! in place of another file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use super::address::Address;
use super::conn::{Use, open};
use super::database::Db;
use super::file_mark;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has tools of its own.
    #[error("a PostgreSQL database is backed up with pg_dump")]
    UsePgDump,
    /// Something of that name exists, and is left alone.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// A name must be UTF-8 for SQLite.
    #[error("{0} is not a name that SQLite can use")]
    Name(PathBuf),
    /// The file system refused.
    #[error("the backup file cannot be written")]
    File(#[from] std::io::Error),
    /// There is no connection.
    #[error("the database cannot be opened")]
    Connect(#[from] diesel::ConnectionError),
    /// The copy failed.
    #[error("the database cannot be copied")]
    Copy(#[from] diesel::result::Error),
    /// The program was stopped meanwhile.
    #[error("the backup was interrupted")]
    Interrupted,
}

impl Db {
    /// Writes a consistent copy of an SQLite database to a new file of mode 0600.
    ///
    /// # Errors
    /// The file exists already, cannot be written, or the database is PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let address = match self.address() {
            Address::Postgres(_) => return Err(BackupError::UsePgDump),
            sqlite @ Address::Sqlite(_) => sqlite.clone(),
        };
        let to = to.to_owned();
        tokio::task::spawn_blocking(move || copy(&address, &to))
            .await
            .unwrap_or(Err(BackupError::Interrupted))
    }
}

pub(super) fn copy(address: &Address, to: &Path) -> Result<(), BackupError> {
    if to.try_exists()? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let name = part.to_str().ok_or_else(|| BackupError::Name(to.to_owned()))?;
    // SQLite fills an empty file that is there, and so keeps its mode.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let copied = fill(address, name).and_then(|()| publish(&part, to));
    let removed = std::fs::remove_file(&part);
    copied?;
    Ok(removed?)
}

fn fill(address: &Address, name: &str) -> Result<(), BackupError> {
    let mut conn = open(address, Use::Maintain)?.conn;
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(name).execute(&mut conn)?;
    // A log that belongs to the database is not the copy's.
    let mut copied = SqliteConnection::establish(name)?;
    match file_mark::draw(&mut copied) {
        Err(error) if error.to_string().contains("no such table") => Ok(()),
        drawn => Ok(drawn?),
    }
}

/// A hard link, unlike a rename, does not replace what is there.
fn publish(part: &Path, to: &Path) -> Result<(), BackupError> {
    File::open(part)?.sync_all()?;
    match std::fs::hard_link(part, to) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists(to.to_owned()));
        }
        linked => linked?,
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}
