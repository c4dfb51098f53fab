//! Which problems a call can end with, for the OpenAPI document.
//!
//! The rule: a set names everything that can happen, `500` and `503` included; `script/check-openapi` holds us to it.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::http::problem::Body;

/// What happens to every call.
const ALWAYS: [u16; 3] = [405, 500, 503];

fn describe(status: u16) -> &'static str {
    match status {
        401 => "`unauthenticated`: the token is missing, or not valid (any more)",
        404 => "`not_found`: no such thing, or none for the caller",
        405 => "`invalid`: another method",
        408 => "`invalid`: the body took too long",
        409 => "`conflict`: the state does not allow it, or somebody else was faster",
        413 => "`invalid`: the body is longer than 64 KiB",
        415 => "`invalid`: the body is not `application/json`",
        422 => "`invalid`: something is missing, unknown, or cannot be taken",
        429 => "`too_many_tries`: come back when `Retry-After` says",
        503 => "`unavailable`: come back when `Retry-After` says",
        _ => "`unavailable`: a fault of ours",
    }
}

fn response(status: u16) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Body::name()))).build();
    let response =
        ResponseBuilder::new().description(describe(status)).content("application/problem+json", content);
    let response = if matches!(status, 429 | 500 | 503) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).description(Some("Seconds")).build();
        response.header("Retry-After", Header::new(seconds))
    } else {
        response
    };
    RefOr::T(response.build())
}

fn all(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    statuses.iter().chain(&ALWAYS).map(|status| (status.to_string(), response(*status))).collect()
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident [$($status:literal),*]),* $(,)?) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                all(&[$($status),*])
            }
        }
    )*};
}

refusals! {
    /// Of calls that only a fault of ours can end.
    Faults [],
    /// Of reading with a token.
    Reads [401, 404],
    /// Of lists for the staff.
    Lists [401, 403, 404, 422],
    /// Of one ticket for the staff, of one account for a host.
    Looks [401, 403, 404],
    /// Of commands of the staff and of hosts.
    Commands [401, 403, 404, 408, 409, 413, 415, 422, 429],
    /// Of what a requester does with their token.
    Requests [401, 403, 404, 408, 409, 413, 415, 422, 429],
    /// Of what needs no token but a body.
    Strangers [401, 403, 404, 408, 409, 413, 415, 422, 429],
    /// Of signing in.
    SignIns [401, 408, 413, 415, 422, 429],
    /// Of stepping up.
    StepUps [401, 403, 408, 413, 415, 422, 429],
    /// Of what needs a session and no body.
    Sessions [401],
}

/// What 403 means, call by call; where a call of the staff or of hosts is not named, only that it is not theirs to make.
const FORBIDS: [(&str, &[&str]); 13] = [
    ("confirm_ticket", &["wrong_code"]),
    ("prove_ticket", &["wrong_code"]),
    ("activate_ticket", &["wrong_code", "proof_required"]),
    ("vouch", &["wrong_code"]),
    ("step_up", &["wrong_code"]),
    ("approve", &["forbidden", "policy_not_met", "step_up_required"]),
    ("reissue", &["forbidden", "policy_not_met", "step_up_required"]),
    ("pin", &["forbidden", "policy_not_met", "step_up_required"]),
    ("close", &["forbidden", "step_up_required"]),
    ("begin_enrolment", &["forbidden", "wrong_code", "proof_required"]),
    ("confirm_enrolment", &["forbidden", "wrong_code"]),
    ("turn_off", &["forbidden", "wrong_code", "proof_required"]),
    ("replace_recovery_codes", &["forbidden", "wrong_code", "proof_required"]),
];

/// Says of each call what its 403 can mean, and of each success what comes back, in the words of its schema.
pub(super) fn make_precise(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, call) in paths.filter_map(|(_, calls)| calls.as_object_mut()).flatten() {
        let codes = forbids(call);
        let Some(responses) = call.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        if codes.is_empty() {
            responses.remove("403");
        }
        for (status, response) in responses {
            let words = if status == "403" { Some(means(codes)) } else { what_comes(response, &schemas) };
            if let (Some(words), Some(response)) = (words, response.as_object_mut()) {
                response.insert("description".to_owned(), words.into());
            }
        }
    }
}

fn forbids(call: &Value) -> &'static [&'static str] {
    let id = call.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let is_public = call.pointer("/tags/0").is_some_and(|tag| tag == "requesters");
    let named = FORBIDS.iter().find(|(name, _)| *name == id).map(|(_, codes)| *codes);
    named.unwrap_or(if is_public { &[] } else { &["forbidden"] })
}

/// The words of its schema, for an answer that has none of its own.
fn what_comes(response: &Value, schemas: &Value) -> Option<String> {
    let is_silent = response.get("description").is_none_or(|words| words == "");
    let shape = response.pointer("/content/application~1json/schema/$ref")?.as_str().filter(|_| is_silent)?;
    let words = schemas.get(shape.rsplit('/').next()?)?.get("description")?;
    words.as_str().map(str::to_owned)
}

fn means(codes: &[&str]) -> String {
    let quoted: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    quoted.join(" or ")
}
