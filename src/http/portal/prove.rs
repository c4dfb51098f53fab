//! Proving who one is without waiting for a call: a saved recovery code, or two codes of the app that still works.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;
use serde::Deserialize;

use super::check::TwoCodes;
use super::{come_back, holder};
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::prove::{Proving, prove};

#[derive(Template)]
#[template(path = "portal/prove.html")]
struct ProvePage<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    reference: &'a str,
}

/// Asks for one of the two.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    ask(&request, &ctx, &held.reference, StatusCode::OK, &Errors::default())
}

fn ask(request: &HttpRequest, ctx: &Context, reference: &str, status: StatusCode, errors: &Errors) -> Answer {
    let frame = Frame::of(request, ctx);
    frame.page(status, &ProvePage { f: &frame, errors, reference })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProveForm {
    by: String,
    #[serde(default)]
    recovery_code: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    code_2: String,
}

impl ProveForm {
    /// What is proven, and the field to name when it is wrong.
    fn proving(self) -> Result<(Proving, &'static str), Errors> {
        if self.by == "recovery_code" {
            let code = self.recovery_code.trim().to_owned();
            return if code.is_empty() {
                Err(Errors::one("recovery_code", "Type one of your saved recovery codes"))
            } else {
                Ok((Proving::RecoveryCode(code), "recovery_code"))
            };
        }
        let codes = TwoCodes { code: self.code, code_2: self.code_2 };
        let errors = codes.errors();
        if errors.is_empty() { Ok((Proving::Codes([codes.code, codes.code_2]), "code")) } else { Err(errors) }
    }
}

/// Records what was proven.
///
/// # Errors
/// 403, 409, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (form, sent): (ProveForm, _) = form::read_once(&request, payload, &ctx).await?;
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let (proving, field) = match form.proving() {
        Ok(proving) => proving,
        Err(errors) => {
            return ask(&request, &ctx, &held.reference, StatusCode::UNPROCESSABLE_ENTITY, &errors);
        }
    };
    let place = format!("/tickets/{}", held.reference);
    let acting = sent.once(&request, &ctx, "", &place);
    match prove(&acting, &held.reference, &held.token, proving).await {
        Ok(_) => Ok(see_other(&place)),
        Err(Error::Rejected(Rejection::WrongCode | Rejection::Invalid(_))) => {
            let errors = Errors::one(field, "This is not right, or was used before");
            ask(&request, &ctx, &held.reference, StatusCode::FORBIDDEN, &errors)
        }
        Err(Error::Rejected(Rejection::ProofRequired)) => {
            let text =
                "Codes prove nothing for now: somebody stopped the account. We verify you in another way";
            ask(&request, &ctx, &held.reference, StatusCode::FORBIDDEN, &Errors::one(field, text))
        }
        Err(error) => Err(Problem::from(error)),
    }
}
