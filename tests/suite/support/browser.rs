//! A browser without scripts: it keeps cookies, sends forms with their hidden fields, and follows no redirect by
//! itself, so that a story sees each step.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, SET_COOKIE};

use super::app::TestApp;
use super::client::Client;

/// Somebody's browser.
#[derive(Clone)]
pub struct Browser {
    http: Client,
    cookies: BTreeMap<String, String>,
    /// Where it is, behind a proxy that is trusted to tell.
    address: Option<String>,
}

/// A page that it shows.
#[derive(Debug, Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Where its form is sent to.
    pub path: String,
    /// The token of its forms.
    pub token: String,
    /// The other hidden fields of the form.
    pub hidden: Vec<(String, String)>,
}

impl Browser {
    pub fn new(app: &TestApp) -> Self {
        Self::of(&app.http)
    }

    /// One somewhere else on the internet; the program must trust the proxy on loopback.
    pub fn from(app: &TestApp, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..Self::new(app) }
    }

    /// The same browser, led to another replica by a balancer.
    pub fn at(&self, app: &TestApp) -> Self {
        Self { http: app.http.clone(), ..self.clone() }
    }

    /// A browser in front of a program that can be killed.
    pub fn of(http: &Client) -> Self {
        Self { http: http.clone(), cookies: BTreeMap::new(), address: None }
    }

    /// What it keeps under that name.
    pub fn cookie(&self, name: &str) -> &str {
        self.cookies.get(name).map_or("", String::as_str)
    }

    /// Somebody tampers with what it keeps.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path).await
    }

    pub async fn request(&mut self, method: Method, path: &str) -> Page {
        let request = self.http.request(method, path);
        self.run(request, path).await
    }

    /// Sends the form of a page, filled in.
    pub async fn send(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        self.send_with(page, fields, &[]).await
    }

    /// The same with further headers.
    pub async fn send_with(
        &mut self,
        page: &Page,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let request = self.filled(page, fields, headers);
        self.run(request, &page.path).await
    }

    /// Sends the form of a page to a program that may die of it; nothing where it did.
    pub async fn try_send(&mut self, page: &Page, fields: &[(&str, &str)]) -> Option<Page> {
        let request = self.filled(page, fields, &[]);
        self.attempt(request, &page.path).await
    }

    fn filled(
        &self,
        page: &Page,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("form_token", &page.token);
        for (name, value) in &page.hidden {
            body.append_pair(name, value);
        }
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        let mut request = self.http.request(Method::POST, &page.path);
        request = request.header("content-type", "application/x-www-form-urlencoded").body(body.finish());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    /// Everything that it keeps, as it sends it.
    pub fn cookies(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn run(&mut self, request: reqwest::RequestBuilder, path: &str) -> Page {
        self.attempt(request, path).await.unwrap()
    }

    async fn attempt(&mut self, request: reqwest::RequestBuilder, path: &str) -> Option<Page> {
        let mut request = request.header(ACCEPT, "text/html,*/*;q=0.8").header(COOKIE, self.cookies());
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        Some(Page::of(status, headers, response.text().await.ok()?, path))
    }
}

impl Page {
    fn of(status: u16, headers: HeaderMap, text: String, path: &str) -> Self {
        let first = text.split("<form method=\"post\"").nth(1).unwrap_or_default().to_owned();
        let page =
            Self { status, headers, text, path: path.to_owned(), token: String::new(), hidden: Vec::new() };
        page.filled(&first)
    }

    /// The page with another one of its forms: the one that is sent to `action`.
    #[track_caller]
    pub fn form(&self, action: &str) -> Self {
        let start = format!("<form method=\"post\" action=\"{action}\"");
        let (_, form) = self.text.split_once(&start).unwrap_or_else(|| panic!("no form to {action}"));
        Self { path: action.to_owned(), hidden: Vec::new(), ..self.clone() }.filled(form)
    }

    fn filled(mut self, form: &str) -> Self {
        let form = form.split("</form>").next().unwrap_or_default();
        let tag = form.split('>').next().unwrap_or_default();
        if let Some(action) = attribute(tag, "action") {
            self.path = action;
        }
        for input in form.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\"")) {
            let (name, value) = (attribute(input, "name").unwrap(), attribute(input, "value").unwrap());
            match &*name {
                "form_token" => self.token = value,
                _ => self.hidden.push((name, value)),
            }
        }
        self
    }

    /// Its text, as far as it is the same for everybody.
    pub fn without_token(&self) -> String {
        self.text.replace(&self.token, "")
    }

    /// Insists on a status and on words.
    #[track_caller]
    pub fn shows(self, status: u16, words: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(words), "no {words:?} in {}", self.text);
        self
    }

    /// Insists on a redirect after a form, and returns where it leads.
    #[track_caller]
    pub fn goes_to(&self, path: &str) -> String {
        let location = self.location();
        assert_eq!(location, path);
        location
    }

    /// Where a redirect leads.
    #[track_caller]
    pub fn location(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!("{name}=\""))?.1.split('"').next()?;
    Some(
        value
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#38;", "&"),
    )
}
