//! Errors as pages, for browsers: the same problem, in HTML.
//!
//! The rule: statuses and words come from `problem`; here they only get a heading and a way on.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Frame, html};
use crate::http::desk;
use crate::http::problem::Problem;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault<'a> {
    f: &'a Frame,
    heading: &'static str,
    detail: &'a str,
    wait: Option<String>,
    is_missing: bool,
    is_ours: bool,
    is_desk: bool,
}

/// Whether the client reads pages: it says so, and the path is none of the API's.
#[must_use]
pub fn wants_page(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    !request.path().starts_with("/api/") && accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// The problem as a page; `None` where it cannot be rendered.
#[must_use]
pub fn page(request: &HttpRequest, ctx: &Context, problem: &Problem) -> Option<HttpResponse> {
    if problem.status() == StatusCode::UNAUTHORIZED
        && let Some(answer) = desk::turned_away(request, ctx, problem.draft())
    {
        return Some(answer);
    }
    let frame = Frame::plain(ctx);
    let fault = Fault {
        f: &frame,
        heading: heading(problem.status().as_u16()),
        detail: problem.detail(),
        wait: problem.retry_after(ctx.now()).map(wait),
        is_missing: problem.status() == StatusCode::NOT_FOUND,
        is_ours: problem.status().is_server_error(),
        is_desk: request.path().starts_with("/desk"),
    };
    html(problem.status(), &fault).ok()
}

fn heading(status: u16) -> &'static str {
    match status {
        401 => "Please sign in",
        403 => "This was not allowed",
        404 => "There is nothing here, or not for you",
        405 => "This address does not take that",
        408 => "That took too long",
        409 => "This is not possible now",
        413 => "That was too much at once",
        429 => "Too many tries",
        500.. => "Something is broken on our side",
        _ => "That could not be understood",
    }
}

/// `in 5 seconds`, `in 20 minutes`.
fn wait(seconds: i64) -> String {
    match seconds {
        ..=1 => "in a second".to_owned(),
        2..=119 => format!("in {seconds} seconds"),
        120..=7199 => format!("in {} minutes", (seconds + 59) / 60),
        _ => format!("in {} hours", (seconds + 3599) / 3600),
    }
}
