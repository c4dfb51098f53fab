//! Setting two-factor authentication up on a host's own page, and asking about codes at sign-in.
//!
//! The rule: a host refuses the sign-in on every `refused`; keys and recovery codes leave in one answer, once.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SubsecRound};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::refusals::Commands;
use super::wire::{Code, ExternalId, FirstFactor, RecoveryCode, Refusal};
use crate::domain::Time;
use crate::http::auth::host;
use crate::http::body::{json, optional_json};
use crate::http::problem::{Answer, Problem};
use crate::workflow::clients::Scope;
use crate::workflow::codes::{Presented, Verified, verify};
use crate::workflow::{Context, enrol, recovery};

/// A code of the active authenticator, where there is one.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MaybeCode {
    /// The digits that the app shows.
    #[schema(value_type = Option<Code>)]
    code: Option<String>,
}

/// A code of an authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneCode {
    /// The digits that the app shows.
    #[schema(value_type = Code)]
    code: String,
}

/// A new key, to be shown to the person and kept nowhere.
#[derive(Serialize, ToSchema)]
pub(super) struct Enrolment {
    /// 32 characters of Base32, to type.
    #[schema(pattern = "^[A-Z2-7]{32}$")]
    secret: String,
    /// The same as a link.
    otpauth_uri: String,
    /// The same as a picture: an SVG element.
    qr_svg: String,
}

/// Makes a key; it is live after its first code. On an account that is on it takes a code of the active one.
#[utoipa::path(post, path = "/api/v1/accounts/{external_id}/authenticator", tag = "hosts",
    request_body = Option<MaybeCode>, params(("external_id" = inline(ExternalId), Path)),
    responses((status = 201, body = Enrolment), Commands), security(("client" = [])))]
pub(super) async fn begin_enrolment(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Codes).await?;
    let MaybeCode { code } = optional_json(&request, payload).await?;
    let caller = host.names(external_id.into_inner());
    let begun = enrol::begin(&ctx, &caller, code.map(SecretString::from)).await?;
    Ok(HttpResponse::Created().json(Enrolment {
        secret: begun.secret.expose_secret().to_owned(),
        otpauth_uri: begun.otpauth_uri.expose_secret().to_owned(),
        qr_svg: begun.qr_svg.expose_secret().to_owned(),
    }))
}

/// Recovery codes, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct Enrolled {
    /// Ten of them.
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<String>,
}

/// Proves the key that was made here, never one that a ticket sent.
#[utoipa::path(post, path = "/api/v1/accounts/{external_id}/authenticator/confirm", tag = "hosts",
    request_body = OneCode, params(("external_id" = inline(ExternalId), Path)),
    responses((status = 200, body = Enrolled), Commands), security(("client" = [])))]
pub(super) async fn confirm_enrolment(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Codes).await?;
    let OneCode { code } = json(&request, payload).await?;
    let codes = enrol::confirm(&ctx, &host.names(external_id.into_inner()), code.into()).await?;
    Ok(HttpResponse::Ok().json(Enrolled { recovery_codes: shown(&codes) }))
}

/// Makes ten new recovery codes in place of the former, with a code of the active authenticator.
#[utoipa::path(post, path = "/api/v1/accounts/{external_id}/recovery-codes", tag = "hosts",
    request_body = Option<MaybeCode>, params(("external_id" = inline(ExternalId), Path)),
    responses((status = 200, body = Enrolled), Commands), security(("client" = [])))]
pub(super) async fn replace_recovery_codes(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Codes).await?;
    let MaybeCode { code } = optional_json(&request, payload).await?;
    let caller = host.names(external_id.into_inner());
    let codes = recovery::replace(&ctx, &caller, code.map(SecretString::from)).await?;
    Ok(HttpResponse::Ok().json(Enrolled { recovery_codes: shown(&codes) }))
}

/// Turns two-factor authentication off, with a code of the active authenticator.
#[utoipa::path(delete, path = "/api/v1/accounts/{external_id}/authenticator", tag = "hosts",
    request_body = Option<MaybeCode>, params(("external_id" = inline(ExternalId), Path)),
    responses((status = 204, description = "It is off"), Commands), security(("client" = [])))]
pub(super) async fn turn_off(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Codes).await?;
    let MaybeCode { code } = optional_json(&request, payload).await?;
    let caller = host.names(external_id.into_inner());
    enrol::turn_off(&ctx, &caller, code.map(SecretString::from)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a person typed at sign-in, and what the host knows of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToVerify {
    /// The digits that the app shows.
    #[schema(value_type = Option<Code>)]
    code: Option<String>,
    /// One of the saved recovery codes, in place of the code.
    #[schema(value_type = Option<RecoveryCode>)]
    recovery_code: Option<String>,
    /// How the person signed in before. Without it no key that was sent goes live.
    first_factor: Option<FirstFactor>,
    /// When the password was last changed.
    #[serde(default, deserialize_with = "time")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-02T12:00:00Z")]
    password_changed_at: Option<Time>,
}

/// Whether the person may go on.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeVerdict {
    /// `accepted` or `refused`.
    result: &'static str,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Refusal>,
    /// Ten new ones where the code made a sent key live, to be shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Option<Vec<String>>,
}

/// Asks whether a code lets the person in. The first code of a key that was sent may make it live.
#[utoipa::path(post, path = "/api/v1/accounts/{external_id}/codes/verify", tag = "hosts", request_body = ToVerify,
    params(("external_id" = inline(ExternalId), Path)),
    responses((status = 200, body = CodeVerdict), Commands), security(("client" = [])))]
pub(super) async fn verify_code(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Codes).await?;
    let asked: ToVerify = json(&request, payload).await?;
    let presented = match (asked.code, asked.recovery_code) {
        (Some(code), None) => Presented::Code {
            code: code.into(),
            first_factor: asked.first_factor.map(|FirstFactor(word)| word),
            password_changed_at: asked.password_changed_at,
        },
        (None, Some(code)) => Presented::RecoveryCode(code.into()),
        _ => return Err(Problem::invalid("Give either code or recovery_code.")),
    };
    let verdict = match verify(&ctx, &host.names(external_id.into_inner()), presented).await? {
        Verified::Accepted { recovery_codes } => CodeVerdict {
            result: "accepted",
            reason: None,
            recovery_codes: recovery_codes.as_deref().map(shown),
        },
        Verified::Refused(reason) => {
            CodeVerdict { result: "refused", reason: Some(Refusal(reason)), recovery_codes: None }
        }
    };
    Ok(HttpResponse::Ok().json(verdict))
}

fn shown(codes: &[SecretString]) -> Vec<String> {
    codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

/// Any spelling of RFC 3339, to the second.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let given: Option<DateTime<chrono::FixedOffset>> = Option::deserialize(deserializer)?;
    Ok(given.map(|given| given.naive_utc().trunc_subsecs(0)))
}
