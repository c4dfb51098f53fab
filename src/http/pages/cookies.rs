//! Cookies: `__Host-`, `Secure` and `HttpOnly`; on plain loopback without prefix and `Secure`, which browsers refuse
//! there.
//!
//! The rule: `Lax`, so that a link in a letter finds the person signed in; it is the form's token that stops forgers.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::Purpose;
use crate::http::problem::Problem;
use crate::workflow::Context;

/// The session of a member of the staff.
pub const STAFF: &str = "rekey_desk";

/// The session of an account's owner.
pub const OWNER: &str = "rekey_account";

/// Says that an account's password was typed in this browser before, and no more: it lets nobody in.
pub const KNOWN: &str = "rekey_known";

/// The cookie of one ticket.
#[must_use]
pub fn ticket(reference: &str) -> String {
    format!("rekey_ticket_{reference}")
}

/// A cookie of this site: for so many seconds, or until the browser is closed.
#[must_use]
pub fn make(ctx: &Context, name: &str, value: String, seconds: Option<i64>) -> Cookie<'static> {
    let secure = ctx.config.http.is_secure;
    let mut cookie = Cookie::build(full_name(ctx, name), value)
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .finish();
    if let Some(seconds) = seconds {
        cookie.set_max_age(Duration::seconds(seconds));
    }
    cookie
}

/// Takes the place of a cookie that should go.
#[must_use]
pub fn remove(ctx: &Context, name: &str) -> Cookie<'static> {
    let mut cookie = make(ctx, name, String::new(), None);
    cookie.make_removal();
    cookie
}

/// What the browser sent.
#[must_use]
pub fn find(request: &HttpRequest, ctx: &Context, name: &str) -> Option<String> {
    request
        .cookie(&full_name(ctx, name))
        .map(|cookie| cookie.value().to_owned())
        .filter(|value| !value.is_empty())
}

/// Adds a cookie to an answer.
pub fn set(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    if response.add_cookie(cookie).is_err() {
        tracing::error!("a cookie could not be written");
    }
}

/// A cookie that carries what only we may read and write.
///
/// # Errors
/// 500 where the value cannot be written down.
pub fn seal(
    ctx: &Context,
    name: &str,
    value: &impl Serialize,
    seconds: i64,
) -> Result<Cookie<'static>, Problem> {
    let plain = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    let sealed = ctx.crypto.seal(Purpose::Cookie, &[name], &plain);
    Ok(make(ctx, name, URL_SAFE_NO_PAD.encode(sealed), Some(seconds)))
}

/// What a sealed cookie carries, unless it is missing or not ours.
#[must_use]
pub fn open<T: DeserializeOwned>(request: &HttpRequest, ctx: &Context, name: &str) -> Option<T> {
    let sealed = URL_SAFE_NO_PAD.decode(find(request, ctx, name)?).ok()?;
    let plain = ctx.crypto.open(Purpose::Cookie, &[name], &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// The name that a cookie has in the browser.
#[must_use]
pub fn full_name(ctx: &Context, name: &str) -> String {
    if ctx.config.http.is_secure { format!("__Host-{name}") } else { name.to_owned() }
}
