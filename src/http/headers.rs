//! Headers that every answer has, errors included, and the last look at errors that the framework made.
//!
//! The rule: what is not said to be public is private: nothing may keep it, frame it, sniff it or run scripts in it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, web};

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
/// Those of middleware further in, made into answers that have the headers too.
pub async fn add(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ctx = request.app_data::<web::Data<Context>>().cloned();
    // The request is not kept meanwhile: the router needs it for itself alone.
    match next.call(request).await {
        Ok(answer) => {
            let (request, answer) = answer.map_into_boxed_body().into_parts();
            let answer = worded(answer, Some(&request), ctx.as_ref());
            Ok(ServiceResponse::new(request, dressed(answer, ctx.as_ref())))
        }
        Err(error) => {
            let answer = worded(HttpResponse::from_error(error), None, ctx.as_ref());
            Err(InternalError::from_response("refused", dressed(answer, ctx.as_ref())).into())
        }
    }
}

/// The problem that an answer stands for, in our words, as a page for those who read pages.
fn worded(
    answer: HttpResponse,
    request: Option<&HttpRequest>,
    ctx: Option<&web::Data<Context>>,
) -> HttpResponse {
    let Some(problem) = problem_of(&answer) else { return answer };
    let page = request
        .filter(|request| fault::wants_page(request))
        .zip(ctx)
        .and_then(|(request, ctx)| fault::page(request, ctx, &problem));
    let mut answer = page.unwrap_or_else(|| problem.error_response());
    if let Some(ctx) = ctx {
        add_retry_after(&mut answer, &problem, ctx.now());
    }
    answer
}

fn dressed(mut answer: HttpResponse, ctx: Option<&web::Data<Context>>) -> HttpResponse {
    let headers = answer.headers_mut();
    if ctx.is_some_and(|ctx| ctx.config.http.is_secure) {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [(CONTENT_SECURITY_POLICY, CONTENT_POLICY), (CACHE_CONTROL, "no-store")] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

/// An extractor's or the framework's own words may repeat input, so that only their status is taken over.
fn problem_of(answer: &HttpResponse) -> Option<Problem> {
    let error = answer.error()?;
    Some(error.as_error::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(answer.status())))
}
