//! Verification of the audit log and of the rows that decide: the chain from its beginning, what is not sealed yet, each row against its
//! entries, and the checkpoints.
//!
//! The rule to keep: memory stays bounded however long the log is, and the first fault ends it.

use super::Context;
use super::audit::{BEGINNING, link};
use super::audit_verdict::{Broken, Gap, Named, Place, Report};
use super::checkpoints_file::Lines;
use crate::crypto::Crypto;
use crate::db::audit::{self, Checkpoint, Entry};
use crate::db::audit_compare::{self, VERSIONED};
use crate::db::rows_all::TABLES;
use crate::db::{self, AsDbError, Conn};
use crate::error::Error;

const PAGE: u16 = 1000;
/// How many rows that do not fit are named; more are counted.
const NAMED: usize = 100;

/// Why verification stopped before its end.
enum Stop {
    Broken(Broken),
    Failed(Error),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<db::Error> for Stop {
    fn from(error: db::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl AsDbError for Stop {
    fn db_error(&self) -> Option<&db::Error> {
        match self {
            Self::Broken(_) => None,
            Self::Failed(error) => error.db_error(),
        }
    }
}

/// How far the chain has been walked.
#[derive(Clone)]
struct Walk {
    position: i64,
    chain: [u8; 32],
    gaps: Vec<Gap>,
}

/// Verifies the whole log, and each row that decides. `progress` is told how many entries of how many were looked at.
///
/// # Errors
/// Of the database, or `Internal` where the checkpoints' file cannot be read. A broken log is no error, but the
/// report's.
pub async fn verify(ctx: &Context, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Report, Error> {
    let mut report = Report::default();
    verify_log(ctx, &mut report, progress).await?;
    verify_rows(ctx, &mut report).await?;
    Ok(report)
}

/// Verifies the log alone.
pub(super) async fn verify_log(
    ctx: &Context,
    report: &mut Report,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), Error> {
    match walk(ctx, report, progress).await {
        Ok(()) => Ok(()),
        Err(Stop::Broken(broken)) => {
            report.broken = Some(broken);
            Ok(())
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Looks at each row that decides: it is what this program wrote.
async fn verify_rows(ctx: &Context, report: &mut Report) -> Result<(), Error> {
    for table in &TABLES {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let work = move |conn: &mut Conn| table.check(conn, &from, PAGE.into());
            let page = ctx.db.patient().read(work).await.map_err(|error: db::Error| Error::from(error))?;
            report.rows += page.seen as u64;
            report.forged_rows += page.forged.len() as u64;
            let room = NAMED.saturating_sub(report.forged.len());
            report.forged.extend(page.forged.into_iter().take(room));
            match page.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    Ok(())
}

async fn walk(ctx: &Context, report: &mut Report, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<(), Stop> {
    let db = ctx.db.patient();
    let end = db.read(audit::end_of_chain).await?.map_or(0, |(position, _)| position);
    let mut walk = Walk { position: 0, chain: BEGINNING, gaps: Vec::new() };
    loop {
        let after = walk.position;
        let page = db.read(move |conn| audit::list_sealed(conn, after, PAGE.into())).await?;
        let is_last = page.len() < usize::from(PAGE);
        for entry in &page {
            walk.step(&ctx.crypto, entry)?;
        }
        report.sealed = walked(&walk);
        progress(report.sealed, u64::try_from(end).unwrap_or(0).max(report.sealed));
        if is_last {
            break;
        }
    }
    // Lines that a running server adds meanwhile cover what is not looked at here.
    let lines = lines(ctx)?.map(Iterator::count);
    // From here on everything is seen as it is at one moment, or a busy server would look broken.
    let (crypto, from) = (ctx.crypto.clone(), walk);
    let (seen, walk) = db.read(move |conn| compare(conn, &crypto, from.clone())).await?;
    report.gaps.clone_from(&walk.gaps);
    report.sealed = walked(&walk);
    report.unsealed = seen.unsealed;
    report.subjects = seen.subjects;
    report.checkpoints = seen.checkpoints;
    if let Some(lines) = lines {
        report.checkpoints_in_file = Some(verify_file(ctx, &walk, lines).await?);
    }
    Ok(())
}

fn walked(walk: &Walk) -> u64 {
    u64::try_from(walk.position).unwrap_or(0)
}

impl Walk {
    fn step(&mut self, crypto: &Crypto, entry: &Entry) -> Result<(), Broken> {
        if entry.position != Some(self.position + 1) {
            return Err(Broken::Removed(self.position + 1));
        }
        if !crypto.entry_mac_matches(&entry.bytes(), &entry.mac) {
            return Err(Broken::Changed(Named::of(entry)));
        }
        let chain = link(crypto, &self.chain, entry);
        if entry.chain.as_deref() != Some(&chain[..]) {
            return Err(Broken::Moved(Named::of(entry)));
        }
        self.position += 1;
        self.chain = chain;
        self.gaps.extend(Gap::of(entry));
        Ok(())
    }
}

struct Seen {
    unsealed: u64,
    subjects: u64,
    checkpoints: u64,
}

/// Everything but the file, at one moment.
fn compare(conn: &mut Conn, crypto: &Crypto, mut walk: Walk) -> Result<(Seen, Walk), Stop> {
    loop {
        let page = audit::list_sealed(conn, walk.position, PAGE.into())?;
        for entry in &page {
            walk.step(crypto, entry)?;
        }
        if page.is_empty() {
            break;
        }
    }
    // The chain begins at 1: what stands before it is in no list of ours.
    if let Some(outside) =
        audit::list_sealed(conn, i64::MIN, 1)?.first().filter(|first| first.position < Some(1))
    {
        return Err(Broken::Moved(Named::of(outside)).into());
    }
    let unsealed = verify_unsealed(conn, crypto, &mut walk)?;
    let mut subjects = 0;
    for kind in VERSIONED {
        subjects += compare_versions(conn, kind)?;
    }
    let mut checkpoints = 0;
    let mut after = i64::MIN;
    loop {
        let page = audit::list_checkpoints(conn, after, PAGE.into())?;
        let Some(last) = page.last() else { break };
        after = last.position;
        checkpoints += page.len() as u64;
        let placed: Vec<_> = page.into_iter().map(|one| (Place::Row, one)).collect();
        verify_checkpoints(conn, crypto, &walk, &placed)?;
    }
    Ok((Seen { unsealed, subjects, checkpoints }, walk))
}

fn verify_unsealed(conn: &mut Conn, crypto: &Crypto, walk: &mut Walk) -> Result<u64, Stop> {
    let mut count = 0;
    let mut after = None;
    loop {
        let page = audit::list_unsealed(conn, after.as_ref(), PAGE.into())?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.id.clone());
        for entry in &page {
            if !crypto.entry_mac_matches(&entry.bytes(), &entry.mac) {
                return Err(Broken::Added(Named::of(entry)).into());
            }
            walk.gaps.extend(Gap::of(entry));
        }
        count += page.len() as u64;
    }
}

/// Each version of a row has its entry: 1, 2, 3 without a gap, as many as the last one says. So a tail that was cut off
/// shows, and one that was taken from the midst before it was sealed.
fn compare_versions(conn: &mut Conn, kind: &str) -> Result<u64, Stop> {
    let mut count = 0;
    let mut after = None;
    loop {
        let page = audit_compare::list_versions(conn, kind, after.as_deref(), PAGE.into())?;
        let Some((last, _)) = page.last() else { return Ok(count) };
        after = Some(last.clone());
        let ids: Vec<String> = page.iter().map(|(id, _)| id.clone()).collect();
        let entries = audit_compare::count_entries(conn, kind, &ids)?;
        for (id, version) in &page {
            let (entries, last) = entries.get(id).copied().unwrap_or((0, 0));
            if entries != i64::from(*version) || last != *version {
                return Err(uneven(conn, kind, id, *version, entries)?.into());
            }
        }
        count += page.len() as u64;
    }
}

fn uneven(conn: &mut Conn, kind: &str, id: &str, version: i32, entries: i64) -> Result<Broken, db::Error> {
    let (kind_of, id_of) = (kind.to_owned(), id.to_owned());
    if entries > i64::from(version) {
        return Ok(Broken::PutBack { kind: kind_of, id: id_of, version, entries });
    }
    let present = audit_compare::list_entry_versions(conn, kind, id)?;
    let missing = (1..=version).zip(present.into_iter().map(Some).chain(std::iter::repeat(None)));
    let first = missing.into_iter().find(|(expected, found)| Some(*expected) != *found);
    Ok(Broken::Cut { kind: kind_of, id: id_of, version: first.map_or(version, |(expected, _)| expected) })
}

fn verify_checkpoints(
    conn: &mut Conn,
    crypto: &Crypto,
    walk: &Walk,
    page: &[(Place, Checkpoint)],
) -> Result<(), Stop> {
    let positions: Vec<i64> = page.iter().map(|(_, one)| one.position).collect();
    let chain = audit_compare::chain_at(conn, &positions)?;
    for (place, one) in page {
        let (place, position) = (*place, one.position);
        let bytes = Checkpoint::bytes(position, &one.chain, one.at);
        if !crypto.verify_checkpoint(&bytes, &one.signature) {
            return Err(Broken::Forged(place).into());
        }
        if matches!(place, Place::Line(_)) && walk.gaps.iter().any(|gap| gap.covers(position, one.at)) {
            continue;
        }
        if position > walk.position {
            return Err(Broken::Shortened { end: walk.position, place, position }.into());
        }
        if chain.get(&position) != Some(&one.chain) {
            return Err(Broken::Rebuilt { place, position }.into());
        }
    }
    Ok(())
}

fn unreadable(_: std::io::Error) -> Stop {
    Stop::Failed(Error::Internal("the checkpoints' file cannot be read"))
}

fn lines(ctx: &Context) -> Result<Option<Lines>, Stop> {
    Lines::open(&ctx.config.keys.checkpoints_file).map_err(unreadable)
}

async fn verify_file(ctx: &Context, walk: &Walk, count: usize) -> Result<u64, Stop> {
    let mut number = 0;
    let mut lines = lines(ctx)?.into_iter().flatten().take(count);
    loop {
        let mut page = Vec::new();
        for line in lines.by_ref().take(usize::from(PAGE)) {
            number += 1;
            let place = Place::Line(number);
            page.push((place, line.map_err(unreadable)?.ok_or(Broken::Forged(place))?));
        }
        if page.is_empty() {
            return Ok(number);
        }
        let (crypto, walk) = (ctx.crypto.clone(), walk.clone());
        let work = move |conn: &mut Conn| verify_checkpoints(conn, &crypto, &walk, &page);
        ctx.db.patient().read(work).await?;
    }
}
