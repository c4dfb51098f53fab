//! "Need help?": the host opens a ticket for a person who has given the password here, and signs for it.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::HOME;
use super::visitor::Visitor;
use crate::demo::Show;
use crate::demo::assertion::Claims;
use crate::demo::cast::Person;
use crate::demo::page::Bar;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::Problem as What;
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::problem::Answer;
use crate::http::throttle::network;
use crate::workflow::Context;
use crate::workflow::open::{self, Request};

/// How long a browser keeps a ticket.
const SECONDS: i64 = 60 * 24 * 3600;

const PROBLEMS: [(What, &str); 5] = [
    (What::NotSetUpCorrectly, "Two-factor authentication is not set up correctly"),
    (What::LostDevice, "My phone is lost or broken"),
    (What::NewDevice, "I have a new phone"),
    (What::StolenDevice, "My phone was stolen"),
    (What::Other, "Something else"),
];

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TicketForm {
    #[serde(default)]
    problem: String,
    #[serde(default)]
    message: String,
}

#[derive(Template)]
#[template(path = "demo/host/ticket.html")]
struct Page<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    person: &'static Person,
    problems: Vec<(&'static str, &'static str, bool)>,
    message: &'a str,
}

/// Shows the form to whoever has given the password: it is the code that fails.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(visitor) = Visitor::find(&request, &ctx) else { return Ok(see_other(HOME)) };
    let form = TicketForm { problem: What::NotSetUpCorrectly.as_str().to_owned(), ..TicketForm::default() };
    page(&request, &ctx, &visitor, Errors::default(), &form)
}

fn page(
    request: &HttpRequest,
    ctx: &Context,
    visitor: &Visitor,
    errors: Errors,
    form: &TicketForm,
) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chosen = |what: What| what.as_str() == form.problem;
    let problems = PROBLEMS.into_iter().map(|(what, words)| (what.as_str(), words, chosen(what))).collect();
    let (person, message) = (visitor.person()?, form.message.as_str());
    frame.page(status, &Page { f: &frame, bar: Bar::at(HOME, ctx), errors, person, problems, message })
}

/// Opens the ticket, and hands its token to the browser as Rekey's own page does.
pub(super) async fn send(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let form: TicketForm = form::read(&request, payload, &ctx).await?;
    let Some(visitor) = Visitor::find(&request, &ctx) else { return Ok(see_other(HOME)) };
    let Some(problem) = What::parse(&form.problem) else {
        let errors = Errors::one("problem", "Choose what is wrong");
        return page(&request, &ctx, &visitor, errors, &form);
    };
    let claims = Claims {
        host: show.host.as_str(),
        account: &visitor.id,
        since: visitor.since,
        with_code: visitor.with_code,
    };
    let assertion = show.signer.sign(&ctx, &claims);
    let asked = Request {
        account: visitor.id.clone(),
        application: None,
        problem,
        message: form.message.clone(),
        network: network(&request, &ctx.config.http),
    };
    let opened = open::Opening::draw(&ctx);
    match open::submit_signed_in(&ctx, asked, &assertion, &opened).await {
        Ok(()) => {
            let reference = opened.reference.as_str();
            let mut response = see_other(&format!("/tickets/{reference}"));
            let token = opened.token.expose_secret().to_owned();
            let cookie = cookies::make(&ctx, &cookies::ticket(reference), token, Some(SECONDS));
            cookies::set(&mut response, &cookie);
            Ok(response)
        }
        Err(Error::Rejected(Rejection::Invalid(_))) => {
            let errors = Errors::one("message", "Write at most 4,000 characters");
            page(&request, &ctx, &visitor, errors, &form)
        }
        Err(error) => Err(error.into()),
    }
}
