//! The audit log's chain: entries are sealed in the order in which they are found, and checkpoints are signed.
//!
//! The rule to keep: an entry whose MAC does not match is never sealed. It stays outside the chain, where
//! verification names it.

use super::tally::Tally;
use super::{Context, alarm, checkpoints_file};
use crate::crypto::Crypto;
use crate::db::audit::{self, Checkpoint, Entry};
use crate::db::{self, Conn};
use crate::domain::ids::EntryId;
use crate::domain::letter::Alarm;
use crate::error::Error;

/// Entries that are sealed in one transaction.
const PAGE: i64 = 500;
/// Between two checkpoints.
const PAUSE: chrono::Duration = chrono::Duration::minutes(1);
/// What stands before the first entry.
pub(super) const BEGINNING: [u8; 32] = [0; 32];

/// What sealing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sealing {
    /// How many entries joined the chain.
    pub sealed: usize,
    /// Entries that were not written by this program: they stay outside.
    pub refused: Vec<EntryId>,
}

struct Page {
    sealed: usize,
    refused: Vec<EntryId>,
    tallies: Vec<Tally>,
    last: Option<EntryId>,
}

/// Seals what waits. Of several replicas that do so at once, one wins each position and the others try again.
///
/// # Errors
/// Of the database, or `Internal` where the end of the chain cannot be read.
pub async fn seal(ctx: &Context) -> Result<Sealing, Error> {
    let mut done = Sealing::default();
    let mut after: Option<EntryId> = None;
    loop {
        let from = after.clone();
        // Most of the time nothing waits, and a look costs no writer.
        let waits = ctx.db.read(move |conn| audit::list_unsealed(conn, from.as_ref(), 1)).await?;
        if waits.is_empty() {
            return Ok(done);
        }
        let (crypto, from) = (ctx.crypto.clone(), after.clone());
        let page: Page = ctx.db.write(move |conn| seal_page(conn, &crypto, from.as_ref())).await?;
        done.sealed += page.sealed;
        page.tallies.into_iter().for_each(Tally::count);
        done.refused.extend(page.refused);
        if page.last.is_none() {
            return Ok(done);
        }
        after = page.last;
    }
}

fn seal_page(conn: &mut Conn, crypto: &Crypto, after: Option<&EntryId>) -> Result<Page, Error> {
    let entries = audit::list_unsealed(conn, after, PAGE)?;
    let (mut position, mut chain) = match audit::end_of_chain(conn)? {
        Some((position, chain)) => (position, link_of(&chain)?),
        None => (0, BEGINNING),
    };
    let last = entries.last().map(|last| last.id.clone());
    let mut page = Page { sealed: 0, refused: Vec::new(), tallies: Vec::new(), last };
    for entry in entries {
        if !crypto.entry_mac_matches(&entry.bytes(), &entry.mac) {
            page.refused.push(entry.id);
            continue;
        }
        position += 1;
        chain = link(crypto, &chain, &entry);
        audit::seal(conn, &entry.id, position, &chain).map_err(|error| match error {
            // Another replica took the position: look where the chain ends now.
            db::Error::Unique(_) => db::Error::Stale,
            other => other,
        })?;
        page.sealed += 1;
        page.tallies.extend(Tally::of(&entry));
    }
    Ok(page)
}

/// The hash at an entry: over the former one, the entry and its MAC.
pub(super) fn link(crypto: &Crypto, former: &[u8; 32], entry: &Entry) -> [u8; 32] {
    let mut bytes = entry.bytes();
    bytes.extend_from_slice(&entry.mac);
    crypto.chain(former, &bytes)
}

fn link_of(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Internal("the end of the audit chain cannot be read"))
}

/// Signs how far the chain goes, if it has grown and the last checkpoint is a minute old: a row, and a line of the
/// checkpoints' file. Returns the position, where there is a new one. A last one that is not ours holds up nothing: it
/// is told to the administrators.
///
/// # Errors
/// Of the database, or `Internal` where the file cannot be written.
pub async fn checkpoint(ctx: &Context) -> Result<Option<i64>, Error> {
    checkpoint_after(ctx, PAUSE).await
}

/// The same however young the last checkpoint is, for a program that stops: what it did last is signed too.
///
/// # Errors
/// As [`checkpoint`].
pub async fn last_checkpoint(ctx: &Context) -> Result<Option<i64>, Error> {
    checkpoint_after(ctx, chrono::Duration::zero()).await
}

async fn checkpoint_after(ctx: &Context, pause: chrono::Duration) -> Result<Option<i64>, Error> {
    let now = ctx.now();
    let (end, last) = ctx
        .db
        .read(|conn| Ok::<_, Error>((audit::end_of_chain(conn)?, audit::last_checkpoint(conn)?)))
        .await?;
    let Some((position, chain)) = end else { return Ok(None) };
    if let Some(last) = last {
        let bytes = Checkpoint::bytes(last.position, &last.chain, last.at);
        let is_ours = last.position <= position && ctx.crypto.verify_checkpoint(&bytes, &last.signature);
        if !is_ours {
            tracing::error!(
                position = last.position,
                "a checkpoint of the audit log was not written by this program"
            );
            alarm::raise(ctx, Alarm::AuditBroken).await?;
        // One of the future was signed while the clock was ahead.
        } else if last.position == position || (last.at <= now && last.at + pause > now) {
            return Ok(None);
        }
    }
    let signature = ctx.crypto.sign_checkpoint(&Checkpoint::bytes(position, &chain, now));
    let checkpoint = Checkpoint { position, chain, at: now, signature };
    let row = checkpoint.clone();
    match ctx.db.write(move |conn| audit::insert_checkpoint(conn, row.clone())).await {
        Ok(()) => {}
        // Another replica signed the same position, and wrote the line.
        Err(db::Error::Unique(_)) => return Ok(None),
        Err(other) => return Err(other.into()),
    }
    checkpoints_file::append(&ctx.config.keys.checkpoints_file, &checkpoint).map_err(|error| {
        tracing::error!(kind = ?error.kind(), "the checkpoints' file cannot be written");
        Error::Internal("the checkpoints' file cannot be written")
    })?;
    Ok(Some(position))
}
