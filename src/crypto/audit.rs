//! What makes the audit log hard to change: MACs, a hash chain, signed checkpoints.
//!
//! The rule: its keys come from a secret of their own that no rotation touches, so that
//! old entries stay verifiable.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Crypto;
use super::derive::mac;

impl Crypto {
    /// The MAC of an entry, over its canonical bytes.
    #[must_use]
    pub fn entry_mac(&self, entry: &[u8]) -> [u8; 32] {
        mac(&self.ring().audit.secret, &["audit entry"], entry)
    }

    /// Whether `kept` is the MAC of an entry.
    #[must_use]
    pub fn entry_mac_matches(&self, entry: &[u8], kept: &[u8]) -> bool {
        self.entry_mac(entry).ct_eq(kept).into()
    }

    /// The next link of the chain: `previous` is the link before, or zeros before the first.
    #[must_use]
    pub fn chain(&self, previous: &[u8; 32], entry: &[u8]) -> [u8; 32] {
        let link = Sha256::new().chain_update(previous).chain_update(entry).finalize();
        mac(&self.ring().audit.secret, &["audit chain"], &link)
    }

    /// Signs a checkpoint (Ed25519).
    #[must_use]
    pub fn sign_checkpoint(&self, checkpoint: &[u8]) -> Vec<u8> {
        self.ring().audit.signer.sign(checkpoint).as_ref().to_vec()
    }

    /// Whether a checkpoint was signed by this ring.
    #[must_use]
    pub fn verify_checkpoint(&self, checkpoint: &[u8], signature: &[u8]) -> bool {
        verify_checkpoint(&self.audit_public_key(), checkpoint, signature)
    }

    /// The key that checkpoints are verified with, in base64, to be kept off this machine.
    #[must_use]
    pub fn audit_public_key(&self) -> String {
        STANDARD.encode(self.ring().audit.signer.public_key())
    }
}

/// Whether a checkpoint was signed by the ring with this public key: needs no key ring.
#[must_use]
pub fn verify_checkpoint(public_key: &str, checkpoint: &[u8], signature: &[u8]) -> bool {
    STANDARD
        .decode(public_key)
        .is_ok_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(checkpoint, signature).is_ok())
}
