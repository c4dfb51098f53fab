//! Everything secret: the key ring, what it seals and proves, and all randomness.
//!
//! The rule: a key never leaves this folder, every use of one names its purpose, and nobody
//! else meets the generator.

mod audit;
mod call_words;
mod code;
mod derive;
mod draw;
mod index;
mod password;
mod random;
mod recovery_code;
mod ring;
mod ring_file;
mod rows;
mod seal;
mod token;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::Time;

pub use audit::verify_checkpoint;
pub use code::canonical_recovery_code;
pub(crate) use password::composed;
pub use password::{PasswordError, Passwords};
pub use random::Random;
pub use recovery_code::KeptCode;
pub use ring::{KeyId, KeyRing, RingError};
pub use rows::RowKey;
pub use seal::SealError;
pub use token::{TokenKind, token_hash};

/// What a key is used for: nothing that was made for one purpose serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The shared secret of an account's authenticator.
    AuthenticatorSecret,
    /// The shared secret of a staff member's authenticator.
    StaffSecret,
    /// A letter that waits to be sent.
    Letter,
    /// The first answer to a request that may be repeated.
    Idempotency,
    /// The code that proves a mailbox.
    MailboxCode,
    /// The code that a manager vouches with.
    VouchCode,
    /// The PIN that is read out on a verified call.
    Pin,
    /// A saved recovery code.
    RecoveryCode,
    /// Where a request came from, comparable but not readable.
    Network,
    /// What binds a form to the browser that it was shown in.
    Form,
    /// What a browser keeps for us between two pages.
    Cookie,
    /// That an account's password was typed in a browser before.
    KnownBrowser,
    /// The words that an agent says first on a call.
    CallWords,
}

impl Purpose {
    /// Part of what was sealed and hashed: a word that is here stays as it is.
    fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticatorSecret => "authenticator secret",
            Self::StaffSecret => "staff secret",
            Self::Letter => "letter",
            Self::Idempotency => "idempotency",
            Self::MailboxCode => "mailbox code",
            Self::VouchCode => "vouch code",
            Self::Pin => "pin",
            Self::RecoveryCode => "recovery code",
            Self::Network => "network",
            Self::Form => "form",
            Self::Cookie => "cookie",
            Self::KnownBrowser => "known browser",
            Self::CallWords => "call words",
        }
    }
}

/// The key ring at work. Cheap to clone; clones share the ring.
#[derive(Clone)]
pub struct Crypto {
    inner: Arc<Inner>,
}

struct Inner {
    ring: RwLock<Arc<KeyRing>>,
    /// Where the ring is kept, if it is kept in a file.
    file: Option<PathBuf>,
    random: Random,
    passwords: Passwords,
    /// How many identifiers were made.
    ids: AtomicU32,
}

impl Crypto {
    /// Works with `ring`, the system's generator, and passwords at full cost.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self::with(ring, Random::system(), Passwords::new())
    }

    /// The same with a ring that is kept in this file: a key that was added there meanwhile is found when something is
    /// sealed under it.
    #[must_use]
    pub fn of_file(ring: KeyRing, file: PathBuf) -> Self {
        Self::build(ring, Some(file), Random::system(), Passwords::new())
    }

    /// The same with other means, for tests.
    #[must_use]
    pub fn with(ring: KeyRing, random: Random, passwords: Passwords) -> Self {
        Self::build(ring, None, random, passwords)
    }

    fn build(ring: KeyRing, file: Option<PathBuf>, random: Random, passwords: Passwords) -> Self {
        Self {
            inner: Arc::new(Inner {
                ring: RwLock::new(Arc::new(ring)),
                file,
                random,
                passwords,
                ids: AtomicU32::new(0),
            }),
        }
    }

    /// Takes over a ring that was rotated, so that what other programs sealed opens here.
    ///
    /// # Errors
    /// It is another ring altogether, or has lost the key that is in use.
    pub fn replace_ring(&self, ring: KeyRing) -> Result<(), RingError> {
        let mut held = self.inner.ring.write().unwrap_or_else(PoisonError::into_inner);
        let used = held.primary().id;
        if ring.ring_id() != held.ring_id() || (ring.key(used).is_none() && !ring.is_retired(used)) {
            return Err(RingError::Another);
        }
        *held = Arc::new(ring);
        Ok(())
    }

    /// Which ring this is; the same over all its rotations.
    #[must_use]
    pub fn ring_id(&self) -> String {
        self.ring().ring_id()
    }

    /// The key that seals now.
    #[must_use]
    pub fn primary_key_id(&self) -> KeyId {
        self.ring().primary().id
    }

    /// The ids of all keys, the primary one last, with the time that each was made.
    #[must_use]
    pub fn key_ids(&self) -> Vec<(KeyId, Time)> {
        self.ring().key_ids()
    }

    /// Whether the ring has this key, also after reading its file again.
    #[must_use]
    pub fn has_key(&self, id: KeyId) -> bool {
        self.ring_with(id).key(id).is_some()
    }

    /// The keys that were taken out of service.
    #[must_use]
    pub fn retired_ids(&self) -> Vec<KeyId> {
        self.ring().retired.clone()
    }

    /// Whether this key was taken out of service.
    #[must_use]
    pub fn is_retired(&self, id: KeyId) -> bool {
        self.ring().is_retired(id)
    }

    /// Whether `ring` has the same keys as the one in use.
    #[must_use]
    pub fn has_keys_of(&self, ring: &KeyRing) -> bool {
        let held = self.ring();
        held.key_ids() == ring.key_ids() && held.retired == ring.retired
    }

    /// Hashing of passwords, bounded.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    fn next_id(&self) -> u32 {
        self.inner.ids.fetch_add(1, Ordering::Relaxed)
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.inner.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ring, read again where it has no such key: another program may have rotated it a moment ago.
    fn ring_with(&self, id: KeyId) -> Arc<KeyRing> {
        let ring = self.ring();
        if ring.key(id).is_some() || ring.is_retired(id) {
            return ring;
        }
        let read = self.inner.file.as_deref().and_then(|file| KeyRing::load(file).ok());
        let is_replaced = read.is_some_and(|read| self.replace_ring(read).is_ok());
        if is_replaced { self.ring() } else { ring }
    }

    fn random(&self) -> &Random {
        &self.inner.random
    }
}
