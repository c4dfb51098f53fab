//! Importing accounts from a file, streamed: the whole file is looked at first, and only then applied.
//!
//! The rule to keep: memory grows by some bytes a row and no more, and nothing of a file with a bad line is applied
//! unless that was asked for. Rows that are there already and equal change nothing, so it can be run again.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use super::import_rows::{Row, Rows};
pub use super::import_source::Encoding;
use super::import_source::Source;
use super::putting::{Done, Putting};
use super::putting_many::Known;
use super::{Context, applications};
use crate::db::audit::Circumstances;
use crate::db::{Conn, audit, clients};
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
}

/// What an import came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines with an account.
    pub rows: u64,
    /// Lines that could not be taken.
    pub bad: u64,
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
        run.apply(rows()?).await?;
        run.log().await?;
        run.summary.applied = true;
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
                match row.and_then(|row| seen.admit(&row).map(|()| row)) {
                    Ok(row) => batch.push(row),
                    Err(reason) => self.refuse(line, reason),
                }
            } else if let Ok(row) = row
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

    /// The second pass.
    async fn apply(&mut self, mut rows: Rows) -> Result<(), ImportError> {
        loop {
            let batch = self.batch(&mut rows, None, self.total / 2)?;
            if batch.is_empty() {
                return Ok(());
            }
            match self.put(batch.clone()).await {
                Ok(done) => self.count(&done),
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
                Ok(done) => self.count(&done),
                Err(error) => self.refuse(line, reason_of(error)?),
            }
        }
        Ok(())
    }

    async fn put(&self, batch: Vec<Row>) -> Result<Vec<Done>, Error> {
        let (work, client, now) = (self.ctx.clone(), self.client.clone(), self.ctx.now());
        let put = move |conn: &mut Conn| {
            let putting = Putting { ctx: &work, client: &client, actor: &Actor::Console, now };
            let done = putting.put_all(conn, &batch)?;
            clients::note_accounts(conn, &client)?;
            Ok(done)
        };
        self.ctx.write(put).await
    }

    fn count(&mut self, done: &[Done]) {
        for one in done {
            match one {
                Done::Created => self.summary.created += 1,
                Done::Changed => self.summary.changed += 1,
                Done::Unchanged => self.summary.unchanged += 1,
            }
        }
    }

    async fn log(&self) -> Result<(), Error> {
        let (work, now) = (self.ctx.clone(), self.ctx.now());
        let event = Event::new(Action::AccountsImported)
            .with("rows", self.summary.rows.to_string())
            .with("created", self.summary.created.to_string())
            .with("changed", self.summary.changed.to_string())
            .with("bad", self.summary.bad.to_string());
        let log = move |conn: &mut Conn| {
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
