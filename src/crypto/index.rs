//! Index digests: rows are looked up by them, so that a network or a name is found again but not read.
//!
//! The rule: they are made with the audit secret, which no rotation touches: a counter, a lock or a network that is
//! looked up under another digest than it was stored under is forgotten. What is only verified uses the ring's keys.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::code::keyed;
use super::derive::{hex, mac, parts};
use super::{Crypto, Purpose};

impl Crypto {
    /// The digest that `text` is looked up by: an HMAC in hexadecimal, the same over all rotations.
    #[must_use]
    pub fn index(&self, purpose: Purpose, context: &[&str], text: &str) -> String {
        let mut bytes = Zeroizing::new(parts(context));
        bytes.extend(parts(&[text]));
        hex(&mac(&self.ring().audit.secret, &["index", purpose.as_str()], &bytes))
    }

    /// The digests that former versions looked `text` up by, one for each key of the ring, the newest first.
    #[must_use]
    pub fn former_indexes(&self, purpose: Purpose, context: &[&str], text: &str) -> Vec<String> {
        let ring = self.ring();
        let keys = ring.keys.iter().chain([ring.primary()]).rev();
        keys.map(|key| format!("{}:{}", key.id, hex(&keyed(key, purpose, context, text)))).collect()
    }

    /// Whether `kept` is the index digest of `text`, or one that a former version made.
    #[must_use]
    pub fn index_matches(&self, purpose: Purpose, context: &[&str], text: &str, kept: &str) -> bool {
        let is_index = self.index(purpose, context, text).as_bytes().ct_eq(kept.as_bytes()).into();
        is_index || self.code_matches(purpose, context, text, kept).unwrap_or(false)
    }
}
