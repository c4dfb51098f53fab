//! Reading what came with a request: JSON bodies, queries, bearer tokens.
//!
//! The rule: who asks comes before what they ask. A handler authenticates first and reads the body afterwards, so
//! that strangers are answered 401 whatever they send.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, Payload, Query};
use serde::Deserialize as _;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::problem::Problem;

/// The longest body.
pub const LIMIT: usize = 64 * 1024;
/// The deepest nesting of arrays and objects.
const DEPTH: u8 = 8;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a JSON body: `application/json`, bounded in size, time and depth, no name twice. The type refuses fields
/// that it does not know (`deny_unknown_fields`).
///
/// # Errors
/// 408, 413, 415, or 422.
pub async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, Problem> {
    parse(&bytes(request, payload).await?)
}

/// The same where the body may be left out altogether, or be `null`.
///
/// # Errors
/// As [`json`].
pub async fn optional_json<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: Payload,
) -> Result<T, Problem> {
    let bytes = raw(payload).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    check_type(request.headers())?;
    if bytes.trim_ascii() == b"null" { Ok(T::default()) } else { parse(&bytes) }
}

/// The bytes of a JSON body, for a caller that also needs them as they came.
///
/// # Errors
/// 408, 413 or 415.
pub async fn bytes(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    check_type(request.headers())?;
    raw(payload).await
}

/// Reads JSON as strictly as [`json`] does.
///
/// # Errors
/// 422.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Shape { depth: DEPTH }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|_| Problem::invalid("The body is not JSON, nests too deep, or names a field twice."))?;
    // serde would take a list for an object, by the order of the fields.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::invalid("The body is no JSON object."));
    }
    serde_json::from_slice(bytes).map_err(|_| {
        Problem::invalid("A field is missing, unknown, or of another kind than this call takes.")
    })
}

/// Reads the query; the type refuses what it does not know.
///
/// # Errors
/// 422.
pub fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    Query::<T>::from_query(request.query_string())
        .map(Query::into_inner)
        .map_err(|_| Problem::invalid("The query has something unknown, twice, or of another kind."))
}

/// Reads a whole number that may be left out. JSON has one kind of number, so 3.0 is 3 (JSON Schema 2020-12 §4.2.3).
///
/// # Errors
/// It is another kind of value, has a fraction, or is too large.
pub fn whole<'de, D: Deserializer<'de>>(given: D) -> Result<Option<i32>, D::Error> {
    let Some(given) = Option::<f64>::deserialize(given)? else { return Ok(None) };
    // A number is written out in full, and with a point only where it has a fraction.
    given.to_string().parse().map(Some).map_err(D::Error::custom)
}

/// The bearer token that was presented, whatever it is worth.
///
/// # Errors
/// 401 where there is none.
pub fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let mut all = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (all.next(), all.next()) else { return Err(Problem::unauthenticated()) };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .ok_or_else(Problem::unauthenticated)
}

/// A header that may stand once; `None` where it does not.
///
/// # Errors
/// 422 where it stands twice or is not visible ASCII.
pub fn single_header<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut all = request.headers().get_all(name);
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| Problem::invalid("A header cannot be read."))
        }
        _ => Err(Problem::invalid("A header stands twice.")),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, parameters) = given.split_once(';').unwrap_or((given, ""));
    let charset = parameters.trim().to_ascii_lowercase().replace('"', "");
    if kind.trim().eq_ignore_ascii_case("application/json") && matches!(&*charset, "" | "charset=utf-8") {
        return Ok(());
    }
    Err(Problem::unacceptable(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."))
}

/// The bytes of a body, bounded in size and time.
///
/// # Errors
/// 408, 413, 422.
pub(super) async fn raw(payload: Payload) -> Result<Bytes, Problem> {
    let slow = |_| Problem::unacceptable(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive.");
    let big = |_| Problem::unacceptable(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB.");
    let read = tokio::time::timeout(PATIENCE, payload.to_bytes_limited(LIMIT)).await;
    read.map_err(slow)?.map_err(big)?.map_err(|_| Problem::invalid("The body broke off."))
}

/// Any JSON, read for its shape alone.
struct Shape {
    depth: u8,
}

impl Shape {
    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let depth = self.inner()?;
        while items.next_element_seed(Self { depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let depth = self.inner()?;
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("named twice"));
            }
            fields.next_value_seed(Self { depth })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeting {
        #[expect(dead_code, reason = "only its reading is looked at")]
        name: String,
    }

    #[test]
    fn eight_levels_are_read_and_nine_refused() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            format!("{{\"a\":{open}1{close}}}")
        };
        assert!(parse::<Value>(nested(8).as_bytes()).is_ok());
        assert!(parse::<Value>(nested(9).as_bytes()).is_err());
        assert!(parse::<Value>(nested(50_000).as_bytes()).is_err());
    }

    #[test]
    fn a_name_stands_once_and_nothing_stands_behind() {
        assert!(parse::<Greeting>(br#"{"name":"Ada"}"#).is_ok());
        for body in [
            r#"{"name":"Ada","name":"Eve"}"#,
            r#"{"name":"Ada","n\u0061me":"Eve"}"#,
            r#"{"name":"Ada","more":1}"#,
            r#"{"name":["Ada"]}"#,
            r#"{"name":"Ada"} {}"#,
            r#"{"name":1}"#,
            r#"["Ada"]"#,
            "{}",
            "",
            "{",
        ] {
            assert!(parse::<Greeting>(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse::<Value>(br#"{"a":{"b":1,"b":2}}"#).is_err(), "also within");
        assert!(parse::<Greeting>(b"{\"name\":\"\xff\"}").is_err());
    }
}
