//! Coming back without the cookie: the reference is typed, a new code goes to the mailbox on file.
//!
//! The rule: the answer is the same whether there is such a request or not.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::holder;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::Answer;
use crate::http::throttle;
use crate::workflow::Context;
use crate::workflow::requester::come_back;

#[derive(Template)]
#[template(path = "portal/come_back.html")]
struct ComeBackPage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
    is_stranger: bool,
    held: Vec<String>,
}

/// Asks for the reference.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    ask(&request, &ctx, StatusCode::OK, "", &Errors::default())
}

/// The page of a ticket that this browser does not hold, whether it exists or not: 404.
///
/// # Errors
/// 500.
pub(super) fn stranger(request: &HttpRequest, ctx: &Context) -> Answer {
    let reference = holder::reference(request).unwrap_or_default();
    ask(request, ctx, StatusCode::NOT_FOUND, &reference, &Errors::default())
}

fn ask(request: &HttpRequest, ctx: &Context, status: StatusCode, reference: &str, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    let is_stranger = status == StatusCode::NOT_FOUND;
    // A cookie that has just turned out to open nothing is not offered again.
    let mut held = holder::references(request, ctx);
    held.retain(|one| one != reference);
    frame.page(status, &ComeBackPage { f: &frame, errors, reference, is_stranger, held })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComeBackForm {
    #[serde(default)]
    reference: String,
}

/// Sends a code, and asks for it.
///
/// # Errors
/// 403, 422.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (ComeBackForm, _) = form::read_once(&request, payload, &ctx).await?;
    let Some(reference) = holder::tidy(&form.reference) else {
        let errors = Errors::one("reference", "Enter the reference of your request, such as RK-7Q4M-2XKD");
        return ask(&request, &ctx, StatusCode::UNPROCESSABLE_ENTITY, form.reference.trim(), &errors);
    };
    let network = throttle::network(&request, &ctx.config.http);
    let place = format!("/tickets/{reference}/code");
    let acting = sent.once(&request, &ctx, "", &place);
    match come_back(&acting, &reference, network).await {
        Ok(()) | Err(Error::Rejected(_)) => Ok(see_other(&place)),
        Err(error) => Err(error.into()),
    }
}
