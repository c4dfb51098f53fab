//! `Rekey-Assertion`: a token that a host signs for a person who is signed in there.
//!
//! The rule to keep (RFC 8725): the registered key decides the algorithm, everything is required, and nothing that the
//! header brings along (keys, addresses) is used. An assertion opens and activates tickets of its subject; it never
//! approves anything, and its `jti` must be stored and found new by the caller before it counts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use claims::{Claims, named, present};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use super::host_keys::{HostKeys, PublicKey};
use super::jwt_provider;
use crate::domain::Time;
use crate::domain::ids::ClientId;
use crate::domain::proof::FRESH_PASSWORD;
use crate::domain::text::ExternalId;

/// The longest token that is looked at, in bytes.
pub const LONGEST: usize = 4096;
/// How far a host's clock may be off, in seconds.
const LEEWAY: i64 = 5;
/// How long an assertion may be good for, in seconds.
const LIFETIME: i64 = 60;
const TYPE: &str = "rekey-assertion+jwt";

mod claims;

/// Why an assertion does not count. For the log only: whoever sent it learns nothing of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than 4 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of Base64url, a header without `alg` and `typ`, or one with `crit`.
    #[error("the token or its header is malformed")]
    Malformed,
    /// Another kind of token.
    #[error("the type of the token is not {TYPE}")]
    Type,
    /// The host has no key for this algorithm.
    #[error("the host has no key for the algorithm of the token")]
    Algorithm,
    /// No key of the host made this signature.
    #[error("the signature is wrong")]
    Signature,
    /// The payload is no JSON object.
    #[error("the claims are no JSON object")]
    Claims,
    /// This claim is missing, there twice, of the wrong type or out of bounds.
    #[error("the claim {0} is missing, doubled or malformed")]
    Claim(&'static str),
    /// `iss` is not the host.
    #[error("the issuer is another")]
    Issuer,
    /// `aud` is not this service.
    #[error("the audience is another")]
    Audience,
    /// `exp` is not after `iat`, or more than a minute after it.
    #[error("the token is good for too long")]
    Lifetime,
    /// `exp` is past.
    #[error("the token has expired")]
    Expired,
    /// `iat`, `nbf` or `auth_time` is in the future.
    #[error("the token is from the future")]
    Future,
}

/// What a host attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The host.
    pub issuer: ClientId,
    /// The account, by the host's own id.
    pub subject: ExternalId,
    /// To be stored until `expires_at`: each one counts once.
    pub jti: String,
    /// When `jti` may be forgotten: leeway included, the token is refused from then on.
    pub expires_at: Time,
    /// When the person signed in there.
    pub auth_time: Time,
    /// How (RFC 8176).
    pub methods: Vec<String>,
    /// When the password was last changed, if the host knows.
    pub password_changed_at: Option<Time>,
}

impl Assertion {
    /// Whether this stands for a fresh password: signed in at most five minutes ago, with a password or a
    /// hardware key. A password changed at or after `not_changed_since` spoils either, for whoever has taken
    /// over the mailbox could have reset it and then added a key.
    #[must_use]
    pub fn is_fresh_password(&self, now: Time, not_changed_since: Time) -> bool {
        now.signed_duration_since(self.auth_time) <= FRESH_PASSWORD
            && self.methods.iter().any(|method| method == "pwd" || method == "hwk")
            && self.password_changed_at.is_none_or(|changed| changed < not_changed_since)
    }
}

/// What is not understood is ignored (RFC 7515 §4), but for `crit`, which forbids that.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

/// Verifies a token of a host, all but the newness of its `jti`.
///
/// # Errors
/// The first reason why it does not count.
pub fn verify(token: &str, host: &HostKeys, audience: &str, now: Time) -> Result<Assertion, Refusal> {
    let header: Header = part(token, 0)?;
    if header.crit.is_some() {
        return Err(Refusal::Malformed);
    }
    if !is_type(&header.typ) {
        return Err(Refusal::Type);
    }
    let algorithm = match header.alg.as_str() {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        _ => return Err(Refusal::Algorithm),
    };
    let mut refusal = Refusal::Algorithm;
    for key in host.of(algorithm) {
        match open(token, key) {
            Ok(claims) => return claims.attested(host.client(), audience, now),
            Err(reason) => refusal = reason,
        }
        // Only a wrong signature leaves the question to the host's other key.
        if refusal != Refusal::Signature {
            break;
        }
    }
    Err(refusal)
}

/// A media type: its case does not matter, and `application/` may stand before it (RFC 7515 §4.1.9).
fn is_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ) == TYPE
}

/// The host that a token says it is from, to find its keys by. Nothing is verified yet.
#[must_use]
pub fn issuer_of(token: &str) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let Issuer { iss } = part(token, 1).ok()?;
    is_word(&iss).then(|| ClientId::new(iss))
}

/// The header (0) or the payload (1) of a token of three parts.
fn part<T: for<'de> Deserialize<'de>>(token: &str, index: usize) -> Result<T, Refusal> {
    if token.len() > LONGEST {
        return Err(Refusal::TooLong);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let part = parts.get(index).filter(|_| parts.len() == 3).ok_or(Refusal::Malformed)?;
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)
}

/// Checks the signature, and takes the claims out unjudged: of those the crate would read fewer forms than RFC 7519 has,
/// and the clock by itself.
fn open(token: &str, key: &PublicKey) -> Result<Claims, Refusal> {
    jwt_provider::install();
    // A header that names something in a form of its own: told apart from claims that are malformed.
    decode_header(token).map_err(|_| Refusal::Malformed)?;
    let mut validation = Validation::new(key.algorithm());
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    decode(token, key.decoding_key(), &validation).map(|data| data.claims).map_err(|error| {
        match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::Base64(_) => Refusal::Signature,
            ErrorKind::Json(error) => named(error),
            _ => Refusal::Malformed,
        }
    })
}

/// Seconds since 1970, up to the year 9999.
fn time(seconds: i64) -> Result<Time, Refusal> {
    let time =
        (0..=253_402_300_799).contains(&seconds).then(|| DateTime::from_timestamp(seconds, 0)).flatten();
    time.map(|time| time.naive_utc()).ok_or(Refusal::Claims)
}

fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
