//! The key ring beside the database: which key seals now, which were retired, and whether this program's ring is as new.
//!
//! The rule: replicas may have files of their own. The database says which key seals, so that a program whose ring lacks
//! it, or has one that was retired, knows that its ring is old and takes no requests.

use std::collections::BTreeMap;

use super::Context;
use crate::crypto::{Crypto, KeyId};
use crate::db::facts::{self, KEY_RING, PRIMARY_KEY, RETIRED_KEYS};
use crate::db::{self, Conn};
use crate::error::Error;

/// What the database says of its ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known(BTreeMap<String, String>);

impl Known {
    /// Reads it.
    ///
    /// # Errors
    /// Of the database alone.
    pub fn load(conn: &mut Conn) -> Result<Self, db::Error> {
        Ok(Self(facts::list(conn, &[KEY_RING, PRIMARY_KEY, RETIRED_KEYS])?))
    }

    /// What keeps this program's ring from opening what the others seal, if anything does.
    #[must_use]
    pub fn fault(&self, crypto: &Crypto) -> Option<RingFault> {
        if self.0.get(KEY_RING).is_some_and(|ring| *ring != crypto.ring_id()) {
            return Some(RingFault::Another);
        }
        let primary = self.0.get(PRIMARY_KEY).and_then(|id| KeyId::parse(id));
        if let Some(lacking) = primary.filter(|id| !crypto.has_key(*id)) {
            return Some(RingFault::Lacks(lacking));
        }
        let retired = self.retired();
        crypto.key_ids().into_iter().map(|(id, _)| id).find(|id| retired.contains(id)).map(RingFault::Retired)
    }

    /// The keys that were retired.
    pub(super) fn retired(&self) -> Vec<KeyId> {
        self.0
            .get(RETIRED_KEYS)
            .map(|ids| ids.split(',').filter_map(KeyId::parse).collect())
            .unwrap_or_default()
    }
}

/// Why this program's ring is not the one that the database's secrets are sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingFault {
    /// It is another ring.
    #[error("the key ring is another one than that which the database's secrets are sealed with")]
    Another,
    /// It was rotated elsewhere.
    #[error("the key ring lacks key {0}, which seals now: copy the ring of the program that rotated it here")]
    Lacks(KeyId),
    /// A key was retired elsewhere.
    #[error("the key ring still has key {0}, which was retired: copy the ring without it here")]
    Retired(KeyId),
}

/// Tells the other programs which key seals, where it is a newer one than they know of.
///
/// # Errors
/// Of the database alone.
pub async fn announce(ctx: &Context) -> Result<(), Error> {
    let known = ctx.db.read(|conn| facts::find(conn, PRIMARY_KEY)).await?;
    let primary = ctx.crypto.primary_key_id().to_string();
    let is_newer = known.as_deref().is_none_or(|known| {
        known != primary && KeyId::parse(known).is_none_or(|known| ctx.crypto.has_key(known))
    });
    if is_newer {
        ctx.db.write(move |conn| facts::put(conn, PRIMARY_KEY, &primary)).await?;
    }
    Ok(())
}
