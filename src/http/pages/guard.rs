//! Forged forms: a POST must come from a page of ours, shown to the same browser.
//!
//! The rule: two independent looks. The browser says where the form comes from (`Sec-Fetch-Site`, `Origin`), and the
//! form carries a token that we bound to the browser's cookie, a new one for each page (so that compressed pages do
//! not give it away).

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::cookies;
use crate::crypto::Purpose;
use crate::http::body::single_header;
use crate::http::problem::Problem;
use crate::workflow::Context;

/// The name of the token's field.
pub const FIELD: &str = "form_token";
/// The name of the cookie that tokens are bound to.
const COOKIE: &str = "rekey_form";

/// A browser, told from others by a cookie that says nothing else.
pub struct Seat {
    value: String,
    is_fresh: bool,
}

impl Seat {
    /// The browser that asks; one without the cookie gets it.
    #[must_use]
    pub fn of(request: &HttpRequest, ctx: &Context) -> Self {
        match cookies::find(request, ctx, COOKIE) {
            Some(value) => Self { value, is_fresh: false },
            None => Self { value: draw(ctx), is_fresh: true },
        }
    }

    /// What tells the browser from others; nobody else knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.value
    }

    /// A token for a form, good in this browser alone.
    #[must_use]
    pub fn token(&self, ctx: &Context) -> String {
        let nonce = draw(ctx);
        let digest = ctx.crypto.code_digest(Purpose::Form, &[&self.value], &nonce);
        format!("{nonce}.{digest}")
    }

    /// The cookie, where the browser does not have it yet.
    #[must_use]
    pub fn cookie(&self, ctx: &Context) -> Option<Cookie<'static>> {
        self.is_fresh.then(|| cookies::make(ctx, COOKIE, self.value.clone(), None))
    }
}

fn draw(ctx: &Context) -> String {
    URL_SAFE_NO_PAD.encode(*ctx.crypto.secret_bytes::<16>())
}

/// Refuses what a browser says comes from elsewhere. What is no browser says nothing, and has no cookies to abuse.
///
/// # Errors
/// 403.
pub fn check_origin(request: &HttpRequest, ctx: &Context) -> Result<(), Problem> {
    let site = single_header(request, "sec-fetch-site").map_err(|_| forged())?;
    let origin = single_header(request, "origin").map_err(|_| forged())?;
    let is_ours = match (site, origin) {
        (Some(site), Some("null")) => site == "same-origin",
        (Some(site), origin) => {
            site == "same-origin" && origin.is_none_or(|origin| origin == ctx.config.http.public_url)
        }
        (None, Some(origin)) => origin == ctx.config.http.public_url,
        (None, None) => true,
    };
    if is_ours { Ok(()) } else { Err(forged()) }
}

/// Refuses a form whose token is missing, changed, or of another browser. Returns the browser's cookie and what tells the
/// token from others.
///
/// # Errors
/// 403.
pub(super) fn check_token(
    request: &HttpRequest,
    ctx: &Context,
    token: &str,
) -> Result<(String, String), Problem> {
    let cookie = cookies::find(request, ctx, COOKIE).ok_or_else(forged)?;
    let (nonce, digest) = token.split_once('.').ok_or_else(forged)?;
    // Whoever sent it chose the key's id: one that is not on the ring makes it no better than another forged one.
    let is_ours = ctx.crypto.code_matches(Purpose::Form, &[&cookie], nonce, digest).unwrap_or(false);
    if is_ours { Ok((cookie.clone(), nonce.to_owned())) } else { Err(forged()) }
}

fn forged() -> Problem {
    Problem::forbidden(
        "This form was not sent from a page of this site in this browser, or cookies are blocked. Nothing was \
         changed. Open the page again and send it once more.",
    )
}
