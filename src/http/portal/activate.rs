//! Making the new key live: the code that the app shows, and the proof that the mailbox does not give.
//!
//! The rule: the letter's token comes in the fragment, goes into a cookie that lives an hour, and never stands in an
//! address that a server sees. Looking changes nothing; scanners may look.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::vouch::token_in;
use super::{come_back, dead_link, holder};
use crate::crypto::TokenKind;
use crate::domain::proof::Proof;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, once, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::activate::{Attempt, Awaited, activate, awaited};

/// The cookie with the letter's token, and how many seconds it lives.
const ACTIVATION: (&str, i64) = ("rekey_activation", 3600);

/// What is said to whoever sends the form of a key again that is active.
const DONE: &str = "/activate/done";

#[derive(Template)]
#[template(path = "portal/activated_before.html")]
struct DonePage<'a> {
    f: &'a Frame,
}

#[derive(Template)]
#[template(path = "portal/activate_link.html")]
struct LinkPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
}

#[derive(Template)]
#[template(path = "portal/activate.html")]
struct KeyPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
    action: &'a str,
    two_codes: bool,
    /// Which fields stand beside the codes.
    proof: &'static str,
}

#[derive(Template)]
#[template(path = "portal/activated.html")]
struct LivePage<'a> {
    f: &'a Frame,
    reference: &'a str,
    codes: Vec<&'a str>,
    is_held: bool,
}

/// Where the letter's link leads: a script moves the token into the form; without one the link is pasted.
///
/// # Errors
/// 500.
pub(super) async fn enter(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    frame.page(StatusCode::OK, &LinkPage { f: &frame, errors: &Errors::default() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkForm {
    #[serde(default)]
    link: String,
}

/// Looks whether the token awaits a key, and goes on to it.
///
/// # Errors
/// 403, 422.
pub(super) async fn take_link(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form: LinkForm = form::read(&request, payload, &ctx).await?;
    let Some(token) = token_in(TokenKind::Activation, &form.link) else {
        let frame = Frame::of(&request, &ctx);
        let errors = Errors::one("link", "Paste the whole link from the letter with your key");
        return frame.page(StatusCode::UNPROCESSABLE_ENTITY, &LinkPage { f: &frame, errors: &errors });
    };
    match awaited(&ctx, token).await {
        Ok(_) => {
            let mut response = see_other("/activate/key");
            let cookie = cookies::make(&ctx, ACTIVATION.0, token.to_owned(), Some(ACTIVATION.1));
            cookies::set(&mut response, &cookie);
            Ok(response)
        }
        Err(Error::Rejected(_)) => dead_link::show(&request, &ctx),
        Err(error) => Err(error.into()),
    }
}

/// A key that waits, and the token that may make it live.
struct Waiting {
    token: String,
    awaited: Awaited,
    path: String,
}

async fn by_letter(request: &HttpRequest, ctx: &Context) -> Result<Option<Waiting>, Problem> {
    let Some(token) = cookies::find(request, ctx, ACTIVATION.0) else { return Ok(None) };
    match awaited(ctx, &token).await {
        Ok(awaited) => Ok(Some(Waiting { token, awaited, path: "/activate/key".to_owned() })),
        Err(Error::Rejected(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The page for those who come from the letter.
///
/// # Errors
/// 500.
pub(super) async fn show_for_letter(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match by_letter(&request, &ctx).await? {
        Some(waiting) => ask(&request, &ctx, &waiting, StatusCode::OK, &Errors::default()),
        None => dead_link::show(&request, &ctx),
    }
}

/// The same for those who come from the request's page.
///
/// # Errors
/// 500.
pub(super) async fn show_for_ticket(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let path = format!("/tickets/{}", held.reference);
    match by_ticket(held) {
        Some(waiting) => ask(&request, &ctx, &waiting, StatusCode::OK, &Errors::default()),
        None => Ok(see_other(&path)),
    }
}

fn by_ticket(held: holder::Held) -> Option<Waiting> {
    let path = format!("/tickets/{}/activate", held.reference);
    let awaited =
        Awaited { reference: held.status.reference, proof: held.status.proof?, codes: held.status.codes };
    Some(Waiting { token: held.token, awaited, path })
}

fn ask(
    request: &HttpRequest,
    ctx: &Context,
    waiting: &Waiting,
    status: StatusCode,
    errors: &Errors,
) -> Answer {
    let frame = Frame::of(request, ctx);
    let Awaited { reference, proof, codes } = &waiting.awaited;
    let page = KeyPage {
        f: &frame,
        errors,
        reference: reference.as_str(),
        action: &waiting.path,
        two_codes: *codes > 1,
        proof: proof.as_str(),
    };
    frame.page(status, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    code_2: String,
    #[serde(default)]
    pin: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    recovery_code: String,
}

impl KeyForm {
    fn attempt(self, codes: usize) -> Attempt {
        let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
        Attempt {
            codes: [self.code, self.code_2].into_iter().take(codes).collect(),
            pin: given(self.pin),
            password: given(self.password),
            recovery_code: given(self.recovery_code),
            assertion: None,
        }
    }
}

/// Makes the key live, for those who come from the letter.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn send_for_letter(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (KeyForm, _) = form::read_once(&request, payload, &ctx).await?;
    let acting = sent.once(&request, &ctx, "", DONE);
    match by_letter(&request, &ctx).await? {
        Some(waiting) => make_live(&request, &acting, &waiting, form).await,
        None => dead_link::show(&request, &ctx),
    }
}

/// The same for those who come from the request's page.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn send_for_ticket(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (KeyForm, _) = form::read_once(&request, payload, &ctx).await?;
    let acting = sent.once(&request, &ctx, "", DONE);
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let path = format!("/tickets/{}", held.reference);
    match by_ticket(held) {
        Some(waiting) => make_live(&request, &acting, &waiting, form).await,
        None => Ok(once::first(&request, &ctx).await.unwrap_or_else(|| see_other(&path))),
    }
}

async fn make_live(request: &HttpRequest, ctx: &Context, waiting: &Waiting, form: KeyForm) -> Answer {
    let Awaited { reference, proof, codes } = &waiting.awaited;
    let attempt = form.attempt(*codes);
    match activate(ctx, reference.as_str(), &waiting.token, attempt).await {
        Ok(activated) => show_codes(request, ctx, reference.as_str(), &activated.recovery_codes),
        Err(Error::Rejected(rejection)) => {
            let (status, errors) = wrong(rejection, *proof, *codes)?;
            ask(request, ctx, waiting, status, &errors)
        }
        Err(error) => Err(error.into()),
    }
}

/// What to say beside which field.
fn wrong(rejection: Rejection, proof: Proof, codes: usize) -> Result<(StatusCode, Errors), Problem> {
    let (field, text) = match (&rejection, proof) {
        (Rejection::WrongCode, Proof::Pin) => {
            ("code", "Code and PIN do not fit. Wait for the next code, and look at the PIN again")
        }
        (Rejection::WrongCode, Proof::PinAndPassword) => (
            "code",
            "Codes, PIN and password do not fit. Wait for the next code, and look at the others again",
        ),
        (Rejection::WrongCode, Proof::PasswordOrRecoveryCode) => (
            "code",
            "The code does not fit, or what you gave beside it. Wait for the next code and try again",
        ),
        (Rejection::Invalid(_), _) if codes > 1 => {
            ("code", "Type two codes, the second right after the first")
        }
        (Rejection::Invalid(_), _) => ("code", "Type the six digits that your app shows now"),
        (Rejection::ProofRequired, Proof::Pin) => ("pin", "Type the PIN that we gave you on the call"),
        (Rejection::ProofRequired, Proof::PinAndPassword) => ("pin", "Type both the PIN and your password"),
        (Rejection::ProofRequired, Proof::PasswordOrRecoveryCode) => {
            ("password", "Type your password or one of your recovery codes")
        }
        _ => return Err(Problem::from(rejection)),
    };
    Ok((Problem::from(rejection).status(), Errors::one(field, text)))
}

/// That the codes were shown already, and what to do without them.
///
/// # Errors
/// 500.
pub(super) async fn done(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    frame.page(StatusCode::OK, &DonePage { f: &frame })
}

/// The one page that shows the recovery codes, once.
fn show_codes(request: &HttpRequest, ctx: &Context, reference: &str, codes: &[SecretString]) -> Answer {
    let frame = Frame::of(request, ctx);
    let page = LivePage {
        f: &frame,
        reference,
        codes: codes.iter().map(ExposeSecret::expose_secret).collect(),
        is_held: holder::token(request, ctx, reference).is_some(),
    };
    let mut response = frame.page(StatusCode::OK, &page)?;
    cookies::set(&mut response, &cookies::remove(ctx, ACTIVATION.0));
    Ok(response)
}
