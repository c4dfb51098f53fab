//! Recovery codes as they are kept: a salted hash, sealed by the ring and bound to account and row.
//!
//! The rule: they live for years, so nothing of them may hang on one key of the ring: a rotation seals them anew. They
//! have eighty bits, so a fast hash is enough; sealed, because a dump alone shall give nothing to search.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{mac, parts};
use super::{Crypto, KeyId, Purpose, SealError};

/// What tells them from the digests of former versions, which begin with the id of a key.
const PREFIX: &str = "sealed:";
const SALT: usize = 32;

/// One code that is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeptCode<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// The id of its row.
    pub row: &'a str,
    /// What is kept of it.
    pub kept: &'a str,
}

impl KeptCode<'_> {
    /// Whether a former version made it: an HMAC under one key of the ring, which no rotation makes anew.
    #[must_use]
    pub fn is_former(&self) -> bool {
        !self.kept.starts_with(PREFIX)
    }

    /// The key that it hangs on.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        if self.is_former() {
            return self.kept.split_once(':').and_then(|(id, _)| KeyId::parse(id));
        }
        self.sealed().and_then(|sealed| KeyId::of_sealed(&sealed))
    }

    fn sealed(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.kept.strip_prefix(PREFIX)?).ok()
    }

    fn context(&self) -> [&str; 2] {
        [self.account, self.row]
    }
}

impl Crypto {
    /// What to keep of a recovery code in its canonical form.
    #[must_use]
    pub fn keep_recovery_code(&self, account: &str, row: &str, code: &str) -> String {
        let salt = self.random().bytes::<SALT>();
        let hash = hash(&salt, account, code);
        self.written(&[account, row], &Zeroizing::new([&salt[..], &hash[..]].concat()))
    }

    /// Whether `one` is what was kept of `code`. What was moved or changed, or lies under a key that was retired, fits
    /// no code.
    ///
    /// # Errors
    /// The ring lacks its key: whether the code is right cannot be said, and nothing may be counted.
    pub fn recovery_code_matches(&self, one: KeptCode<'_>, code: &str) -> Result<bool, SealError> {
        if one.is_former() {
            return self.code_matches(Purpose::RecoveryCode, &[one.account], code, one.kept);
        }
        let Some(sealed) = one.sealed() else { return Ok(false) };
        let opened = match self.open(Purpose::RecoveryCode, &one.context(), &sealed) {
            Ok(opened) => opened,
            Err(error @ SealError::UnknownKey(_)) => return Err(error),
            Err(_) => return Ok(false),
        };
        let Some((salt, kept)) = opened.split_first_chunk::<SALT>() else { return Ok(false) };
        Ok(hash(salt, one.account, code).ct_eq(kept).into())
    }

    /// The same code sealed under the primary key; none where it is, or where a former version made it.
    ///
    /// # Errors
    /// It does not open.
    pub fn reseal_recovery_code(&self, one: KeptCode<'_>) -> Result<Option<String>, SealError> {
        if one.is_former() || one.key() == Some(self.primary_key_id()) {
            return Ok(None);
        }
        let sealed = one.sealed().ok_or(SealError::Malformed)?;
        let opened = self.open(Purpose::RecoveryCode, &one.context(), &sealed)?;
        Ok(Some(self.written(&one.context(), &opened)))
    }

    fn written(&self, context: &[&str], hash: &[u8]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.seal(Purpose::RecoveryCode, context, hash)))
    }
}

fn hash(salt: &[u8; SALT], account: &str, code: &str) -> [u8; 32] {
    mac(salt, &["recovery code"], &Zeroizing::new(parts(&[account, code])))
}
