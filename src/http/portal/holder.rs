//! Who may see a ticket: the browser that holds its cookie.
//!
//! The rule: without the cookie, with a wrong one, or with another ticket's, the answer is that for a stranger.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::cookies;
use crate::http::problem::Problem;
use crate::workflow::Context;
use crate::workflow::requester::{self, Status};

/// How long a browser keeps a ticket's cookie.
const SECONDS: i64 = 60 * 24 * 3600;

/// How many tickets are listed at most.
const SHOWN: usize = 5;

/// A ticket whose cookie the browser holds.
pub(super) struct Held {
    pub(super) reference: String,
    pub(super) token: String,
    pub(super) status: Status,
}

/// The ticket that the path names, if the browser may see it.
///
/// # Errors
/// Of the database.
pub(super) async fn look(request: &HttpRequest, ctx: &Context) -> Result<Option<Held>, Problem> {
    let Some(reference) = reference(request) else { return Ok(None) };
    let Some(token) = token(request, ctx, &reference) else { return Ok(None) };
    match requester::status(ctx, &reference, &token).await {
        Ok(status) => Ok(Some(Held { reference, token, status })),
        Err(Error::Rejected(Rejection::NotFound)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The reference in the path.
pub(super) fn reference(request: &HttpRequest) -> Option<String> {
    tidy(request.match_info().get("reference")?)
}

/// The token of a ticket that the browser holds, whatever it is worth.
pub(super) fn token(request: &HttpRequest, ctx: &Context, reference: &str) -> Option<String> {
    cookies::find(request, ctx, &cookies::ticket(reference))
}

/// The references of the tickets that the browser holds, a few of them.
pub(super) fn references(request: &HttpRequest, ctx: &Context) -> Vec<String> {
    let start = cookies::full_name(ctx, &cookies::ticket(""));
    let names = request.cookies().map(|all| all.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>());
    names.unwrap_or_default().iter().filter_map(|name| tidy(name.strip_prefix(&start)?)).take(SHOWN).collect()
}

/// Lets the browser hold a ticket.
pub(in crate::http) fn hold(ctx: &Context, reference: &str, token: &SecretString) -> Cookie<'static> {
    cookies::make(ctx, &cookies::ticket(reference), token.expose_secret().to_owned(), Some(SECONDS))
}

/// A reference as people write it: `rk 7q4m 2xkd` is `RK-7Q4M-2XKD`.
pub(super) fn tidy(written: &str) -> Option<String> {
    if written.len() > 64 {
        return None;
    }
    let bare: String = written
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let bare = bare.strip_prefix("RK").filter(|rest| rest.len() == 8).unwrap_or(&bare);
    let is_reference = bare.len() == 8 && bare.bytes().all(|b| matches!(b, b'2'..=b'9' | b'A'..=b'Z'));
    is_reference.then(|| bare.split_at(4)).map(|(first, second)| format!("RK-{first}-{second}"))
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn a_reference_is_read_as_people_write_it() {
        for written in
            ["RK-7Q4M-2XKD", " rk-7q4m-2xkd ", "rk 7q4m 2xkd", "RK7Q4M2XKD", "7q4m-2xkd", "RK–7Q4M–2XKD"]
        {
            assert_eq!(tidy(written).as_deref(), Some("RK-7Q4M-2XKD"), "{written}");
        }
        for written in
            ["", "RK", "RK-7Q4M", "RK-7Q4M-2XK0", "RK-7Q4M-2XKDD", "<script>", "RK-7Q4M-2XKÄ", "../../x"]
        {
            assert_eq!(tidy(written), None, "{written}");
        }
    }
}
