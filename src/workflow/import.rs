//! Importing accounts from a file, streamed: the whole file is looked at first, and only then applied.
//!
//! The rule to keep: memory grows by some bytes a row and no more, and nothing of a file with a bad line is applied
//! unless that was asked for. How far it has come is written down with each batch: run again, it goes on from there.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use super::import_progress::{Fingerprint, Progress};
use super::import_rows::{Row, Rows};
pub use super::import_source::Encoding;
use super::import_source::Source;
use super::putting::Putting;
use super::putting_many::Known;
use super::{Context, applications};
use crate::db::audit::Circumstances;
use crate::db::{Conn, audit, clients, facts};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::ClientId;
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// Rows that are looked up, or applied, in one transaction.
const BATCH: usize = 1000;

/// What to import.
#[derive(Debug, Clone)]
pub struct Import {
    /// CSV with a header, or NDJSON; told apart by its ending, or else its first byte. `-` is standard input.
    pub file: PathBuf,
    /// What stands between the fields of CSV.
    pub separator: u8,
    /// How its text is written down.
    pub encoding: Encoding,
    /// The application whose accounts they are. Without it the only one there is, or else the built-in one.
    pub client: Option<String>,
    /// Applies the good lines of a file that has bad ones.
    pub skip_bad: bool,
}

/// Whoever watches an import.
pub trait Watcher: Sync {
    /// A line that cannot be taken, counted from 1, and why.
    fn bad(&self, line: u64, reason: &str);
    /// How much of the work is done: bytes of `total`, both passes counted.
    fn progress(&self, bytes: u64, total: u64);
    /// The file was applied up to a line, so many rows of it, by a run that did not end: this one goes on from there.
    fn resumes(&self, line: u64, rows: u64);
    /// This run ends here: the file is applied up to a line, so many rows of all.
    fn halts(&self, line: u64, rows: u64, all: u64);
    /// Whether the import is to stop before the next batch.
    fn is_stopped(&self) -> bool;
}

/// What an import came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines with an account.
    pub rows: u64,
    /// Lines that could not be taken.
    pub bad: u64,
    /// Rows that a run before this one had applied; they are among those that follow.
    pub before: u64,
    /// Accounts that were not there before.
    pub created: u64,
    /// Accounts that changed.
    pub changed: u64,
    /// Accounts that were there already, and equal.
    pub unchanged: u64,
    /// Whether anything was applied at all.
    pub applied: bool,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    File(#[from] std::io::Error),
    /// Its first line is not the header that is expected.
    #[error(
        "the first line must name the columns external_id, email and name, and of the others at most {0}"
    )]
    Header(&'static str),
    /// The header is good, with something else between its names.
    #[error("the file has a {0} between its columns: add --separator {0}, or save it with commas")]
    Separator(&'static str),
    /// The text is not in the encoding that is read.
    #[error("{0}")]
    Encoding(&'static str),
    /// What is kept in memory has a limit.
    #[error("more than 256 MiB came through a pipe, or in UTF-16: save it as a file in UTF-8")]
    TooLarge,
    /// No such application.
    #[error("there is no application of that name, or it is disabled")]
    NoClient,
    /// Somebody has stopped it.
    #[error("the import was stopped: run the same command again to go on")]
    Stopped,
    /// The database.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Imports a file.
///
/// # Errors
/// [`ImportError`]. Bad lines are no error: they are told to the watcher and counted.
pub async fn import(ctx: &Context, import: &Import, watcher: &dyn Watcher) -> Result<Summary, ImportError> {
    let client = client(ctx, import.client.clone()).await?;
    let mut run = Run {
        fingerprint: Fingerprint::new(&client, import.skip_bad),
        file: String::new(),
        progress: Progress::default(),
        ctx: &Context { db: ctx.db.patient(), ..ctx.clone() },
        client,
        watcher,
        summary: Summary::default(),
        bad: HashSet::new(),
        total: 0,
    };
    let source = Source::open(&import.file, import.encoding)?;
    run.total = source.length()?.saturating_mul(2);
    let rows = || Rows::open(&source, &import.file, import.separator);
    run.look(rows()?).await?;
    if run.summary.bad == 0 || import.skip_bad {
        run.resume().await?;
        if let Err(error) = run.apply(rows()?).await {
            watcher.halts(run.progress.line, run.progress.rows(), run.summary.rows);
            return Err(error);
        }
        run.end().await?;
    }
    Ok(run.summary)
}

async fn client(ctx: &Context, name: Option<String>) -> Result<ClientId, ImportError> {
    let find = move |conn: &mut Conn| {
        let Some(name) = &name else { return Ok(applications::only_one(conn)?.or(Some(ClientId::local()))) };
        let named = applications::find_client(conn, name)?;
        let named = named.filter(|one| one.disabled_at.is_none() || one.id.is_local());
        Ok::<_, Error>(named.map(|one| one.id))
    };
    ctx.db.read(find).await?.ok_or(ImportError::NoClient)
}

struct Run<'a> {
    ctx: &'a Context,
    client: ClientId,
    watcher: &'a dyn Watcher,
    summary: Summary,
    /// Lines that are well written and yet cannot be taken.
    bad: HashSet<u64>,
    total: u64,
    fingerprint: Fingerprint,
    /// The name under which the progress is kept, once the whole file was looked at.
    file: String,
    progress: Progress,
}

impl Run<'_> {
    /// The first pass: every line is read and compared with the file and the database; nothing is written.
    async fn look(&mut self, mut rows: Rows) -> Result<(), ImportError> {
        let mut seen = Seen::default();
        loop {
            let batch = self.batch(&mut rows, Some(&mut seen), 0)?;
            if batch.is_empty() {
                return Ok(());
            }
            for (line, reason) in self.refused(batch).await? {
                self.refuse(line, reason);
            }
        }
    }

    /// Reads some rows that are well written. The first pass counts and reports the others, the second passes by.
    fn batch(
        &mut self,
        rows: &mut Rows,
        mut seen: Option<&mut Seen>,
        before: u64,
    ) -> Result<Vec<Row>, ImportError> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            let Some(next) = rows.next() else { break };
            let (line, row) = next?;
            if let Some(seen) = seen.as_deref_mut() {
                self.summary.rows += 1;
                let row = row.and_then(|row| seen.admit(&row).map(|()| row));
                self.fingerprint.add(line, row.as_ref().map_err(|reason| *reason));
                match row {
                    Ok(row) => batch.push(row),
                    Err(reason) => self.refuse(line, reason),
                }
            } else if let Ok(row) = row
                && line > self.progress.line
                && !self.bad.contains(&line)
            {
                batch.push(row);
            }
        }
        self.watcher.progress(before + rows.bytes(), self.total);
        Ok(batch)
    }

    fn refuse(&mut self, line: u64, reason: &str) {
        self.summary.bad += 1;
        self.bad.insert(line);
        self.watcher.bad(line, reason);
    }

    /// Which rows the database will not take, and why.
    async fn refused(&self, batch: Vec<Row>) -> Result<Vec<(u64, &'static str)>, Error> {
        let client = self.client.clone();
        let look = move |conn: &mut Conn| {
            let known = Known::look_up(conn, &client, &batch)?;
            let mut refused = Vec::new();
            for row in &batch {
                if let Err(error) = known.admit(row) {
                    refused.push((row.line, reason_of(error)?));
                }
            }
            Ok::<_, Error>(refused)
        };
        self.ctx.db.read(look).await
    }

    /// What a run of this very file that did not end has applied is not applied again.
    async fn resume(&mut self) -> Result<(), Error> {
        self.file = self.fingerprint.name();
        let file = self.file.clone();
        let find = move |conn: &mut Conn| Progress::find(conn, &file);
        if let Some(progress) = self.ctx.db.read(find).await? {
            self.progress = progress;
            self.summary.before = progress.rows();
            self.watcher.resumes(progress.line, progress.rows());
        }
        Ok(())
    }

    /// The second pass.
    async fn apply(&mut self, mut rows: Rows) -> Result<(), ImportError> {
        loop {
            let batch = self.batch(&mut rows, None, self.total / 2)?;
            if batch.is_empty() {
                return Ok(());
            }
            if self.watcher.is_stopped() {
                return Err(ImportError::Stopped);
            }
            match self.put(batch.clone()).await {
                Ok(progress) => self.progress = progress,
                Err(error) => {
                    reason_of(error)?;
                    self.put_one_by_one(batch).await?;
                }
            }
        }
    }

    /// Somebody has changed the database since the first pass: the rows that cannot be taken now are told.
    async fn put_one_by_one(&mut self, batch: Vec<Row>) -> Result<(), Error> {
        for row in batch {
            let line = row.line;
            match self.put(vec![row]).await {
                Ok(progress) => self.progress = progress,
                Err(error) => self.refuse(line, reason_of(error)?),
            }
        }
        Ok(())
    }

    /// Applies rows, and says how far the import has come with them.
    async fn put(&self, batch: Vec<Row>) -> Result<Progress, Error> {
        let (file, before) = (self.file.clone(), self.progress);
        let (work, client, now) = (self.ctx.clone(), self.client.clone(), self.ctx.now());
        let put = move |conn: &mut Conn| {
            let putting = Putting { ctx: &work, client: &client, actor: &Actor::Console, now };
            let done = putting.put_all(conn, &batch)?;
            clients::note_accounts(conn, &client)?;
            let progress = before.after(batch.last().map_or(before.line, |row| row.line), &done);
            progress.put(conn, &file)?;
            Ok(progress)
        };
        self.ctx.write(put).await
    }

    /// The whole file is applied: it is logged, and nothing is left to go on from.
    async fn end(&mut self) -> Result<(), Error> {
        let Progress { created, changed, unchanged, .. } = self.progress;
        self.summary = Summary { created, changed, unchanged, applied: true, ..self.summary };
        let (work, now, file) = (self.ctx.clone(), self.ctx.now(), self.file.clone());
        let event = Event::new(Action::AccountsImported)
            .with("rows", self.summary.rows.to_string())
            .with("created", self.summary.created.to_string())
            .with("changed", self.summary.changed.to_string())
            .with("bad", self.summary.bad.to_string());
        let log = move |conn: &mut Conn| {
            facts::end(conn, &file)?;
            let subject = Subject::System;
            let around = Circumstances {
                actor: &Actor::Console,
                at: now,
                subject: &subject,
                version: 0,
                ticket: None,
            };
            Ok(audit::insert(conn, &work.crypto, &around, &event)?)
        };
        self.ctx.write(log).await
    }
}

/// The reason for a line that was refused; other errors end the import.
fn reason_of(error: Error) -> Result<&'static str, Error> {
    match error {
        Error::Taken(_) => Ok("email is another account's: correct it, or change that account first"),
        Error::Rejected(Rejection::Invalid(reason)) => Ok(reason),
        other => Err(other),
    }
}

/// What stood in the file before, as hashes: 8 bytes each.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    ids: HashSet<u64>,
    emails: HashSet<u64>,
}

impl Seen {
    fn admit(&mut self, row: &Row) -> Result<(), &'static str> {
        if !self.ids.insert(self.hasher.hash_one(row.id.as_str())) {
            return Err("external_id stands in the file already");
        }
        if !self.emails.insert(self.hasher.hash_one(row.facts.email.to_ascii_lowercase())) {
            return Err("email stands in the file already");
        }
        Ok(())
    }
}
