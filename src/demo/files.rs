//! The demo's own sheet and script, beside the product's.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::problem::{Answer, Problem};

const FILES: [(&str, &str, &str); 2] = [
    ("demo.css", "text/css; charset=utf-8", include_str!("../../static/demo.css")),
    ("demo.js", "text/javascript; charset=utf-8", include_str!("../../static/demo.js")),
];

/// Serves one.
pub(super) async fn get(_: HttpRequest, name: Path<String>) -> Answer {
    let found = FILES.into_iter().find(|(known, ..)| *known == name.as_str());
    let (_, kind, text) = found.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok().body(text);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}
