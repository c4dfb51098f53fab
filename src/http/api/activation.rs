//! Requesters, continued: what is proven with codes, on a ticket that is on its way.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::{Requests, Strangers};
use super::tickets::{ASSERTION, Nothing, Ticket};
use super::wire::{Code, RecoveryCode, Status};
use crate::domain::ticket::State;
use crate::error::Error;
use crate::http::body::{bearer, json, optional_json, single_header};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle;
use crate::workflow::Context;
use crate::workflow::activate::{Attempt, activate};
use crate::workflow::prove::{Proving, prove};
use crate::workflow::requester::come_back;

/// Something that only the account's owner has: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToProve {
    /// One of the saved recovery codes.
    #[schema(value_type = Option<RecoveryCode>)]
    recovery_code: Option<String>,
    /// Two consecutive codes of the existing authenticator.
    #[schema(value_type = Option<Vec<Code>>, min_items = 2, max_items = 2)]
    codes: Option<[String; 2]>,
}

/// Proves who one is, with a recovery code or with two codes of the existing authenticator; both are used up.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/prove", tag = "requesters", request_body = ToProve,
    params(("reference" = String, Path)), responses((status = 200, body = Ticket), Requests),
    security(("ticket" = [])))]
pub(super) async fn prove_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let token = bearer(&request)?;
    let proving = match json(&request, payload).await? {
        ToProve { recovery_code: Some(code), codes: None } => Proving::RecoveryCode(code),
        ToProve { recovery_code: None, codes: Some(codes) } => Proving::Codes(codes),
        _ => return Err(Problem::invalid("Give either recovery_code or codes.")),
    };
    Ok(HttpResponse::Ok().json(Ticket::from(prove(&ctx, &reference, token, proving).await?)))
}

/// What every request to come back is answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    /// `accepted`, whatever the reference.
    status: &'static str,
}

/// Asks for a new mailbox code, to come back without the token. Nobody learns whether one was sent.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/return", tag = "requesters",
    request_body = Option<Nothing>, params(("reference" = String, Path)),
    responses((status = 202, body = Accepted), Strangers), security(()))]
pub(super) async fn return_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let Nothing {} = optional_json(&request, payload).await?;
    let network = throttle::network(&request, &ctx.config.http);
    match come_back(&ctx, &reference, network).await {
        Ok(()) | Err(Error::Rejected(_)) => {
            Ok(HttpResponse::Accepted().json(Accepted { status: "accepted" }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Codes of the new key, and the proof that the ticket asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToActivate {
    /// The code that the app shows, where one is asked for; otherwise left out.
    #[schema(value_type = Option<Code>)]
    code: Option<String>,
    /// Two consecutive codes, where two are asked for; otherwise left out.
    #[schema(value_type = Option<Vec<Code>>, min_items = 1, max_items = 2)]
    codes: Option<Vec<String>>,
    /// The PIN of the verified call.
    #[schema(max_length = 64)]
    pin: Option<String>,
    /// The local password.
    #[schema(max_length = 1024)]
    password: Option<String>,
    /// One of the saved recovery codes.
    #[schema(value_type = Option<RecoveryCode>)]
    recovery_code: Option<String>,
}

/// A key that is live.
#[derive(Serialize, ToSchema)]
pub(super) struct Activated {
    /// `completed`.
    status: Status,
    /// Ten new recovery codes, shown this once.
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<String>,
}

/// Activates the key that was sent, with a code of it and the proof that the mailbox does not give.
#[utoipa::path(post, path = "/api/v1/tickets/{reference}/activate", tag = "requesters", request_body = ToActivate,
    params(
        ("reference" = String, Path),
        ("Rekey-Assertion" = Option<String>, Header, min_length = 1, pattern = "^[!-~]+$",
            description = "The signed word of a host: stands for a fresh password, not for the token."),
    ),
    responses((status = 200, body = Activated), Requests), security(("ticket" = []), ("activation" = [])))]
pub(super) async fn activate_ticket(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let token = bearer(&request).map_err(|_| Problem::not_found())?;
    let assertion = single_header(&request, ASSERTION)?.map(str::to_owned);
    let asked: ToActivate = json(&request, payload).await?;
    let codes = match (asked.code, asked.codes) {
        (Some(code), None) => vec![code],
        (None, Some(codes)) => codes,
        _ => return Err(Problem::invalid("Give either code or codes.")),
    };
    let attempt = Attempt {
        codes,
        pin: asked.pin,
        password: asked.password,
        recovery_code: asked.recovery_code,
        assertion,
    };
    let activated = activate(&ctx, &reference, token, attempt).await?;
    let recovery_codes =
        activated.recovery_codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    Ok(HttpResponse::Ok().json(Activated { status: Status(State::Completed), recovery_codes }))
}
