//! "This wasn't me": the one call that anybody with a letter can make, and that can only freeze.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::Strangers;
use super::wire::Status;
use crate::domain::ticket::State;
use crate::http::body::json;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::freeze;

/// The token of a letter's stop link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stop {
    /// `rk_stop_…`.
    #[schema(max_length = 200, example = "rk_stop_…")]
    token: String,
}

/// What was stopped is frozen.
#[derive(Serialize, ToSchema)]
pub(super) struct Stopped {
    /// `frozen`, also for a ticket that was never confirmed.
    status: Status,
}

/// Freezes what the letter was about.
#[utoipa::path(post, path = "/api/v1/stop", tag = "requesters", request_body = Stop,
    responses((status = 200, body = Stopped), Strangers), security(()))]
pub(super) async fn stop(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let Stop { token } = json(&request, payload).await?;
    freeze::stop(&ctx, &token).await?;
    Ok(HttpResponse::Ok().json(Stopped { status: Status(State::Frozen) }))
}
