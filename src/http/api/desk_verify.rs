//! Staff: verifying who the requester is.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::desk_review::seen;
use super::refusals::Commands;
use super::ticket_seen::DeskTicket;
use super::tickets::Nothing;
use super::wire::{Outcome, StaffMethod};
use crate::http::auth::staff;
use crate::http::body::{json, optional_json};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::verify;

/// A verification.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verification {
    /// By which method. The machine records the others.
    method: StaffMethod,
    /// How it ended.
    outcome: Outcome,
    /// What there is to note.
    #[serde(default)]
    #[schema(max_length = 4000)]
    note: String,
}

/// Records a verification.
#[utoipa::path(post, path = "/api/v1/desk/tickets/{reference}/evidence", tag = "staff",
    request_body = Verification, params(("reference" = String, Path)),
    responses((status = 200, body = DeskTicket), Commands), security(("staff" = [])))]
pub(super) async fn evidence(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let who = staff(&request, &ctx).await?;
    let Verification { method, outcome, note } = json(&request, payload).await?;
    let recorded =
        verify::Verification { method: method.0, outcome: outcome.0, note, pin: verify::PinWish::None };
    verify::evidence(&ctx, &who.acting(), &reference, recorded).await?;
    Ok(HttpResponse::Ok().json(seen(&ctx, &who, &reference).await?))
}

/// A PIN to be read out on the verified call.
#[derive(Serialize, ToSchema)]
pub(super) struct Pin {
    /// Eight digits, shown this once.
    #[schema(pattern = "^[0-9]{8}$", example = "48219037")]
    pin: String,
}

/// Makes a PIN; a former one dies.
#[utoipa::path(post, path = "/api/v1/desk/tickets/{reference}/pin", tag = "staff",
    request_body = Option<Nothing>, params(("reference" = String, Path)),
    responses((status = 200, body = Pin), Commands), security(("staff" = [])))]
pub(super) async fn pin(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let who = staff(&request, &ctx).await?;
    let Nothing {} = optional_json(&request, payload).await?;
    let pin = verify::make_pin(&ctx, &who.acting(), &reference).await?;
    Ok(HttpResponse::Ok().json(Pin { pin: pin.expose_secret().to_owned() }))
}

/// Asks the manager on file by letter.
#[utoipa::path(post, path = "/api/v1/desk/tickets/{reference}/vouch",
    operation_id = "ask_manager", tag = "staff",
    request_body = Option<Nothing>, params(("reference" = String, Path)),
    responses((status = 202, body = DeskTicket), Commands), security(("staff" = [])))]
pub(super) async fn vouch(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let who = staff(&request, &ctx).await?;
    let Nothing {} = optional_json(&request, payload).await?;
    verify::ask_vouch(&ctx, &who.acting(), &reference).await?;
    Ok(HttpResponse::Accepted().json(seen(&ctx, &who, &reference).await?))
}
