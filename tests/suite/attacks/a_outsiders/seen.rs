//! What an outsider sees of an answer, without what is drawn anew for each.

use crate::support::browser::Page;
use crate::support::client::Reply;

/// Status, headers and body.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    status: u16,
    headers: Vec<String>,
    body: String,
}

impl Seen {
    /// An answer of the API; `drawn` is what is new in each, or typed, and its length may not differ.
    pub fn of(reply: &Reply, drawn: &[&str]) -> Self {
        Self::new(reply.status, &reply.headers, &reply.text, drawn)
    }

    /// A page.
    pub fn page(page: &Page, drawn: &[&str]) -> Self {
        Self::new(page.status, &page.headers, &page.text, &[drawn, &[page.token.as_str()]].concat())
    }

    fn new(status: u16, headers: &reqwest::header::HeaderMap, body: &str, drawn: &[&str]) -> Self {
        let plain = |text: &str| {
            let drawn = drawn.iter().filter(|one| !one.is_empty());
            drawn.fold(text.to_owned(), |text, one| text.replace(one, &"#".repeat(one.len())))
        };
        let shown = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            let value = plain(value.to_str().unwrap());
            match name.as_str() {
                "date" => None,
                // What is sealed in a cookie is another text each time: its name, length and attributes stay.
                "set-cookie" => Some(format!("set-cookie: {}", cookie(&value))),
                name => Some(format!("{name}: {value}")),
            }
        };
        let mut headers: Vec<String> = headers.iter().filter_map(shown).collect();
        // Their order is drawn anew for each answer.
        headers.sort();
        Self { status, headers, body: plain(body) }
    }
}

fn cookie(text: &str) -> String {
    let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    // A cookie that is taken away expires a year before now, to the second.
    let attributes: Vec<&str> = attributes.split(';').filter(|one| !one.starts_with(" Expires=")).collect();
    format!("{name}={};{}", "#".repeat(value.len()), attributes.join(";"))
}
