//! Headers that every answer has, errors included, and the last look at errors that the framework made.
//!
//! The rule: what is not said to be public is private: nothing may keep it, frame it, sniff it or run scripts in it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};

use super::pages::fault;
use super::problem::{Problem, add_retry_after};
use crate::workflow::Context;

/// What a page may load and do: its own files alone.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    ),
];

/// Two years, subdomains left to their owners.
const HSTS: &str = "max-age=63072000";

/// Puts the headers on an answer that a handler or the framework has made.
///
/// # Errors
/// None of its own: what the inner service returns as an error has become an answer.
pub async fn add(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ctx = request.app_data::<web::Data<Context>>().cloned();
    let raw = request.request().clone();
    let mut answer = match next.call(request).await {
        Ok(answer) => answer.map_into_boxed_body(),
        Err(error) => ServiceResponse::from_err(error, raw),
    };
    if let Some(problem) = problem_of(&answer) {
        let request = answer.request().clone();
        let reader = ctx.as_ref().filter(|_| fault::wants_page(&request));
        let page = reader.and_then(|ctx| fault::page(&request, ctx, &problem));
        let mut response = page.unwrap_or_else(|| problem.error_response());
        if let Some(ctx) = &ctx {
            add_retry_after(&mut response, &problem, ctx.now());
        }
        answer = answer.into_response(response);
    }
    let response = answer.response_mut();
    if ctx.is_some_and(|ctx| ctx.config.http.is_secure) {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let or_else = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    for (name, value) in
        [or_else(CONTENT_SECURITY_POLICY, CONTENT_POLICY), or_else(CACHE_CONTROL, "no-store")]
    {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    Ok(answer)
}

/// The problem that an answer stands for. An extractor's or the framework's own words may repeat input, so that
/// only their status is taken over.
fn problem_of(answer: &ServiceResponse<BoxBody>) -> Option<Problem> {
    let error = answer.response().error()?;
    Some(error.as_error::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(answer.status())))
}
