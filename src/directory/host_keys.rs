//! The public keys that a host registered, one, or two while it changes them.
//!
//! The rule to keep: a key is Ed25519 or P-256, and says itself which algorithm it is for. Both are
//! recognised by the exact bytes of their form (RFC 8410, RFC 5480), so nothing else gets through.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::domain::ids::ClientId;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// `SubjectPublicKeyInfo` of Ed25519 up to its 32 bytes of key.
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// `SubjectPublicKeyInfo` of P-256 up to its point: `04`, x and y, 65 bytes.
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

/// Why a key cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `-----BEGIN PUBLIC KEY-----` with Base64 inside.
    #[error("not a public key in PEM form")]
    NotPem,
    /// Somebody is about to hand out what signs.
    #[error("this is a private key; register the public one, and replace this pair if it was sent to anyone")]
    Private,
    /// Another kind of key.
    #[error("only Ed25519 and P-256 (uncompressed) keys are supported")]
    Unsupported,
    /// None, or more than two.
    #[error("a host registers one key, or two while it changes them")]
    Count,
}

/// A public key and the one algorithm that it is for.
#[derive(Debug, Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl PublicKey {
    /// Reads one key in PEM form.
    ///
    /// # Errors
    /// Says what is wrong with the key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let inner = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let base64: String = inner.ok_or(KeyError::NotPem)?.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| KeyError::NotPem)?;
        if let Some(key) = der.strip_prefix(ED25519).filter(|key| key.len() == 32) {
            return Ok(Self { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(key) });
        }
        match der.strip_prefix(P256) {
            Some(point @ [0x04, coordinates @ ..]) if coordinates.len() == 64 => {
                Ok(Self { algorithm: Algorithm::ES256, key: DecodingKey::from_ec_der(point) })
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }
}

/// A host and its keys.
#[derive(Debug, Clone)]
pub struct HostKeys {
    client: ClientId,
    keys: Vec<PublicKey>,
}

impl HostKeys {
    /// Reads one or two keys in PEM form, one after the other.
    ///
    /// # Errors
    /// Says what is wrong with the keys.
    pub fn from_pem(client: ClientId, text: &str) -> Result<Self, KeyError> {
        let keys = text
            .trim()
            .split_inclusive(END)
            .take(3)
            .map(PublicKey::from_pem)
            .collect::<Result<Vec<_>, _>>()?;
        if (1..=2).contains(&keys.len()) { Ok(Self { client, keys }) } else { Err(KeyError::Count) }
    }

    /// The host's id, which its assertions name as `iss`.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// The keys for one algorithm.
    pub(super) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().filter(move |key| key.algorithm == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Made by OpenSSL.
    const ED: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA+fZq3FTILKJEubwlM5kTFB5TOoAd0Y5wde2pJT+vPFE=\n\
                      -----END PUBLIC KEY-----\n";
    const EC: &str = "-----BEGIN PUBLIC KEY-----\n\
                      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEB5rj6cZeY3/nWxkxCQd7bv5zt54p\n\
                      sUfgyJL/3HfaDOWdmFeyMliZfku8bGtoFlhiSdR1hKCkXvR/9IiecBmRXw==\n\
                      -----END PUBLIC KEY-----\n";

    fn pem(base64: &str) -> String {
        format!("{BEGIN}\n{base64}\n{END}\n")
    }

    fn refused(text: &str) -> KeyError {
        PublicKey::from_pem(text).map(|key| key.algorithm).unwrap_err()
    }

    #[test]
    fn keys_that_openssl_writes_are_read() {
        assert_eq!(PublicKey::from_pem(ED).unwrap().algorithm(), Algorithm::EdDSA);
        assert_eq!(PublicKey::from_pem(EC).unwrap().algorithm(), Algorithm::ES256);
        assert_eq!(PublicKey::from_pem(&EC.replace('\n', "\r\n")).unwrap().algorithm(), Algorithm::ES256);
    }

    #[test]
    fn other_kinds_of_key_are_refused() {
        for base64 in [
            // secp384r1, secp256k1, P-256 compressed, X25519, Ed448
            "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEo7afVKJ6At6fgcPCs9wm7ATjzRs12ZTV+1W/uNirpXUFzfsOg1vBDp+MAfnpR1N9Fq34I4wSdmrRDm2km2KYwouzut5jgt+jYNly6M02619+8Y+D91GnChZ8JvSweebn",
            "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEAxdcJ7gr49PsyhLvEpD0gsGJZrlQMbBZ7YfogeizMcZieZaTjKAbl2BKvMuKj69ijHLOKZlEWcAjQzXufg3+CA==",
            "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADB5rj6cZeY3/nWxkxCQd7bv5zt54psUfgyJL/3HfaDOU=",
            "MCowBQYDK2VuAyEAoDw4WPNqlOtsQGHCVDFT91lw9jsY/y0ktPo/yhthrXY=",
            "MEMwBQYDK2VxAzoAMLrYYP7jARina7HyjgXNQq904Z0s4HF4cldnttC8CF+SBw9S/8gV82BnR88q1/RNW1RpdqmJyBcA",
        ] {
            assert_eq!(refused(&pem(base64)), KeyError::Unsupported, "{base64}");
        }
        assert_eq!(refused(&pem("")), KeyError::Unsupported);
        assert_eq!(refused(&pem("not base64!")), KeyError::NotPem);
        assert_eq!(refused("MCowBQYDK2VwAyEA"), KeyError::NotPem);
        assert_eq!(refused(""), KeyError::NotPem);
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----";
        assert_eq!(refused(private), KeyError::Private);
    }

    #[test]
    fn a_host_has_one_key_or_two() {
        let count = |text: &str| HostKeys::from_pem(ClientId::new("host"), text).map(|host| host.keys.len());
        assert_eq!(count(ED), Ok(1));
        assert_eq!(count(&format!("{EC}{ED}")), Ok(2));
        assert_eq!(count(&format!("{ED}\n{EC}{ED}")), Err(KeyError::Count));
        assert_eq!(count(""), Err(KeyError::Count));
        assert_eq!(count(&format!("{ED}and more")), Err(KeyError::NotPem));
        assert_eq!(count(&format!("{ED}-----BEGIN PRIVATE KEY-----")), Err(KeyError::Private));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>(), der in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = HostKeys::from_pem(ClientId::new("host"), &text);
            prop_assert!(PublicKey::from_pem(&pem(&STANDARD.encode(der))).is_err());
        }
    }
}
