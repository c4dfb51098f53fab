//! The page to read the API's document by.
//!
//! The rule: it says what the document says and nothing beside it, so it is rendered from the document, once.

mod outline;
mod shape;

use std::sync::OnceLock;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use askama::Template;

use super::openapi;
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;
use outline::Outline;

#[derive(Template)]
#[template(path = "api/reader.html")]
struct Reader<'a> {
    f: &'a Frame,
    content: &'a str,
}

#[derive(Template)]
#[template(path = "api/calls.html")]
struct Calls {
    outline: Outline,
}

/// Shows it.
///
/// # Errors
/// 500.
pub(super) async fn show(_: HttpRequest, ctx: Data<Context>) -> Answer {
    let frame = Frame::plain(&ctx);
    let mut page = frame.page(StatusCode::OK, &Reader { f: &frame, content: content() })?;
    page.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(openapi::KEPT));
    Ok(page)
}

/// All of it but the frame, which holds settings.
fn content() -> &'static str {
    static CONTENT: OnceLock<String> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let document = serde_json::from_str(openapi::text()).unwrap_or_default();
        Calls { outline: Outline::of(&document) }.render().unwrap_or_default()
    })
}

/// A text in pieces: every other one stands between backticks, and is code.
struct Words(Vec<(bool, String)>);

impl Words {
    fn of(text: &str) -> Self {
        Self(text.split('`').enumerate().map(|(index, piece)| (index % 2 == 1, piece.to_owned())).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, piece)| piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{Words, content};

    #[test]
    fn what_stands_between_backticks_is_code() {
        let words = Words::of("`a` or b");
        assert_eq!(words.0, [(false, String::new()), (true, "a".to_owned()), (false, " or b".to_owned())]);
        assert!(Words::of("").is_empty());
    }

    #[test]
    fn every_link_within_the_page_leads_somewhere() {
        let mut links = content().split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        assert!(links.all(|to| content().matches(&format!(" id=\"{to}\"")).count() == 1));
    }
}
