//! `Rekey-Assertion`: a token that a host signs for a person who is signed in there.
//!
//! The rule to keep (RFC 8725): the registered key decides the algorithm, everything is required, and
//! what is not understood is refused. An assertion opens and activates tickets of its subject; it never
//! approves anything, and its `jti` must be stored and found new by the caller before it counts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::{Deserialize, Deserializer};

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

/// Why an assertion does not count. For the log only: whoever sent it learns nothing of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than 4 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of Base64url, or a header that has more than `alg`, `typ` and `kid`.
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
    /// A claim is missing, there twice, of the wrong type or out of bounds.
    #[error("a claim is missing, doubled or malformed")]
    Claims,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    // Hosts may name their key, but the registered ones are few enough to try.
    #[serde(default, rename = "kid")]
    _kid: Option<String>,
}

/// Strings are no numbers, lists are no strings, and a claim that is there twice is an error.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    _iss: String,
    #[serde(rename = "aud")]
    _aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    jti: String,
    auth_time: i64,
    amr: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    pwd_at: Option<i64>,
}

/// May be left out, but not `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// Verifies a token of a host, all but the newness of its `jti`.
///
/// # Errors
/// The first reason why it does not count.
pub fn verify(token: &str, host: &HostKeys, audience: &str, now: Time) -> Result<Assertion, Refusal> {
    let header: Header = part(token, 0)?;
    if header.typ != TYPE {
        return Err(Refusal::Type);
    }
    let algorithm = match header.alg.as_str() {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        _ => return Err(Refusal::Algorithm),
    };
    let mut refusal = Refusal::Algorithm;
    for key in host.of(algorithm) {
        match open(token, key, host.client(), audience) {
            Ok(claims) => return claims.attested(host.client(), now),
            Err(reason) => refusal = reason,
        }
        // Only a wrong signature leaves the question to the host's other key.
        if refusal != Refusal::Signature {
            break;
        }
    }
    Err(refusal)
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

/// Checks signature, issuer and audience, and reads the claims.
fn open(token: &str, key: &PublicKey, issuer: &ClientId, audience: &str) -> Result<Claims, Refusal> {
    jwt_provider::install();
    let mut validation = Validation::new(key.algorithm());
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer.as_str()]);
    validation.set_audience(&[audience]);
    // For these the crate would read the clock itself. `attested` is given the time.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    decode(token, key.decoding_key(), &validation).map(|data| data.claims).map_err(|error| {
        match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::Base64(_) => Refusal::Signature,
            ErrorKind::Json(_) | ErrorKind::MissingRequiredClaim(_) => Refusal::Claims,
            ErrorKind::InvalidIssuer => Refusal::Issuer,
            ErrorKind::InvalidAudience => Refusal::Audience,
            _ => Refusal::Malformed,
        }
    })
}

impl Claims {
    /// Checks times and bounds of what was signed.
    fn attested(self, host: &ClientId, now: Time) -> Result<Assertion, Refusal> {
        let seconds = now.and_utc().timestamp();
        let (issued, expires) = (time(self.iat)?, time(self.exp.saturating_add(LEEWAY))?);
        let auth_time = time(self.auth_time)?;
        let not_before = self.nbf.map(time).transpose()?;
        let password_changed_at = self.pwd_at.map(time).transpose()?;
        if self.exp <= self.iat || self.exp - self.iat > LIFETIME {
            return Err(Refusal::Lifetime);
        }
        if expires <= now {
            return Err(Refusal::Expired);
        }
        let latest = time(seconds.saturating_add(LEEWAY))?;
        if issued > latest || auth_time > latest || not_before.is_some_and(|start| start > latest) {
            return Err(Refusal::Future);
        }
        let are_methods = (1..=16).contains(&self.amr.len()) && self.amr.iter().all(|method| is_word(method));
        match ExternalId::parse(&self.sub) {
            Some(subject) if are_methods && is_word(&self.jti) => Ok(Assertion {
                issuer: host.clone(),
                subject,
                jti: self.jti,
                expires_at: expires,
                auth_time,
                methods: self.amr,
                password_changed_at,
            }),
            _ => Err(Refusal::Claims),
        }
    }
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
