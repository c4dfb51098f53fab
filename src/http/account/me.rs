//! Who is signed in at the account pages: the session behind the cookie, and the family of the browser.

use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::http::pages::cookies;
use crate::http::problem::Problem;
use crate::http::trace;
use crate::workflow::Context;
use crate::workflow::owner::{self, OwnerSession};

/// The owner, signed in altogether or with a code still awaited.
///
/// # Errors
/// Of the database.
pub(super) async fn find(request: &HttpRequest, ctx: &Context) -> Result<Option<OwnerSession>, Problem> {
    let Some(token) = cookies::find(request, ctx, cookies::OWNER) else { return Ok(None) };
    match owner::authenticate(ctx, &token).await {
        Ok(me) => {
            trace::name_sender("owner", me.account.as_str());
            Ok(Some(me))
        }
        Err(Error::Unauthenticated) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The owner, if nothing more is asked for.
///
/// # Errors
/// Of the database.
pub(super) async fn full(request: &HttpRequest, ctx: &Context) -> Result<Option<OwnerSession>, Problem> {
    Ok(find(request, ctx).await?.filter(|me| me.is_full))
}

/// Hands the browser the session's token: until it is closed, or the session ends.
pub(super) fn keep(ctx: &Context, response: &mut HttpResponse, token: &SecretString) {
    let token = token.expose_secret().to_owned();
    cookies::set(response, &cookies::make(ctx, cookies::OWNER, token, None));
}

/// The family of the browser that asks and of its device, in words of ours alone.
pub(super) fn browser(request: &HttpRequest) -> String {
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    family(agent)
}

/// In this order: browsers name those that they want to be taken for, too.
const FAMILIES: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari/", "Safari"),
];

const DEVICES: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
];

fn family(agent: &str) -> String {
    let word =
        |of: &[(&str, &'static str)]| of.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, word)| *word);
    match (word(&FAMILIES), word(&DEVICES)) {
        (Some(browser), Some(device)) => format!("{browser} on {device}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(device)) => format!("A browser on {device}"),
        (None, None) => "Another browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{DEVICES, FAMILIES, family};

    #[test]
    fn browsers_are_told_by_what_they_are_and_not_by_what_they_want_to_be_taken_for() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"),
            ("curl/8.0", "Another browser"),
            ("", "Another browser"),
        ] {
            assert_eq!(family(agent), words);
        }
    }

    proptest! {
        #[test]
        fn nothing_of_the_header_is_repeated(agent in ".{0,200}") {
            let words = family(&agent);
            let known = FAMILIES.iter().chain(&DEVICES).map(|(_, word)| *word);
            let rest = known.fold(words, |words, known| words.replace(known, ""));
            prop_assert!(["", " on ", "A browser on ", "Another browser"].contains(&&*rest), "{}", rest);
        }
    }
}
