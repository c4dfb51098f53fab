//! Codes that people type: kept as keyed digests, so that a dump alone cannot be searched.
//!
//! The rule: a digest is bound to what the code is for; comparing takes the same time whether
//! a code is right or wrong.

use secrecy::SecretString;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{hex, mac, parts};
use super::ring::{Key, KeyId};
use super::{Crypto, PasswordError, Purpose};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const RECOVERY: usize = 16;

impl Crypto {
    /// The digest of `code` to keep: the key's id, a colon, an HMAC in hexadecimal.
    #[must_use]
    pub fn code_digest(&self, purpose: Purpose, context: &[&str], code: &str) -> String {
        let ring = self.ring();
        let key = ring.primary();
        format!("{}:{}", key.id, hex(&keyed(key, purpose, context, code)))
    }

    /// Whether `digest` is that of `code`, under whichever key it was made. `code` is as it
    /// was when it was drawn: spaces are the caller's to remove.
    #[must_use]
    pub fn code_matches(&self, purpose: Purpose, context: &[&str], code: &str, digest: &str) -> bool {
        let digest = split(digest);
        let ring = digest.map_or_else(|| self.ring(), |(id, _)| self.ring_with(id));
        let (key, kept) = match digest.and_then(|(id, kept)| Some((ring.key(id)?, kept))) {
            Some(found) => found,
            // Nothing matches the empty digest; the work is done all the same.
            None => (ring.primary(), ""),
        };
        hex(&keyed(key, purpose, context, code)).as_bytes().ct_eq(kept.as_bytes()).into()
    }

    /// The hash of a PIN to keep: the key's id, a colon, Argon2id over the keyed digest.
    ///
    /// # Errors
    /// Too many hashes are waiting.
    pub async fn pin_hash(&self, context: &[&str], pin: &str) -> Result<String, PasswordError> {
        let ring = self.ring();
        let key = ring.primary();
        let digest = Zeroizing::new(hex(&keyed(key, Purpose::Pin, context, pin)));
        Ok(format!("{}:{}", key.id, self.passwords().hash(&digest).await?))
    }

    /// Whether `kept` is the hash of `pin`.
    ///
    /// # Errors
    /// Too many hashes are waiting, or `kept` is no such hash, or its key is gone.
    pub async fn pin_matches(&self, context: &[&str], pin: &str, kept: &str) -> Result<bool, PasswordError> {
        let (id, phc) = split(kept).ok_or(PasswordError::Malformed)?;
        let ring = self.ring_with(id);
        let key = ring.key(id).ok_or(PasswordError::Malformed)?;
        let digest = Zeroizing::new(hex(&keyed(key, Purpose::Pin, context, pin)));
        self.passwords().verify(phc, &digest).await
    }

    /// A recovery code of 80 bits as it is shown: `XXXX-XXXX-XXXX-XXXX`. Keep the digest of its
    /// [canonical form](canonical_recovery_code).
    #[must_use]
    pub fn recovery_code(&self) -> SecretString {
        let mut code = Zeroizing::new(String::with_capacity(RECOVERY + 3));
        // 32 divides 256, so that five bits of a byte are as good as any.
        for (at, byte) in self.random().bytes::<RECOVERY>().iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                code.push('-');
            }
            code.extend(BASE32.get(usize::from(byte & 31)).copied().map(char::from));
        }
        code.as_str().into()
    }
}

/// What was typed as a recovery code, without spaces, dashes and lower case; `None` if that is not
/// sixteen characters of Base32, or stands among more than 64.
#[must_use]
pub fn canonical_recovery_code(typed: &str) -> Option<Zeroizing<String>> {
    if typed.chars().nth(64).is_some() {
        return None;
    }
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(RECOVERY + 1);
    let mut code = Zeroizing::new(String::with_capacity(4 * RECOVERY + 4));
    code.extend(kept.map(|c| c.to_ascii_uppercase()));
    (code.len() == RECOVERY && code.bytes().all(|byte| BASE32.contains(&byte))).then_some(code)
}

fn keyed(key: &Key, purpose: Purpose, context: &[&str], code: &str) -> [u8; 32] {
    let mut bytes = Zeroizing::new(parts(context));
    bytes.extend(parts(&[code]));
    mac(&key.secret, &["code", purpose.as_str()], &bytes)
}

fn split(kept: &str) -> Option<(KeyId, &str)> {
    let (id, rest) = kept.split_once(':')?;
    Some((KeyId::parse(id)?, rest))
}
