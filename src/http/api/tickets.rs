//! Requesters: a ticket is opened, confirmed, watched, answered, proven and activated here.
//!
//! No account is needed. After the first call the ticket's token speaks for the requester, and for nothing else.

use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::{Reads, Requests, Strangers};
use super::wire::{CloseReason, Code, ProblemKind, Proof, Stamp, Status, Words};
use crate::domain::ticket::State;
use crate::error::Error;
use crate::http::body::{bearer, bytes, json, optional_json, parse, single_header};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle;
use crate::workflow::Context;
use crate::workflow::diagnose::diagnose;
use crate::workflow::once::{self, Repeatable};
use crate::workflow::open::{Opening, Request, submit, submit_signed_in};
use crate::workflow::requester::{self, confirm, reply, status, withdraw};

/// The header with a host's signed word.
pub(super) const ASSERTION: &str = "rekey-assertion";
/// The header with a key under which a call may be repeated.
const KEY: &str = "idempotency-key";

/// A request for help.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenTicket {
    /// The address on file, or the application's name for the account.
    #[schema(min_length = 1, max_length = 254, pattern = "^[!-~]+$", example = "ada@example.com")]
    account: String,
    /// The application that the account belongs to, by name. Needed where several have an account of that name: without
    /// it the request is answered as for an unknown account.
    #[schema(min_length = 1, max_length = 80, example = "shop")]
    application: Option<String>,
    /// What is wrong.
    problem: ProblemKind,
    /// In the person's own words.
    #[serde(default)]
    #[schema(max_length = 4000)]
    message: String,
}

/// A ticket that was opened.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketOpened {
    /// What to call it.
    #[schema(pattern = "^RK-[2-9A-Z]{4}-[2-9A-Z]{4}$", example = "RK-7Q4M-2XKD")]
    reference: String,
    /// The token that speaks for the requester; shown this once.
    #[schema(pattern = "^rk_tkt_[A-Za-z0-9_-]{43}$")]
    token: String,
    /// Where it stands: `unconfirmed`, or `open` where a host vouched for the session.
    status: Status,
}

/// A ticket, as its requester sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Ticket {
    /// What it is called.
    #[schema(pattern = "^RK-[2-9A-Z]{4}-[2-9A-Z]{4}$", example = "RK-7Q4M-2XKD")]
    reference: String,
    /// Where it stands.
    status: Status,
    /// Why it was closed.
    #[schema(required)]
    reason: Option<CloseReason>,
    /// When it was opened.
    opened_at: Stamp,
    /// Place in the queue, while it waits for an agent.
    #[schema(required, minimum = 1)]
    position: Option<i64>,
    /// When the state ends by itself.
    #[schema(required)]
    ends_at: Option<Stamp>,
    /// What happens next, in a plain sentence.
    next: &'static str,
    /// What activation needs beside the code, once a key was sent.
    #[schema(required)]
    proof: Option<Proof>,
    /// How many consecutive codes activation takes.
    #[schema(minimum = 1, maximum = 2)]
    codes: usize,
    /// What happened, oldest first.
    timeline: Vec<Moment>,
    /// A new token, for one who came back without; the former one has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^rk_tkt_[A-Za-z0-9_-]{43}$")]
    token: Option<String>,
}

/// Something that happened, as the requester sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = RequesterMoment)]
pub(super) struct Moment {
    /// When.
    at: Stamp,
    /// What, in one word.
    kind: &'static str,
    /// What was written, where something was.
    #[schema(required)]
    text: Option<String>,
}

impl From<requester::Status> for Ticket {
    fn from(status: requester::Status) -> Self {
        Self {
            next: super::sentences::next(&status),
            reference: status.reference.to_string(),
            status: Status(status.state),
            reason: status.reason.map(CloseReason),
            opened_at: Stamp(status.opened_at),
            position: status.position,
            ends_at: status.ends_at.map(Stamp),
            proof: status.proof.map(Proof),
            codes: status.codes,
            timeline: status
                .timeline
                .into_iter()
                .map(|one| Moment { at: Stamp(one.at), kind: one.kind, text: one.text })
                .collect(),
            token: None,
        }
    }
}

fn seen(status: requester::Status) -> HttpResponse {
    HttpResponse::Ok().json(Ticket::from(status))
}

/// Opens a ticket. The answer is the same for unknown accounts.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "requesters", request_body = OpenTicket,
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "The same key and body get the first answer again for 24 hours."),
        ("Rekey-Assertion" = Option<String>, Header, min_length = 1, pattern = "^[!-~]+$",
            description = "The signed word of a host for a person who is signed in there."),
    ),
    responses((status = 202, body = TicketOpened), Strangers), security(()))]
pub(super) async fn open(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let assertion = single_header(&request, ASSERTION)?.map(str::to_owned);
    let key = single_header(&request, KEY)?.map(str::to_owned);
    let network = throttle::network(&request, &ctx.config.http);
    let body = bytes(&request, payload).await?;
    let asked: OpenTicket = parse(&body)?;
    let asked = Request {
        account: asked.account,
        application: asked.application,
        problem: asked.problem.0,
        message: asked.message,
        network,
    };
    let opening = Opening::draw(&ctx);
    let answer = TicketOpened {
        reference: opening.reference.to_string(),
        token: opening.token.expose_secret().to_owned(),
        status: Status(if assertion.is_some() { State::Open } else { State::Unconfirmed }),
    };
    let answer = serde_json::to_vec(&answer).map_err(|_| Problem::internal())?;
    let Some(key) = key else {
        submitted(&ctx, asked, assertion.as_deref(), &opening).await?;
        return Ok(accepted(answer));
    };
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::invalid("Idempotency-Key is 1 to 255 visible characters."));
    }
    let call = repeatable(&ctx, &asked, assertion.as_deref(), &key, &body);
    match submitted(&ctx.once(&call, &answer), asked, assertion.as_deref(), &opening).await {
        Ok(()) => Ok(accepted(answer)),
        Err(error) => match once::find(&ctx, &call).await {
            Ok(Some(first)) => Ok(accepted(first.to_vec())),
            Err(Error::Rejected(other)) => Err(other.into()),
            _ => Err(error.into()),
        },
    }
}

fn accepted(answer: Vec<u8>) -> HttpResponse {
    HttpResponse::Accepted().content_type("application/json").body(answer)
}

async fn submitted(
    ctx: &Context,
    asked: Request,
    assertion: Option<&str>,
    opening: &Opening,
) -> Result<(), Error> {
    match assertion {
        Some(assertion) => submit_signed_in(ctx, asked, assertion, opening).await,
        None => submit(ctx, asked, opening).await,
    }
}

/// The call under its key, which belongs to the network that it came from: a stranger who guesses it gets no token.
fn repeatable(ctx: &Context, asked: &Request, assertion: Option<&str>, key: &str, body: &[u8]) -> Repeatable {
    let caller = asked.network.as_deref().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    // An empty assertion is not the same as none.
    let signed = if assertion.is_some() { "signed" } else { "" };
    let words = [&*text, signed, assertion.unwrap_or_default()];
    Repeatable::call(ctx, "tickets", key, caller, &words)
}

/// A code from a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailboxCode {
    /// Six digits.
    #[schema(max_length = 64, example = "493021")]
    code: String,
}

/// Types the mailbox code: with the token, or without it to come back.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/confirm", tag = "requesters", request_body = MailboxCode,
    params(("reference" = String, Path)), responses((status = 200, body = Ticket), Requests),
    security(("ticket" = []), ()))]
pub(super) async fn confirm_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let has_token = request.headers().contains_key(AUTHORIZATION);
    let token = if has_token { Some(bearer(&request)?) } else { None };
    let MailboxCode { code } = json(&request, payload).await?;
    let confirmed = confirm(&ctx, &reference, token, &code).await?;
    let mut ticket = Ticket::from(confirmed.status);
    ticket.token = confirmed.token.map(|token| token.expose_secret().to_owned());
    Ok(HttpResponse::Ok().json(ticket))
}

/// Where the ticket stands.
#[utoipa::path(get, path = "/api/v1/tickets/{reference}", tag = "requesters",
    params(("reference" = String, Path)), responses((status = 200, body = Ticket), Reads),
    security(("ticket" = [])))]
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, reference: Path<String>) -> Answer {
    Ok(seen(status(&ctx, &reference, bearer(&request)?).await?))
}

/// Two codes that the app shows one after the other.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TwoCodes {
    /// The code that the app shows, and the next one.
    #[schema(value_type = Vec<Code>, min_items = 2, max_items = 2, example = json!(["123456", "654321"]))]
    codes: [String; 2],
}

/// What the codes say about the app.
#[derive(Serialize, ToSchema)]
pub(super) struct Diagnosed {
    /// `works`, `clock_off`, `old_entry`, `wrong_settings` or `no_match`.
    finding: &'static str,
    /// How far the app's clock is off; fast is positive.
    #[schema(required)]
    offset_seconds: Option<i64>,
    /// `time_zone`, where the clock is off by quarters of an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    likely: Option<&'static str>,
    /// What to do.
    advice: String,
}

/// Tries two codes against the account's keys to find the fault. It activates nothing and is no evidence.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/diagnose", tag = "requesters", request_body = TwoCodes,
    params(("reference" = String, Path)), responses((status = 200, body = Diagnosed), Requests),
    security(("ticket" = [])))]
pub(super) async fn diagnose_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let token = bearer(&request)?;
    let TwoCodes { codes } = json(&request, payload).await?;
    let found = diagnose(&ctx, &reference, token, codes).await?;
    Ok(HttpResponse::Ok().json(Diagnosed {
        finding: found.finding,
        offset_seconds: found.offset_seconds,
        likely: found.likely,
        advice: found.advice,
    }))
}

/// A message to the staff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// The text.
    pub(super) message: Words,
}

/// Writes to the staff.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/reply", tag = "requesters", request_body = Message,
    params(("reference" = String, Path)), responses((status = 200, body = Ticket), Requests),
    security(("ticket" = [])))]
pub(super) async fn reply_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let token = bearer(&request)?;
    let Message { message } = json(&request, payload).await?;
    Ok(seen(reply(&ctx, &reference, token, message.0).await?))
}

/// Nothing: the body may be left out, or be an empty object.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Withdraws the ticket.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/withdraw", tag = "requesters",
    request_body = Option<Nothing>, params(("reference" = String, Path)),
    responses((status = 200, body = Ticket), Requests), security(("ticket" = [])))]
pub(super) async fn withdraw_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let token = bearer(&request)?;
    let Nothing {} = optional_json(&request, payload).await?;
    Ok(seen(withdraw(&ctx, &reference, token).await?))
}
