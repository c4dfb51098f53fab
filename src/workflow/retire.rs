//! Retiring a key of the ring: nothing under it opens or matches from then on.
//!
//! The rule: what can be sealed anew is, first; what cannot is counted and named, and the key stays until nothing hangs
//! on it or whoever retires it says that it may end. The log is written before the ring's file changes.

use super::Context;
use super::key_ring::Known;
use super::rotate::{RotateError, reload_ring, reseal};
use crate::config::KeySource;
use crate::crypto::{KeyId, KeyRing};
use crate::db::audit::Circumstances;
use crate::db::facts::{self, RETIRED_KEYS};
use crate::db::ring_uses::RingUses;
use crate::db::{Conn, audit};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::error::Error;

/// Why a key was not retired.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// It is no key of the ring.
    #[error("there is no key {0} on the ring: `rekey keys list` names them")]
    Unknown(String),
    /// It seals what is new.
    #[error("key {0} is the primary key: run `rekey keys rotate` first, then retire it")]
    Primary(KeyId),
    /// Something hangs on it.
    #[error("key {0} is still needed, and was not retired")]
    Needed(KeyId, Box<Needs>),
    /// The ring, or the database.
    #[error(transparent)]
    Failed(#[from] RotateError),
}

impl From<Error> for RetireError {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What hangs on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Sealed values that do not open where they lie, so that they cannot be sealed anew.
    pub unopened: u64,
    /// Digests.
    pub uses: RingUses,
}

impl Needs {
    /// Whether nothing is lost without the key. That a network counts as new once is no loss.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                uses: RingUses { networks: self.uses.networks, ..RingUses::default() },
                ..Self::default()
            }
    }
}

/// What retiring came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// The key.
    pub key: KeyId,
    /// How many values were sealed anew before it went.
    pub resealed: u64,
    /// What ended with it.
    pub ended: Needs,
    /// Whether the ring is given in a setting, so that the key has to be taken out of it by hand.
    pub by_hand: bool,
}

/// Seals anew what lies under a key, and takes it out of the ring where nothing hangs on it, or with `yes`.
///
/// # Errors
/// See [`RetireError`]; after one nothing was retired.
pub async fn retire(
    ctx: &Context,
    key: &str,
    yes: bool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Retired, RetireError> {
    reload_ring(ctx).map_err(RotateError::from)?;
    let id = KeyId::parse(key).filter(|id| ctx.crypto.has_key(*id));
    let id = id.ok_or_else(|| RetireError::Unknown(key.chars().take(20).collect()))?;
    if id == ctx.crypto.primary_key_id() {
        return Err(RetireError::Primary(id));
    }
    let (resealed, unopened) = reseal(ctx, progress).await?;
    let now = ctx.now();
    let uses =
        ctx.db.patient().read(move |conn| RingUses::count(conn, id, now)).await.map_err(Error::from)?;
    let ended = Needs { unopened, uses };
    if !ended.is_empty() && !yes {
        return Err(RetireError::Needed(id, Box::new(ended)));
    }
    let inner = ctx.clone();
    ctx.write(move |conn| log(conn, &inner, id, ended)).await?;
    let KeySource::File(path) = &ctx.config.keys.source else {
        return Ok(Retired { key: id, resealed, ended, by_hand: true });
    };
    let ring = KeyRing::retire(path, id).map_err(RotateError::from)?;
    ctx.crypto.replace_ring(ring).map_err(RotateError::from)?;
    Ok(Retired { key: id, resealed, ended, by_hand: false })
}

/// The other programs learn of it, and the log.
fn log(conn: &mut Conn, ctx: &Context, key: KeyId, ended: Needs) -> Result<(), Error> {
    let mut retired = Known::load(conn)?.retired();
    if retired.contains(&key) {
        // It was interrupted before the ring's file was written.
        return Ok(());
    }
    retired.push(key);
    let ids: Vec<String> = retired.iter().map(ToString::to_string).collect();
    facts::put(conn, RETIRED_KEYS, &ids.join(","))?;
    let around = Circumstances {
        actor: &Actor::Console,
        at: ctx.now(),
        subject: &Subject::System,
        version: 0,
        ticket: None,
    };
    let event = Event::new(Action::KeyRetired)
        .with("key", key.to_string())
        .with("recovery_accounts", ended.uses.recovery_accounts.to_string())
        .with("unopened", ended.unopened.to_string());
    Ok(audit::insert(conn, &ctx.crypto, &around, &event)?)
}
