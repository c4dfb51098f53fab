//! Sealing: XChaCha20-Poly1305 under a sub-key of the ring, bound to purpose and context.
//!
//! The rule: the context names everything that the value must not be moved between (account, row,
//! state); whatever differs at opening, the value does not open.
//!
//! Layout: version (1 byte), key id (4), nonce (24), ciphertext with its tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::derive::{parts, subkey};
use super::ring::{Key, KeyId, KeyRing};
use super::{Crypto, Purpose};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not one: too short, or of a version that this program does not know.
    #[error("this is no sealed value")]
    Malformed,
    /// Its key is not on the ring.
    #[error("key {0} is not on the key ring")]
    UnknownKey(KeyId),
    /// Its key was taken out of service.
    #[error("key {0} was retired")]
    Retired(KeyId),
    /// It was sealed for another purpose or context, or was changed.
    #[error("the sealed value was changed or moved")]
    Refused,
}

impl Crypto {
    /// Seals `plaintext` under the primary key, for one purpose and context.
    ///
    /// # Panics
    /// If the plaintext is longer than 256 GiB.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the cipher refuses only what is longer than 256 GiB")]
    pub fn seal(&self, purpose: Purpose, context: &[&str], plaintext: &[u8]) -> Vec<u8> {
        let ring = self.ring();
        let key = ring.primary();
        let nonce = self.random().bytes::<NONCE>();
        let bound = bound(key.id, purpose, context);
        let sealed = cipher(key, purpose)
            .encrypt(&XNonce::from(*nonce), Payload { msg: plaintext, aad: &bound })
            .expect("a short plaintext");
        [&[VERSION], &key.id.to_bytes()[..], &nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for exactly this purpose and context.
    ///
    /// # Errors
    /// It was not, its key is gone, or it was changed.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, rest) = split(sealed).ok_or(SealError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Malformed)?;
        let ring = self.ring_with(id);
        let key = ring.get(id)?;
        let bound = bound(id, purpose, context);
        cipher(key, purpose)
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &bound })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Refused)
    }
}

impl KeyRing {
    /// The key of that id; why not, where there is none.
    pub(super) fn get(&self, id: KeyId) -> Result<&Key, SealError> {
        self.key(id).ok_or(if self.is_retired(id) {
            SealError::Retired(id)
        } else {
            SealError::UnknownKey(id)
        })
    }
}

impl KeyId {
    /// The key that `sealed` was sealed under, so that a rotation finds what to seal anew.
    #[must_use]
    pub fn of_sealed(sealed: &[u8]) -> Option<Self> {
        split(sealed).map(|(id, _)| id)
    }
}

fn split(sealed: &[u8]) -> Option<(KeyId, &[u8])> {
    let (version, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_first_chunk::<4>()?;
    (*version == VERSION).then(|| (KeyId::from_bytes(*id), rest))
}

fn cipher(key: &Key, purpose: Purpose) -> XChaCha20Poly1305 {
    let subkey = subkey::<32>(&key.secret, &["seal", purpose.as_str()]);
    XChaCha20Poly1305::new(&(*subkey).into())
}

fn bound(id: KeyId, purpose: Purpose, context: &[&str]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&id.to_bytes());
    bytes.extend(parts(&[purpose.as_str()]));
    bytes.extend(parts(context));
    bytes
}
