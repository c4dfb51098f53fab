//! Codes that people type: kept as keyed digests, so that a dump alone cannot be searched.
//!
//! The rule: a digest is bound to what the code is for; comparing takes the same time whether
//! a code is right or wrong.

use secrecy::SecretString;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{hex, mac, parts};
use super::ring::{Key, KeyId};
use super::{Crypto, PasswordError, Purpose, SealError};

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
    /// was when it was drawn: spaces are the caller's to remove. Under a key that was retired nothing matches.
    ///
    /// # Errors
    /// The ring lacks the key that it was made under: whether the code is right cannot be said, and nothing may be
    /// counted.
    pub fn code_matches(
        &self,
        purpose: Purpose,
        context: &[&str],
        code: &str,
        digest: &str,
    ) -> Result<bool, SealError> {
        let digest = split(digest);
        let ring = digest.map_or_else(|| self.ring(), |(id, _)| self.ring_with(id));
        // Nothing matches the empty digest; the work is done all the same.
        let (key, kept) = match digest.map(|(id, kept)| (ring.get(id), kept)) {
            Some((Ok(key), kept)) => (key, kept),
            Some((Err(error @ SealError::UnknownKey(_)), _)) => return Err(error),
            _ => (ring.primary(), ""),
        };
        Ok(hex(&keyed(key, purpose, context, code)).as_bytes().ct_eq(kept.as_bytes()).into())
    }

    /// Whether `kept` is the digest of `pin`, or its hash by Argon2id as former versions kept it.
    ///
    /// # Errors
    /// Too many hashes are waiting, `kept` is neither, or the ring lacks its key.
    pub async fn pin_matches(&self, context: &[&str], pin: &str, kept: &str) -> Result<bool, PasswordError> {
        let (id, rest) = split(kept).ok_or(PasswordError::Malformed)?;
        if !rest.starts_with('$') {
            return Ok(self.code_matches(Purpose::Pin, context, pin, kept)?);
        }
        let ring = self.ring_with(id);
        let key = match ring.get(id) {
            Err(SealError::Retired(_)) => return Ok(false),
            found => found?,
        };
        let digest = Zeroizing::new(hex(&keyed(key, Purpose::Pin, context, pin)));
        self.passwords().verify(rest, &digest).await
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

pub(super) fn keyed(key: &Key, purpose: Purpose, context: &[&str], code: &str) -> [u8; 32] {
    let mut bytes = Zeroizing::new(parts(context));
    bytes.extend(parts(&[code]));
    mac(&key.secret, &["code", purpose.as_str()], &bytes)
}

fn split(kept: &str) -> Option<(KeyId, &str)> {
    let (id, rest) = kept.split_once(':')?;
    Some((KeyId::parse(id)?, rest))
}
