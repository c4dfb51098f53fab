//! Reading a form: `application/x-www-form-urlencoded`, bounded, from one of our own pages.
//!
//! The rule: every POST of a page goes through [`read`], which looks at where it comes from before what it says.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Payload, Query};
use actix_web::{HttpMessage, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::guard;
use crate::http::body;
use crate::http::problem::Problem;
use crate::workflow::Context;
use crate::workflow::once::Repeatable;

/// A form that has nothing but its button.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {}

/// Reads a form. The type refuses fields that it does not know (`deny_unknown_fields`); a field that may be left
/// empty has `#[serde(default)]`.
///
/// # Errors
/// 403 where it does not come from a page of ours; 408, 413, 415, 422.
pub async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    ctx: &Context,
) -> Result<T, Problem> {
    Ok(read_once(request, payload, ctx).await?.0)
}

/// The same for a form that acts: what it asks for is done once, however often it is sent.
///
/// # Errors
/// As [`read`].
pub async fn read_once<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    ctx: &Context,
) -> Result<(T, Sent), Problem> {
    let (sent, rest) = checked(request, payload, ctx).await?;
    Ok((parse(&rest)?, sent))
}

/// A form as it was sent: from which browser, off which page, with what filled in.
pub struct Sent {
    seat: String,
    nonce: String,
    fields: String,
}

impl Sent {
    /// A context in which the next write is what the form asks for, done once for whoever sends it; the first answer is a
    /// redirect to a place, or shows what is shown once, which the place tells of.
    #[must_use]
    pub fn once(&self, request: &HttpRequest, ctx: &Context, who: &str, place: &str) -> Context {
        let whose = [self.seat.as_str(), who, request.path(), self.nonce.as_str()];
        let act = Repeatable::form(ctx, &whose, &self.fields);
        request.extensions_mut().insert(act.clone());
        ctx.once(&act, place.as_bytes())
    }
}

/// The fields of a form that nobody may send any more, whatever they are; it comes from a page of ours as any other.
///
/// # Errors
/// As [`read`].
pub async fn fields(
    request: &HttpRequest,
    payload: Payload,
    ctx: &Context,
) -> Result<Vec<(String, String)>, Problem> {
    let (_, rest) = checked(request, payload, ctx).await?;
    Ok(form_urlencoded::parse(rest.as_bytes()).into_owned().collect())
}

async fn checked(request: &HttpRequest, payload: Payload, ctx: &Context) -> Result<(Sent, String), Problem> {
    guard::check_origin(request, ctx)?;
    check_type(request)?;
    let bytes = body::raw(payload).await?;
    let (token, rest) = take_token(&bytes)?;
    let (seat, nonce) = guard::check_token(request, ctx, &token)?;
    let fields = if request.path().starts_with("/desk/") { without_code(&rest) } else { rest.clone() };
    Ok((Sent { seat, nonce, fields }, rest))
}

/// At the desk a fresh code says who sends a form, and nothing of what it does.
fn without_code(form: &str) -> String {
    let fields = form_urlencoded::parse(form.as_bytes()).filter(|(name, _)| name != "code");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let detail = "Send the form as application/x-www-form-urlencoded.";
    Err(Problem::unacceptable(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The token, and the form without it.
fn take_token(bytes: &[u8]) -> Result<(String, String), Problem> {
    let mut token = None;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(bytes) {
        if name != guard::FIELD {
            rest.append_pair(&name, &value);
        } else if token.replace(value.into_owned()).is_some() {
            return Err(not_understood());
        }
    }
    Ok((token.unwrap_or_default(), rest.finish()))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    Query::<T>::from_query(text).map(Query::into_inner).map_err(|_| not_understood())
}

fn not_understood() -> Problem {
    Problem::invalid("The form has a field that does not belong to it, lacks one, or has one twice.")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Button, parse, take_token};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeting {
        name: String,
        #[serde(default)]
        text: String,
    }

    #[test]
    fn a_form_has_its_own_fields_each_once() {
        let form: Greeting = parse("name=Ada+L&text=a%0D%0Ab").unwrap();
        assert_eq!((&*form.name, &*form.text), ("Ada L", "a\r\nb"));
        assert_eq!(parse::<Greeting>("name=Ada").unwrap().text, "");
        for text in ["", "text=a", "name=a&name=b", "name=a&role=admin", "name[]=a"] {
            assert!(parse::<Greeting>(text).is_err(), "{text}");
        }
        assert!(parse::<Button>("").is_ok() && parse::<Button>("a=b").is_err());
    }

    #[test]
    fn the_token_is_taken_out_and_stands_once() {
        let (token, rest) = take_token(b"a=1+2&form_token=x.y&b=%26").unwrap();
        assert_eq!((&*token, &*rest), ("x.y", "a=1+2&b=%26"));
        assert_eq!(take_token(b"a=1").unwrap().0, "");
        assert!(take_token(b"form_token=x&form_token=y").is_err());
    }
}
