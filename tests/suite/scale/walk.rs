//! A walk over pages and calls that keeps what each one asked of the database, and what it weighs.

use std::collections::BTreeMap;

use rekey::db::Statements;
use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, COOKIE};
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::client::{Client, send};

/// One page or call of the walk.
pub struct Step {
    /// `GET /desk`.
    pub name: String,
    /// What it asked of the database, in order.
    pub statements: Vec<String>,
    /// Bytes of the page with all that it loads, as sent; calls have none.
    pub weight: Option<usize>,
}

/// What was seen so far.
pub struct Walk<'a> {
    pub app: &'a TestApp,
    pub statements: Statements,
    pub steps: Vec<Step>,
    /// Files that pages load, by path, with their bytes as sent.
    files: BTreeMap<String, usize>,
}

/// What opens and ends transactions is the same for each of them, and none of a page's own.
fn is_own(statement: &str) -> bool {
    let around = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"];
    statement != "SELECT 1; COMMIT" && !around.iter().any(|word| statement.starts_with(word))
}

impl<'a> Walk<'a> {
    pub fn of(app: &'a TestApp) -> Self {
        let statements = app.ctx.db.statements().clone();
        Self { app, statements, steps: Vec::new(), files: BTreeMap::new() }
    }

    /// Keeps what was asked since the last look under `name`; the first of that name counts.
    fn keep(&mut self, name: String, asked: Vec<String>, weight: Option<usize>) {
        if !self.steps.iter().any(|step| step.name == name) {
            let statements = asked.into_iter().filter(|one| is_own(one)).collect();
            self.steps.push(Step { name, statements, weight });
        }
    }

    /// A call that succeeds. `pattern` is its path in the document.
    pub async fn call(
        &mut self,
        method: Method,
        pattern: &str,
        path: &str,
        token: &str,
        body: Value,
    ) -> Value {
        let mut request = self.app.http.request(method.clone(), path);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        self.statements.listen();
        let reply = send(request).await;
        let asked = self.statements.take();
        self.keep(format!("{method} {pattern}"), asked, None);
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text);
        if reply.text.starts_with('{') { reply.json() } else { Value::Null }
    }

    /// A page that is shown, or leads elsewhere.
    pub async fn page(&mut self, browser: &mut Browser, pattern: &str, path: &str) -> Page {
        self.statements.listen();
        let page = browser.get(path).await;
        let asked = self.statements.take();
        let weight = self.weigh(&self.app.http.clone(), &browser.cookies(), path, &page.text).await;
        self.keep(format!("GET {pattern}"), asked, Some(weight));
        assert!(matches!(page.status, 200 | 303), "{path}: {} {}", page.status, page.text);
        page
    }

    /// Bytes that a browser receives for a page which it has never seen.
    pub async fn weigh(&mut self, http: &Client, cookies: &str, path: &str, text: &str) -> usize {
        let mut sum = sent(http, cookies, path).await;
        for file in files(text) {
            let known = self.files.get(&file).copied();
            let bytes = match known {
                Some(bytes) => bytes,
                None => sent(http, cookies, &file).await,
            };
            self.files.insert(file, bytes);
            sum += bytes;
        }
        sum
    }
}

/// Bytes of an answer's body, to a client that takes compressed ones.
async fn sent(http: &Client, cookies: &str, path: &str) -> usize {
    let request = http.request(Method::GET, path).header(ACCEPT, "text/html,*/*;q=0.8");
    let request = request.header(ACCEPT_ENCODING, "gzip").header(COOKIE, cookies);
    request.send().await.unwrap().bytes().await.unwrap().len()
}

/// What a page loads by itself: styles, scripts, pictures, frames.
fn files(text: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for tag in text.split('<').filter(|tag| {
        ["link ", "script ", "img ", "iframe ", "source "].iter().any(|name| tag.starts_with(name))
    }) {
        let tag = tag.split('>').next().unwrap();
        for attribute in ["href=\"", "src=\""] {
            let Some((_, rest)) = tag.split_once(attribute) else { continue };
            let file = rest.split('"').next().unwrap().replace("&#38;", "&");
            if file.starts_with('/') && !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
}
