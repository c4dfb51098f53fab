//! Staff: sign in, step up, sign out.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::{Sessions, SignIns, StepUps};
use super::wire::{Role, Stamp};
use crate::http::auth::staff;
use crate::http::body::json;
use crate::http::problem::Answer;
use crate::http::throttle::{self, Throttle};
use crate::workflow::Context;
use crate::workflow::session::{self, Credentials};

/// What a member of the staff types to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// Their address.
    #[schema(max_length = 254)]
    email: String,
    /// Their password.
    #[schema(max_length = 1024)]
    password: String,
    /// A code of their own authenticator.
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// The session's token, shown this once.
    #[schema(pattern = "^rk_ses_[A-Za-z0-9_-]{43}$")]
    token: String,
    /// When the session ends at the latest.
    expires_at: Stamp,
    /// The member's name.
    name: String,
    /// Their roles.
    roles: Vec<Role>,
}

/// Signs in. The refusal is the same for every cause.
#[utoipa::path(post, path = "/api/v1/desk/session", tag = "staff", request_body = SignIn,
    responses((status = 201, body = Session), SignIns), security(()))]
pub(super) async fn sign_in(
    request: HttpRequest,
    ctx: Data<Context>,
    throttle: Data<Throttle>,
    payload: Payload,
) -> Answer {
    let network = throttle::network(&request, &ctx.config.http);
    let typed: SignIn = json(&request, payload).await?;
    throttle.admit(network.as_deref(), ctx.now())?;
    let with =
        Credentials { email: typed.email, password: typed.password.into(), code: typed.code.into(), network };
    let signed_in = session::sign_in(&ctx, with).await?;
    Ok(HttpResponse::Created().json(Session {
        token: signed_in.token.expose_secret().to_owned(),
        expires_at: Stamp(signed_in.expires_at),
        name: signed_in.name,
        roles: signed_in.roles.list().iter().copied().map(Role).collect(),
    }))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/desk/session", tag = "staff",
    responses((status = 204, description = "The session has ended"), Sessions), security(("staff" = [])))]
pub(super) async fn sign_out(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let who = staff(&request, &ctx).await?;
    session::sign_out(&ctx, &who).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A code of one's own authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnCode {
    /// The code that the app shows.
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// Steps up, for approvals: good for five minutes.
#[utoipa::path(post, path = "/api/v1/desk/step-up", tag = "staff", request_body = OwnCode,
    responses((status = 204, description = "The step-up stands"), StepUps), security(("staff" = [])))]
pub(super) async fn step_up(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let who = staff(&request, &ctx).await?;
    let OwnCode { code } = json(&request, payload).await?;
    session::step_up(&ctx, &who, &code).await?;
    Ok(HttpResponse::NoContent().finish())
}
