//! From one key to many: a sub-key for each purpose, and unambiguous input to hash or bind.
//!
//! The rule: two different lists of parts never make the same bytes.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The sub-key of `key` for one use (RFC 5869).
#[expect(clippy::expect_used, reason = "HKDF gives up to 8160 bytes; none of our keys comes near")]
pub(super) fn subkey<const N: usize>(key: &[u8; 32], purpose: &[&str]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(Some(b"rekey 1"), key).expand(&parts(purpose), &mut *out).expect("a short key");
    out
}

/// HMAC-SHA-256 under the sub-key of `key` for `purpose`, for bytes to come.
pub(super) fn keyed(key: &[u8; 32], purpose: &[&str]) -> Hmac<Sha256> {
    // As long as HMAC's block, so that the key fits without being padded or hashed.
    let subkey = subkey::<64>(key, purpose);
    Hmac::<Sha256>::new(&(*subkey).into())
}

/// HMAC-SHA-256 of `bytes` under the sub-key of `key` for `purpose`.
pub(super) fn mac(key: &[u8; 32], purpose: &[&str], bytes: &[u8]) -> [u8; 32] {
    keyed(key, purpose).chain_update(bytes).finalize().into_bytes().into()
}

/// Each part behind its length.
pub(super) fn parts(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}
