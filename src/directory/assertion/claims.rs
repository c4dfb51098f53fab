//! The claims of an assertion (RFC 7519), read as widely as the standard has them and judged by the time that is given.
//!
//! The rule to keep: strings are no numbers, a claim that is there twice is an error, and fractions of a second never
//! work for the bearer.

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::{Assertion, LEEWAY, LIFETIME, Refusal, is_word, time};
use crate::domain::Time;
use crate::domain::ids::ClientId;
use crate::domain::text::ExternalId;

/// Every claim that is read.
const NAMES: [&str; 10] = ["iss", "aud", "sub", "iat", "exp", "jti", "auth_time", "amr", "nbf", "pwd_at"];

/// The claims as they stand; serde refuses one that is there twice.
#[derive(Deserialize)]
pub(super) struct Claims {
    #[serde(default, deserialize_with = "present")]
    iss: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    sub: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    auth_time: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    amr: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pwd_at: Option<Value>,
}

/// `null` is there, and is no value that any claim may have.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The claim that a parser complains of.
pub(super) fn named(error: &serde_json::Error) -> Refusal {
    let told = error.to_string();
    let name = NAMES.into_iter().find(|name| told.contains(&format!("`{name}`")));
    name.map_or(Refusal::Claims, Refusal::Claim)
}

/// A `NumericDate` (RFC 7519 §2): seconds since 1970, which may have a fraction.
#[derive(Clone, Copy)]
struct Moment {
    floor: i64,
    ceil: i64,
}

impl Moment {
    fn read(value: Option<Value>, name: &'static str) -> Result<Self, Refusal> {
        let malformed = Refusal::Claim(name);
        let Some(Value::Number(number)) = value else { return Err(malformed) };
        let moment = Self::of(&number).ok_or(malformed)?;
        time(moment.floor).and_then(|_| time(moment.ceil)).map_err(|_| malformed)?;
        Ok(moment)
    }

    fn of(number: &Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            return Some(Self { floor: whole, ceil: whole });
        }
        let seconds = number.as_f64().filter(|seconds| (0.0..=1e12).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within bounds")]
        let whole = |seconds: f64| seconds as i64;
        Some(Self { floor: whole(seconds.floor()), ceil: whole(seconds.ceil()) })
    }
}

impl Claims {
    /// Checks issuer, audience, times and bounds of what was signed.
    pub(super) fn attested(self, host: &ClientId, audience: &str, now: Time) -> Result<Assertion, Refusal> {
        if text(self.iss, "iss")? != host.as_str() {
            return Err(Refusal::Issuer);
        }
        is_for(self.aud, audience)?;
        let (issued, expires) = (Moment::read(self.iat, "iat")?, Moment::read(self.exp, "exp")?.floor);
        let auth_time = Moment::read(self.auth_time, "auth_time")?;
        let not_before = self.nbf.map(|nbf| Moment::read(Some(nbf), "nbf")).transpose()?;
        let password_changed = self.pwd_at.map(|at| Moment::read(Some(at), "pwd_at")).transpose()?;
        if expires <= issued.ceil || expires - issued.floor > LIFETIME {
            return Err(Refusal::Lifetime);
        }
        let expires_at = time(expires.saturating_add(LEEWAY))?;
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        let latest = now.and_utc().timestamp().saturating_add(LEEWAY);
        let is_ahead = |moment: Moment| moment.ceil > latest;
        if is_ahead(issued) || is_ahead(auth_time) || not_before.is_some_and(is_ahead) {
            return Err(Refusal::Future);
        }
        let subject = ExternalId::parse(&text(self.sub, "sub")?).ok_or(Refusal::Claim("sub"))?;
        let jti = Some(text(self.jti, "jti")?).filter(|jti| is_word(jti)).ok_or(Refusal::Claim("jti"))?;
        Ok(Assertion {
            issuer: host.clone(),
            subject,
            jti,
            expires_at,
            auth_time: time(auth_time.floor)?,
            methods: methods(self.amr).ok_or(Refusal::Claim("amr"))?,
            password_changed_at: password_changed.map(|changed| time(changed.ceil)).transpose()?,
        })
    }
}

fn text(value: Option<Value>, name: &'static str) -> Result<String, Refusal> {
    match value {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Refusal::Claim(name)),
    }
}

/// Our name alone, as a text or as a list of one: for whomever else it is meant too could use it here.
fn is_for(aud: Option<Value>, audience: &str) -> Result<(), Refusal> {
    let names = match aud {
        Some(Value::String(name)) => vec![Value::String(name)],
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => names,
        _ => return Err(Refusal::Claim("aud")),
    };
    match names.as_slice() {
        [Value::String(name)] if name == audience => Ok(()),
        _ => Err(Refusal::Audience),
    }
}

fn methods(amr: Option<Value>) -> Option<Vec<String>> {
    let Some(Value::Array(methods)) = amr else { return None };
    let words = |method: Value| method.as_str().filter(|method| is_word(method)).map(str::to_owned);
    let methods: Option<Vec<String>> = methods.into_iter().map(words).collect();
    methods.filter(|methods| (1..=16).contains(&methods.len()))
}
