//! The key of the rows that decide: whoever writes to the database and has not the ring makes none that fits.
//!
//! The rule: it comes from the audit log's secret, which no rotation touches, so that rotation changes no row.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Crypto;
use super::derive::{hex, keyed};

/// The key that rows bear their MACs under. It was derived once; a clone costs nothing worth counting.
#[derive(Clone)]
pub struct RowKey(Hmac<Sha256>);

impl RowKey {
    pub(super) fn of(secret: &[u8; 32]) -> Self {
        Self(keyed(secret, &["row"]))
    }

    /// The MAC of a row, over its canonical bytes.
    #[must_use]
    pub fn mac(&self, row: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(row).finalize().into_bytes().into()
    }

    /// Whether `kept` is the MAC of a row.
    #[must_use]
    pub fn fits(&self, row: &[u8], kept: &[u8]) -> bool {
        self.mac(row).ct_eq(kept).into()
    }
}

impl Crypto {
    /// The key of the rows, the same over all rotations.
    #[must_use]
    pub fn row_key(&self) -> RowKey {
        self.ring().audit.rows.clone()
    }

    /// What only this ring can say of a word, in hexadecimal.
    #[must_use]
    pub fn row_mark(&self, word: &str) -> String {
        hex(&self.row_key().mac(word.as_bytes()))
    }
}
