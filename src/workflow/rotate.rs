//! Rotation of the key ring: a new key seals from now on, and what lies under former keys is sealed anew.
//!
//! The rule to keep: former keys stay on the ring, so that nothing is lost if this is interrupted; it goes on where
//! it stopped.

use super::Context;
use crate::config::KeySource;
use crate::crypto::{Crypto, KeyRing, RingError};
use crate::db::audit::Circumstances;
use crate::db::{self, Conn, audit, authenticators, facts, idempotency, letters, recovery_codes, staff};
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
    /// How many do not open: they were moved or changed where they lie.
    pub unopened: u64,
}

/// Adds a key to the ring's file and seals anew what lies under others. `progress` is told how many were looked at.
///
/// # Errors
/// The ring is not kept in a file, or cannot be written; the database. What does not open is counted, and left.
pub async fn rotate(ctx: &Context, progress: &(dyn Fn(u64) + Sync)) -> Result<Rotation, RotateError> {
    let KeySource::File(path) = &ctx.config.keys.source else { return Err(RotateError::NoFile) };
    reload_ring(ctx)?;
    let begun = ctx.db.read(|conn| facts::find(conn, FACT)).await.map_err(Error::from)?;
    let resumed = begun.is_some_and(|key| key == ctx.crypto.primary_key_id().to_string());
    if !resumed {
        ctx.crypto.replace_ring(KeyRing::rotate(path, ctx.now())?)?;
        let key = ctx.crypto.primary_key_id().to_string();
        let announce = move |conn: &mut Conn| {
            facts::put(conn, facts::PRIMARY_KEY, &key)?;
            facts::put(conn, FACT, &key)
        };
        ctx.db.write(announce).await.map_err(Error::from)?;
    }
    let (resealed, unopened) = reseal(ctx, progress).await?;
    let key = ctx.crypto.primary_key_id().to_string();
    finish(ctx, key.clone()).await?;
    Ok(Rotation { key, resumed, resealed, unopened })
}

/// Seals anew what lies under other keys than the primary one: how many values were, and how many do not open.
pub(super) async fn reseal(ctx: &Context, progress: &(dyn Fn(u64) + Sync)) -> Result<(u64, u64), Error> {
    let (mut resealed, mut unopened) = (0, 0);
    for _ in 0..PASSES {
        let done = pass(ctx, progress).await?;
        resealed += done.resealed;
        unopened = done.unopened;
        if done.resealed == 0 {
            break;
        }
    }
    Ok((resealed, unopened))
}

/// Reads the ring's file again, if the ring is kept in one, and works with it if it has other keys. True if it has. For a server whose ring was rotated by a command beside it.
///
/// # Errors
/// The file is missing, unreadable, or another ring.
pub fn reload_ring(ctx: &Context) -> Result<bool, RingError> {
    let KeySource::File(path) = &ctx.config.keys.source else { return Ok(false) };
    let ring = KeyRing::load(path)?;
    if ctx.crypto.has_keys_of(&ring) {
        return Ok(false);
    }
    ctx.crypto.replace_ring(ring)?;
    Ok(true)
}

/// One page, or all of them: how many values were looked at, sealed anew, or did not open; and the last row's id.
#[derive(Default)]
struct Page {
    seen: u64,
    resealed: u64,
    unopened: u64,
    last: Option<String>,
}

async fn pass(ctx: &Context, progress: &(dyn Fn(u64) + Sync)) -> Result<Page, Error> {
    let mut all = Page::default();
    for reseal in [authenticators_page, letters_page, recovery_codes_page, answers_page, staff_page] {
        let mut after = String::new();
        loop {
            let (crypto, from) = (ctx.crypto.clone(), after.clone());
            let page = ctx.db.patient().write(move |conn| reseal(conn, &crypto, &from)).await?;
            all.seen += page.seen;
            all.resealed += page.resealed;
            all.unopened += page.unopened;
            progress(all.seen);
            match page.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    Ok(all)
}

fn authenticators_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, db::Error> {
    let mut page = Page::default();
    for row in authenticators::list_after(conn, after, PAGE)? {
        page.count(authenticators::reseal(conn, crypto, &row))?;
        page.last = Some(row.id.as_str().to_owned());
    }
    Ok(page)
}

fn letters_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, db::Error> {
    let mut page = Page::default();
    for row in letters::list_waiting_after(conn, after, PAGE)? {
        page.count(letters::reseal(conn, crypto, &row))?;
        page.last = Some(row.id.as_str().to_owned());
    }
    Ok(page)
}

fn recovery_codes_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, db::Error> {
    let mut page = Page::default();
    for row in recovery_codes::list_after(conn, after, PAGE)? {
        page.count(recovery_codes::reseal(conn, crypto, &row))?;
        page.last = Some(row.id);
    }
    Ok(page)
}

fn answers_page(conn: &mut Conn, crypto: &Crypto, after: &str) -> Result<Page, db::Error> {
    let mut page = Page::default();
    for row in idempotency::list_after(conn, after, PAGE)? {
        page.count(idempotency::reseal(conn, crypto, &row))?;
        page.last = Some(row.key);
    }
    Ok(page)
}

/// The staff are few: one page.
fn staff_page(conn: &mut Conn, crypto: &Crypto, _after: &str) -> Result<Page, db::Error> {
    let mut page = Page::default();
    for row in staff::list(conn)? {
        page.count(staff::reseal(conn, crypto, &row))?;
    }
    Ok(page)
}

impl Page {
    fn count(&mut self, resealed: Result<bool, db::Error>) -> Result<(), db::Error> {
        self.seen += 1;
        match resealed {
            Ok(done) => self.resealed += u64::from(done),
            Err(db::Error::Sealed(_) | db::Error::Forged { .. }) => self.unopened += 1,
            Err(other) => return Err(other),
        }
        Ok(())
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
