//! What the host application signs for a person who is signed in there: the same token that any host would send.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use crate::crypto::Crypto;
use crate::workflow::Context;

/// `SubjectPublicKeyInfo` of Ed25519 up to its 32 bytes of key (RFC 8410).
const SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// How long a token is good, in seconds.
const LIFETIME: i64 = 60;
/// Since when everybody's password is the same, in seconds before the token.
const PASSWORD_AGE: i64 = 60 * 24 * 3600;

/// The key pair of the host application.
pub(super) struct Signer(Ed25519KeyPair);

/// What the host says.
pub(super) struct Claims<'a> {
    /// Its own id at Rekey.
    pub(super) host: &'a str,
    /// Its name for the account.
    pub(super) account: &'a str,
    /// When the person signed in, in Unix seconds.
    pub(super) since: i64,
    /// Whether a code was given beside the password.
    pub(super) with_code: bool,
}

impl Signer {
    /// A new pair.
    pub(super) fn draw(crypto: &Crypto) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(&*crypto.secret_bytes::<32>()).ok().map(Self)
    }

    /// The public key in PEM form, as hosts register it.
    pub(super) fn public_key(&self) -> String {
        let der = [SPKI, self.0.public_key().as_ref()].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// A token for Rekey, good for a minute.
    pub(super) fn sign(&self, ctx: &Context, claims: &Claims<'_>) -> String {
        let now = ctx.now();
        let second = now.and_utc().timestamp();
        let header = json!({ "alg": "EdDSA", "typ": "rekey-assertion+jwt" });
        let body = json!({
            "iss": claims.host,
            "aud": ctx.config.http.public_url,
            "sub": claims.account,
            "iat": second,
            "exp": second + LIFETIME,
            "jti": ctx.crypto.id(now),
            "auth_time": claims.since,
            "amr": if claims.with_code { vec!["pwd", "otp"] } else { vec!["pwd"] },
            "pwd_at": second - PASSWORD_AGE,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&body));
        let signature = self.0.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
