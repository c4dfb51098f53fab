//! Whether the log (`-wal`) beside an SQLite file is that file's.
//!
//! SQLite replays whatever log lies beside a file, also that of the file which was there before a backup was copied over
//! it: what the restore should undo is back, or the file is ruined. So the file has a mark, a random number in one row,
//! which each server draws anew when it starts; a small file beside it (`-mark`) says to which mark the log belongs.
//! Backups get a mark of their own. The rule: the mark in the file is looked at before SQLite may look at the log.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::address::{Address, OpenError};
use super::conn::{Conn, Use, open};
use super::database::Db;
use super::error::{Error, Outage};
use super::facts;

/// The fact that is the mark.
const FACT: &str = "file_mark";
const READ: &str = "SELECT value FROM facts WHERE name = 'file_mark'";
/// Nothing secret hangs on a mark: SQLite's own generator will do.
const DRAW: &str = "SELECT lower(hex(randomblob(16)))";
const DRAW_INTO: &str =
    "INSERT OR REPLACE INTO facts (name, value) VALUES ('file_mark', lower(hex(randomblob(16))))";
/// How a file without a mark is written down.
const NONE: &str = "-";

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// A file that lies beside the database's.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// Refuses a log that belongs to another file than the one beside it. A file that was put in place without a log gets its
/// mark written down: from now on the log is its own.
pub(super) fn verify(path: &Path) -> Result<(), OpenError> {
    let Some(known) = read_beside(path) else { return Ok(()) };
    // A file that cannot be read without its log is SQLite's to judge.
    let Ok(mark) = of_file(path) else { return Ok(()) };
    let mark = mark.as_deref().unwrap_or(NONE);
    if known.contains(mark) {
        return Ok(());
    }
    if std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(OpenError::ForeignLog { path: path.to_owned() });
    }
    write_beside(path, &[mark]).map_err(|source| OpenError::File { path: beside(path, "-mark"), source })
}

/// Draws a mark for a file that no program has open.
pub(super) fn draw(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute(DRAW_INTO)
}

impl Db {
    /// Draws a new mark for an SQLite file, and remembers beside it that the log is this file's. For a server that
    /// starts; on PostgreSQL it does nothing.
    ///
    /// # Errors
    /// Of the database, or the mark cannot be written beside it.
    pub async fn claim_log(&self) -> Result<(), Error> {
        let Address::Sqlite(path) = self.address().clone() else { return Ok(()) };
        let drawn: String = self.read(|conn| Ok::<_, Error>(sql::<Text>(DRAW).get_result(conn)?)).await?;
        // Until the new one is in the file itself, the log may be that of the file as it was: as it stands, as the log has
        // it, or as servers wrote down that were killed before they had brought their mark into it.
        let logged = self.read(|conn| facts::find(conn, FACT)).await?;
        let mut marks = read_beside(&path).unwrap_or_default();
        marks.insert(of_file(&path).ok().flatten().unwrap_or_else(|| NONE.to_owned()));
        marks.extend(logged);
        marks.insert(drawn.clone());
        in_background({
            let path = path.clone();
            move || write_beside(&path, &marks.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .await?;
        let mark = drawn.clone();
        self.write(move |conn| facts::put(conn, FACT, &mark)).await?;
        let address = self.address().clone();
        in_background(move || {
            let conn = open(&address, Use::Maintain).map_err(std::io::Error::other)?.conn;
            if checkpoint(conn).map_err(std::io::Error::other)? {
                write_beside(&path, &[&drawn])
            } else {
                Ok(())
            }
        })
        .await
    }
}

async fn in_background(work: impl FnOnce() -> std::io::Result<()> + Send + 'static) -> Result<(), Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Error::Corrupt("the mark beside the database file, which cannot be written")),
        Err(_) => Err(Outage::Closing.into()),
    }
}

/// Brings the log into the file; false where somebody else is reading.
fn checkpoint(conn: Conn) -> QueryResult<bool> {
    let Conn::Sqlite(mut conn) = conn else { return Ok(false) };
    let done: Checkpointed = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(&mut conn)?;
    Ok(done.busy == 0)
}

/// The mark in the file itself, without its log.
fn of_file(path: &Path) -> Result<Option<String>, ()> {
    let path = path.to_str().ok_or(())?;
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mut conn =
        SqliteConnection::establish(&format!("file:{escaped}?mode=ro&immutable=1")).map_err(drop)?;
    match diesel::sql_query(READ).get_result::<Mark>(&mut conn) {
        Ok(mark) => Ok(Some(mark.value)),
        Err(diesel::result::Error::NotFound) => Ok(None),
        Err(error) if error.to_string().contains("no such table") => Ok(None),
        Err(_) => Err(()),
    }
}

fn read_beside(path: &Path) -> Option<BTreeSet<String>> {
    let text = std::fs::read_to_string(beside(path, "-mark")).ok()?;
    let marks: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    (!marks.is_empty()).then_some(marks)
}

/// Whole or not at all.
fn write_beside(path: &Path, marks: &[&str]) -> std::io::Result<()> {
    let (name, part) = (beside(path, "-mark"), beside(path, "-mark.part"));
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(format!("{}\n", marks.join("\n")).as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, &name)?;
    sync_folder(path)
}

pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
