//! The manager's answer: the link of their letter carries a token in its fragment, the letter's code is typed.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::dead_link;
use crate::crypto::TokenKind;
use crate::domain::rejection::Rejection;
use crate::domain::totp::Code;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::verify::answer_vouch;

/// Where a manager is thanked.
const THANKS: &str = "/vouch/thanks";

#[derive(Template)]
#[template(path = "portal/vouch.html")]
struct VouchPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "portal/vouch_thanks.html")]
struct ThanksPage<'a> {
    f: &'a Frame,
}

/// Asks for the code.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    ask(&request, &ctx, StatusCode::OK, "", &Errors::default())
}

fn ask(request: &HttpRequest, ctx: &Context, status: StatusCode, link: &str, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    frame.page(status, &VouchPage { f: &frame, errors, link })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VouchForm {
    #[serde(default)]
    link: String,
    #[serde(default)]
    code: String,
}

/// Takes the manager's word.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (VouchForm, _) = form::read_once(&request, payload, &ctx).await?;
    let token = token_in(TokenKind::Vouch, &form.link);
    let mut errors = Errors::default();
    errors.require(token.is_some(), "link", "Paste the whole link from the letter");
    errors.require(Code::parse(&form.code).is_some(), "code", "Type the six digits from the letter");
    let (Some(token), true) = (token, errors.is_empty()) else {
        return ask(&request, &ctx, StatusCode::UNPROCESSABLE_ENTITY, form.link.trim(), &errors);
    };
    match answer_vouch(&sent.once(&request, &ctx, "", THANKS), token, &form.code).await {
        Ok(()) => Ok(see_other(THANKS)),
        Err(Error::Rejected(Rejection::WrongCode)) => {
            let errors =
                Errors::one("code", "This code is not right. It stands in the same letter as the link");
            ask(&request, &ctx, StatusCode::FORBIDDEN, token, &errors)
        }
        Err(Error::Rejected(Rejection::NotFound)) => dead_link::show(&request, &ctx),
        Err(error) => Err(error.into()),
    }
}

/// Says thank you.
///
/// # Errors
/// 500.
pub(super) async fn thanks(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    frame.page(StatusCode::OK, &ThanksPage { f: &frame })
}

/// The token in what was pasted: the whole link, or the token alone.
pub(super) fn token_in(kind: TokenKind, pasted: &str) -> Option<&str> {
    let start = pasted.find(kind.prefix())?;
    pasted.get(start..)?.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next()
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, token_in};

    #[test]
    fn a_token_is_found_in_whatever_was_pasted() {
        for pasted in
            ["rk_vch_ab-C_1", " http://127.0.0.1/vouch#rk_vch_ab-C_1\r\n", "<https://x/vouch#rk_vch_ab-C_1>"]
        {
            assert_eq!(token_in(TokenKind::Vouch, pasted), Some("rk_vch_ab-C_1"), "{pasted}");
        }
        for pasted in ["", "rk_act_x", "https://example.com/vouch"] {
            assert_eq!(token_in(TokenKind::Vouch, pasted), None, "{pasted}");
        }
    }
}
