//! Managers: the answer to the question whether somebody is who they say.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::Strangers;
use crate::http::body::json;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::verify;

/// Token and code of the letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Vouch {
    /// `rk_vch_…`, of the letter's link.
    #[schema(max_length = 200)]
    token: String,
    /// The letter's code.
    #[schema(max_length = 64, example = "493021")]
    code: String,
}

/// The answer counts.
#[derive(Serialize, ToSchema)]
pub(super) struct Vouched {
    /// `recorded`.
    status: &'static str,
}

/// Vouches for the person.
#[utoipa::path(post, path = "/api/v1/vouch", tag = "requesters", request_body = Vouch,
    responses((status = 200, body = Vouched), Strangers), security(()))]
pub(super) async fn vouch(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let Vouch { token, code } = json(&request, payload).await?;
    verify::answer_vouch(&ctx, &token, &code).await?;
    Ok(HttpResponse::Ok().json(Vouched { status: "recorded" }))
}
