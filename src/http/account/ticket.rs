//! "Need help?", "Create a support ticket": opened by the owner who is signed in, which is the evidence.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::Deserialize;

use super::{HOME, me};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::Problem as Trouble;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::portal::{holder, words};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle::network;
use crate::workflow::Context;
use crate::workflow::open::{self, Opening};
use crate::workflow::owner::OwnerSession;

#[derive(Template)]
#[template(path = "account/ticket.html")]
struct TicketPage<'a> {
    f: &'a Frame,
    me: &'a OwnerSession,
    errors: &'a Errors,
    choices: &'static [words::Choice],
    chosen: &'a [Trouble],
    message: &'a str,
}

/// Shows the form, with what is most often wrong chosen.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    ask(&request, &ctx, &me, Some(Trouble::NotSetUpCorrectly), "", &Errors::default())
}

fn ask(
    request: &HttpRequest,
    ctx: &Context,
    me: &OwnerSession,
    chosen: Option<Trouble>,
    message: &str,
    errors: &Errors,
) -> Answer {
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chosen = chosen.as_slice();
    f.page(status, &TicketPage { f: &f, me, errors, choices: words::CHOICES, chosen, message })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketForm {
    #[serde(default)]
    problem: String,
    #[serde(default)]
    message: String,
}

/// Opens the ticket, and lets this browser hold it.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (TicketForm { problem, message }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let Some(problem) = Trouble::parse(&problem) else {
        let errors = Errors::one("problem", "Choose what describes it best");
        return ask(&request, &ctx, &me, None, &message, &errors);
    };
    let network = network(&request, &ctx.config.http);
    let opening = Opening::draw(&ctx);
    let reference = opening.reference.as_str();
    let place = format!("/tickets/{reference}");
    let acting = sent.once(&request, &ctx, me.account.as_str(), &place);
    match open::submit_from_session(&acting, &me, problem, message.clone(), network, &opening).await {
        Ok(()) => {
            let mut response = see_other(&place);
            cookies::set(&mut response, &holder::hold(&ctx, reference, &opening.token));
            Ok(response)
        }
        Err(Error::Rejected(Rejection::Invalid(_))) => {
            let errors = Errors::one("message", "Use at most 4,000 characters");
            ask(&request, &ctx, &me, Some(problem), &message, &errors)
        }
        Err(error) => Err(Problem::from(error)),
    }
}
