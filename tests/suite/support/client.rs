//! JSON over HTTP, and what comes back.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;

/// A way to the program's front door.
#[derive(Clone)]
pub struct Client {
    base: String,
    client: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(base: &str) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base: base.to_owned(), client }
    }

    /// The address of the program.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to be filled in by hand.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str, token: &str) -> Reply {
        send(self.request(Method::GET, path).header(AUTHORIZATION, format!("Bearer {token}"))).await
    }

    /// A POST; an empty token means none.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        let request = self.request(Method::POST, path).json(&body);
        send(if token.is_empty() { request } else { request.bearer_auth(token) }).await
    }

    pub async fn put(&self, path: &str, token: &str, body: Value) -> Reply {
        send(self.request(Method::PUT, path).bearer_auth(token).json(&body)).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Reply {
        send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }
}

/// Sends a request that was filled in by hand.
pub async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.unwrap() }
}

impl Reply {
    /// The body, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} no JSON: {}", self.status, self.text))
    }

    /// The body of an answer that has this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem of this status and code; returns its body.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!((body["code"].as_str(), body["status"].as_u64()), (Some(code), Some(u64::from(status))));
        assert!(body["type"].is_string() && body["title"].is_string() && body["detail"].is_string());
        body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A field that is text.
#[track_caller]
pub fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no text in {field}: {body}")).to_owned()
}
