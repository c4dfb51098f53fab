//! The mailbox: every letter that left, for whoever it was, HTML and text side by side.
//!
//! The rule: a letter's HTML stands in a frame without scripts, whose own answer allows it the style attributes that
//! mail needs and nothing else; the pages around it keep the product's policy.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::Show;
use super::letter::Letter;
use super::page::Bar;
use crate::http::body;
use crate::http::headers::CONTENT_POLICY;
use crate::http::pages::Frame;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;

/// What a letter may do: be styled, and open its links in a new tab.
const LETTER_POLICY: &str = "default-src 'none'; style-src-attr 'unsafe-inline'; form-action 'none'; \
     base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[serde(default)]
    to: String,
}

/// A line of the list.
struct Line {
    number: usize,
    letter: Letter,
}

#[derive(Template)]
#[template(path = "demo/mailbox.html")]
struct List<'a> {
    f: &'a Frame,
    bar: Bar,
    to: &'a str,
    /// Each address with how many letters it has.
    boxes: Vec<(String, usize)>,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "demo/letter.html")]
struct One<'a> {
    f: &'a Frame,
    bar: Bar,
    number: usize,
    letter: Letter,
}

/// Shows all letters, or those to one address, newest first.
pub(super) async fn list(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let filter: Filter = body::query(&request)?;
    let sent = show.mailbox.sent();
    let mut boxes = BTreeMap::<String, usize>::new();
    for one in &sent {
        *boxes.entry(one.to.clone()).or_default() += 1;
    }
    let lines = sent.iter().enumerate().rev().filter(|(_, one)| filter.to.is_empty() || one.to == filter.to);
    let lines = lines.map(|(number, one)| Line { number, letter: Letter::of(one) }).collect();
    let frame = Frame::plain(&ctx);
    let bar = Bar::at("/demo/mailbox", &ctx);
    let page = List { f: &frame, bar, to: &filter.to, boxes: boxes.into_iter().collect(), lines };
    frame.page(StatusCode::OK, &page)
}

/// Shows one letter.
pub(super) async fn letter(
    _: HttpRequest,
    number: Path<usize>,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let number = number.into_inner();
    let letter = find(&show, number)?;
    let frame = Frame::plain(&ctx);
    let page = One { f: &frame, bar: Bar::at("/demo/mailbox", &ctx), number, letter };
    let mut response = frame.page(StatusCode::OK, &page)?;
    let policy = format!("{CONTENT_POLICY}; frame-src 'self'");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The HTML part, for the frame.
pub(super) async fn html(_: HttpRequest, number: Path<usize>, show: Data<Show>) -> Answer {
    let letter = find(&show, number.into_inner())?;
    // As web mail does: what is followed opens beside the letter, not in its frame.
    let html = letter.html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    let mut response = HttpResponse::Ok().body(html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(LETTER_POLICY));
    Ok(response)
}

fn find(show: &Show, number: usize) -> Result<Letter, Problem> {
    show.mailbox.sent().get(number).map(Letter::of).ok_or_else(Problem::not_found)
}
