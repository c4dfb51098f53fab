//! Rotation of the key ring: a new key seals from now on, and what lies under former keys is sealed anew.
//!
//! The rule to keep: former keys stay on the ring, so that nothing is lost if this is interrupted; it goes on where
//! it stopped.

use super::Context;
use crate::config::KeySource;
use crate::crypto::{Crypto, KeyRing, RingError};
use crate::db::audit::Circumstances;
use crate::db::{Conn, audit, authenticators, facts, letters, staff};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::error::Error;

/// Values that are sealed anew in one transaction.
const PAGE: i64 = 200;
/// A running server may seal under the former key until it has read the ring again.
const PASSES: u32 = 5;
/// The fact that a rotation is under way: the key that it goes to.
const FACT: &str = "rotation";

/// Why the ring was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The ring is given, not kept in a file.
    #[error("the key ring comes from keys.ring: add a key there, and start every program with it")]
    NoFile,
    /// The ring's file.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The database.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key that seals now.
    pub key: String,
    /// Whether an interrupted rotation was finished instead of a new one begun.
    pub resumed: bool,
    /// How many values were sealed anew.
    pub resealed: u64,
}

/// Adds a key to the ring's file and seals anew what lies under others. `progress` is told how many were looked at.
///
/// # Errors
/// The ring is not kept in a file, or cannot be written; a value does not open; the database.
pub async fn rotate(ctx: &Context, progress: &(dyn Fn(u64) + Sync)) -> Result<Rotation, RotateError> {
    let KeySource::File(path) = &ctx.config.keys.source else { return Err(RotateError::NoFile) };
    reload_ring(ctx)?;
    let begun = ctx.db.read(|conn| facts::find(conn, FACT)).await.map_err(Error::from)?;
    let resumed = begun.is_some_and(|key| key == ctx.crypto.primary_key_id().to_string());
    if !resumed {
        ctx.crypto.replace_ring(KeyRing::rotate(path, ctx.now())?)?;
        let key = ctx.crypto.primary_key_id().to_string();
        ctx.db.write(move |conn| facts::put(conn, FACT, &key)).await.map_err(Error::from)?;
    }
    let mut resealed = 0;
    for _ in 0..PASSES {
        let done = pass(ctx, progress).await?;
        resealed += done;
        if done == 0 {
            break;
        }
    }
    let key = ctx.crypto.primary_key_id().to_string();
    finish(ctx, key.clone()).await?;
    Ok(Rotation { key, resumed, resealed })
}

/// Reads the ring's file again, if the ring is kept in one, and works with it if it has another primary key. True if
/// it has. For a server whose ring was rotated by a command beside it.
///
/// # Errors
/// The file is missing, unreadable, or another ring.
pub fn reload_ring(ctx: &Context) -> Result<bool, RingError> {
    let KeySource::File(path) = &ctx.config.keys.source else { return Ok(false) };
    let ring = KeyRing::load(path)?;
    let primary = ring.key_ids().last().map(|(id, _)| *id);
    if primary == Some(ctx.crypto.primary_key_id()) {
        return Ok(false);
    }
    ctx.crypto.replace_ring(ring)?;
    Ok(true)
}

/// One page: how many rows were looked at and sealed anew, and the last one's id.
struct Page {
    seen: u64,
    resealed: u64,
    last: Option<String>,
}

async fn pass(ctx: &Context, progress: &(dyn Fn(u64) + Sync)) -> Result<u64, Error> {
    let mut seen = 0;
    let mut resealed = 0;
    for reseal in [authenticators_page, letters_page, staff_page] {
        let mut after = String::new();
        loop {
            let (crypto, from) = (ctx.crypto.clone(), after.clone());
            let page = ctx.db.patient().write(move |conn| reseal(conn, &crypto, &from)).await?;
            seen += page.seen;
            resealed += page.resealed;
            progress(seen);
            match page.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    Ok(resealed)
}

fn authenticators_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, Error> {
    let rows = authenticators::list_after(conn, after, PAGE)?;
    let mut page = Page::of(rows.last().map(|row| row.id.as_str()), rows.len());
    for row in &rows {
        page.resealed += u64::from(authenticators::reseal(conn, crypto, row)?);
    }
    Ok(page)
}

fn letters_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, Error> {
    let rows = letters::list_waiting_after(conn, after, PAGE)?;
    let mut page = Page::of(rows.last().map(|row| row.id.as_str()), rows.len());
    for row in &rows {
        page.resealed += u64::from(letters::reseal(conn, crypto, row)?);
    }
    Ok(page)
}

/// The staff are few: one page.
fn staff_page(conn: &mut Conn, crypto: &Crypto, _after: &str) -> Result<Page, Error> {
    let rows = staff::list(conn)?;
    let mut page = Page::of(None, rows.len());
    for row in &rows {
        page.resealed += u64::from(staff::reseal(conn, crypto, row)?);
    }
    Ok(page)
}

impl Page {
    fn of(last: Option<&str>, rows: usize) -> Self {
        Self { seen: rows as u64, resealed: 0, last: last.map(str::to_owned) }
    }
}

async fn finish(ctx: &Context, key: String) -> Result<(), Error> {
    let (work, now) = (ctx.clone(), ctx.now());
    ctx.write(move |conn| {
        facts::end(conn, FACT)?;
        let around = Circumstances {
            actor: &Actor::Console,
            at: now,
            subject: &Subject::System,
            version: 0,
            ticket: None,
        };
        let event = Event::new(Action::KeysRotated).with("key", key.as_str());
        Ok(audit::insert(conn, &work.crypto, &around, &event)?)
    })
    .await
}
