//! One line in the log and one measurement for each request.
//!
//! The rule: the route's pattern is named, never the path, for paths hold references and tokens.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use tracing::Instrument;

/// Follows a request to its answer.
///
/// # Errors
/// None of its own.
pub(super) async fn follow<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let method = word(request.method());
    let route = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let span = tracing::info_span!("request", method, route, who = tracing::field::Empty);
    let answer = next.call(request).instrument(span.clone()).await;
    let status = match &answer {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let seconds = began.elapsed().as_secs_f64();
    span.in_scope(|| tracing::info!(status = status.as_u16(), seconds, "answered"));
    metrics::histogram!(
        "rekey_request_seconds",
        "method" => method,
        "route" => route,
        "status" => status.as_str().to_owned(),
    )
    .record(seconds);
    answer
}

/// Names who asks, in every line that the request has from here on: by kind and id, never by an address.
pub(super) fn name_sender(kind: &str, id: &str) {
    tracing::Span::current().record("who", tracing::field::display(format_args!("{kind} {id}")));
}

/// The method, of a closed list: anybody can invent one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
