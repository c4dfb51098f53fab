//! What goes wrong, as an answer: RFC 9457 problem details. The only mapping from errors to status codes and words.
//!
//! The rule: `detail` is written here, word for word, and never repeats input. Unknown, wrong and expired are the
//! same problem.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::domain::Time;
use crate::domain::policy::Missing;
use crate::domain::rejection::{Limit, Rejection};
use crate::error::{Error, chain};

/// How long a caller is asked to wait where we do not know better, in seconds.
const PAUSE: i64 = 5;
/// The same, where only a person lifts the limit.
const LONG_PAUSE: i64 = 3600;

/// What a handler returns.
pub type Answer = Result<HttpResponse, Problem>;

/// When to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    After(i64),
    At(Time),
}

/// A refusal or failure, as outsiders see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    missing: Option<Vec<Missing>>,
    retry: Option<Retry>,
    allow: Option<&'static str>,
    draft: Option<Box<str>>,
}

/// The body of a problem.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body<'a> {
    /// Names the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:rekey:problem:conflict")]
    kind: String,
    /// The status in words.
    title: &'a str,
    /// The status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is the matter, for people.
    detail: &'a str,
    /// What is the matter, for programs.
    #[schema(schema_with = codes)]
    code: &'a str,
    /// What an approval still lacks; with `policy_not_met` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<&'static str>>,
}

/// Every code there is.
const CODES: [&str; 11] = [
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "policy_not_met",
    "step_up_required",
    "wrong_code",
    "proof_required",
    "too_many_tries",
    "unavailable",
];

fn codes() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(CODES))
        .build()
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), missing: None, retry: None, allow: None, draft: None }
    }

    fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// 422: a value, or the whole, cannot be taken.
    #[must_use]
    pub fn invalid(detail: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    /// Another status for a request that cannot be taken as it is: 408, 413, 415.
    #[must_use]
    pub fn unacceptable(status: StatusCode, detail: &'static str) -> Self {
        Self::new(status, "invalid", detail)
    }

    /// 401.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "The credentials are missing or not valid.")
    }

    /// The same with what was typed, sealed: it is for the sign-in page, and never shown.
    #[must_use]
    pub(super) fn keeping(self, draft: String) -> Self {
        Self { draft: Some(draft.into_boxed_str()), ..self }
    }

    /// What was typed, if it was kept.
    #[must_use]
    pub(super) fn draft(&self) -> Option<&str> {
        self.draft.as_deref()
    }

    /// 403: the caller may not do this, whatever the state.
    #[must_use]
    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing here, or not for you.")
    }

    /// 405, with the methods that are known there.
    #[must_use]
    pub fn method(allow: &'static str) -> Self {
        let detail = "This method is not known here.";
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid", detail);
        Self { allow: Some(allow), ..problem }
    }

    /// 409.
    #[must_use]
    pub fn conflict(detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// 429, good again at that time.
    #[must_use]
    pub fn too_many(until: Option<Time>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", "Too many tries. Wait, then try again.")
            .retry(until.map_or(Retry::After(LONG_PAUSE), Retry::At))
    }

    /// The same where something was done as often as it may be.
    fn limit(limit: Limit, until: Option<Time>) -> Self {
        let detail = match limit {
            Limit::Requests => {
                "There were three requests for this account in the last 24 hours. Use one of those, or contact the help desk."
            }
            Limit::VouchQuestions => {
                "The manager was asked three times on this ticket, which is the limit. Verify the person in another way."
            }
            Limit::Replies => {
                "Twenty messages were sent on this ticket within an hour, which is the limit. Wait before you send more."
            }
        };
        Self { detail: detail.into(), ..Self::too_many(until) }
    }

    /// 503.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service is busy or partly down.")
            .retry(Retry::After(PAUSE))
    }

    /// 503 where a commit may have happened.
    #[must_use]
    pub fn unanswered() -> Self {
        let detail = "The database did not answer in time. It is not known whether this was done: look before you \
                      repeat it.";
        Self { detail: detail.into(), ..Self::unavailable() }
    }

    /// 500. Nothing is claimed of what was done: part of it may be.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unavailable",
            "Something is broken on our side. If you sent something, it is not known whether it was done: look before \
             you send it again.",
        )
        .retry(Retry::After(PAUSE))
    }

    /// The same where a command was carried out, and only what it answers with could not be read.
    #[must_use]
    pub(super) fn of_a_view(self) -> Self {
        let detail = "The command was carried out, but the ticket cannot be shown now: read it again, and do not \
                      repeat the command.";
        Self { detail: detail.into(), ..self }
    }

    /// Whatever the framework said with a bare status.
    #[must_use]
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthenticated(),
            StatusCode::NOT_FOUND => Self::not_found(),
            status if status.is_server_error() => Self::internal(),
            status => Self::unacceptable(status, "The request cannot be understood."),
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What an approval still lacks.
    #[must_use]
    pub fn missing(&self) -> &[Missing] {
        self.missing.as_deref().unwrap_or_default()
    }

    /// Seconds until it is worth trying again, at least one.
    #[must_use]
    pub fn retry_after(&self, now: Time) -> Option<i64> {
        self.retry.map(|retry| match retry {
            Retry::After(seconds) => seconds,
            Retry::At(time) => (time - now).num_seconds().max(1),
        })
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        use Rejection as No;
        let forbidden = |code, detail| Self::new(StatusCode::FORBIDDEN, code, detail);
        match rejection {
            No::NotFound => Self::not_found(),
            No::RoleTooLow => Self::forbidden("Your role does not allow this."),
            No::OwnTicket => Self::forbidden("This is about your own account: somebody else has to act."),
            No::Outranked => {
                Self::forbidden("The account belongs to a member of the staff of a higher rank.")
            }
            No::SamePerson => Self::forbidden("Somebody who has taken no part has to do this."),
            No::OutOfOrder => Self::conflict("The ticket does not stand where this is possible."),
            No::NotHolder => Self::conflict("Somebody else has this ticket, or nobody."),
            No::Outdated => Self::conflict("The ticket has changed meanwhile: look at it again."),
            No::AnotherOpen => Self::conflict("The account has another open ticket."),
            No::FailedBefore => {
                Self::conflict("This method failed with you before; it cannot be passed with you now.")
            }
            No::PolicyNotMet(missing) => {
                let problem = forbidden("policy_not_met", "The policy asks for more than there is.");
                Self { missing: Some(missing), ..problem }
            }
            No::StepUpRequired => {
                forbidden("step_up_required", "This needs a fresh code of your own authenticator.")
            }
            No::WrongCode => forbidden("wrong_code", "Wrong, used or expired."),
            No::ProofRequired => {
                forbidden("proof_required", "This needs a proof beside the code; the ticket says which.")
            }
            No::TooManyTries(until) => Self::too_many(until),
            No::LimitReached(limit, until) => Self::limit(limit, until),
            No::Invalid(detail) => Self::invalid(detail),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (unavailable, unanswered) = (error.is_outage(), error.may_be_done());
        match error {
            Error::Rejected(rejection) => return rejection.into(),
            Error::Unauthenticated => return Self::unauthenticated(),
            Error::Taken(_) => return Self::conflict("A name or address that must be free is taken."),
            Error::Busy => return Self::unavailable(),
            Error::Database(_) | Error::Internal(_) => log(&error),
        }
        if unanswered {
            return Self::unanswered();
        }
        if unavailable { Self::unavailable() } else { Self::internal() }
    }
}

/// Logs a failure of ours, with everything that caused it.
fn log(error: &Error) {
    tracing::error!(error = chain(error), "failed");
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Without `Retry-After`, which needs the time: the headers' middleware adds it, and makes a page of it for browsers.
    fn error_response(&self) -> HttpResponse {
        let body = Body {
            kind: format!("urn:rekey:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            missing: self.missing.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect()),
        };
        let mut response = HttpResponse::build(self.status).json(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// Adds `Retry-After` to the answer that stands for a problem.
pub(super) fn add_retry_after(response: &mut HttpResponse, problem: &Problem, now: Time) {
    if let Some(seconds) = problem.retry_after(now) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}
