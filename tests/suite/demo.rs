//! The demo, walked as a visitor walks it: pages and forms alone, cookies kept.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;

use actix_web::dev::ServerHandle;
use rekey::demo::Demo;
use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

use crate::support::app::TestApp;
use crate::support::client::{Client, Reply, send};
use crate::support::database::Backend;

/// Every address of the demo.
const PATHS: [&str; 13] = [
    "/demo",
    "/demo/files/demo.css",
    "/demo/mailbox",
    "/demo/mailbox/0",
    "/demo/mailbox/0/html",
    "/demo/app",
    "/demo/app/key",
    "/demo/staff-codes",
    "/demo/clock",
    "/demo/host",
    "/demo/host/profile",
    "/demo/host/ticket",
    "/demo/host/code",
];

/// A demo that is running, and a browser that keeps cookies.
struct Visit {
    demo: Demo,
    http: Client,
    cookies: BTreeMap<String, String>,
    server: ServerHandle,
    _folder: tempfile::TempDir,
}

impl Visit {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let demo = Demo::prepare(&folder.path().join("demo"), &listener).await.unwrap();
        let http = Client::new(&demo.ctx.config.http.public_url);
        let server = rekey::http::run_with(demo.ctx.clone(), listener, demo.routes()).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        Self { demo, http, cookies: BTreeMap::new(), server: handle, _folder: folder }
    }

    async fn get(&mut self, path: &str) -> Reply {
        let request = self.http.request(Method::GET, path).header(COOKIE, self.cookie_header());
        let reply = send(request.header("accept", "text/html")).await;
        self.keep(&reply);
        reply
    }

    /// Opens a page, and sends a form as it stands there.
    async fn post(&mut self, page: &str, to: &str, fields: &[(&str, &str)]) -> Reply {
        let shown = self.get(page).await;
        let token = between(&shown.text, "name=\"form_token\" value=\"", "\"");
        let mut form = vec![("form_token", token.as_str())];
        form.extend(fields);
        let request =
            as_form(self.http.request(Method::POST, to), &form).header(COOKIE, self.cookie_header());
        let reply = send(request.header("accept", "text/html")).await;
        self.keep(&reply);
        reply
    }

    fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The number of the newest letter to an address.
    async fn newest(&mut self, to: &str) -> String {
        let list = self.get(&format!("/demo/mailbox?to={to}")).await.text;
        let letters = between(&list, "<ol class=\"letters\"", "</ol>");
        between(&letters, "href=\"", "\"")
    }

    /// The key of the newest letter to an address.
    async fn key(&mut self, to: &str) -> String {
        let path = self.newest(to).await;
        let letter = self.get(&path).await.text;
        let key = letter.lines().map(str::trim).find(|line| line.len() == 32 && line.chars().all(is_base32));
        key.expect("the letter has a key on a line of its own").to_owned()
    }

    /// What the phone shows for an entry.
    async fn shown(&mut self, name: &str) -> String {
        let phone = self.get("/demo/app").await.text;
        let entry = between(&phone, &format!("<span class=\"entry-name\">{name}</span>"), "</li>");
        between(&entry, "<output class=\"entry-code\">", "</output>")
    }

    async fn sign_in(&mut self, name: &str) -> Reply {
        self.post("/demo/host", "/demo/host", &[("name", name), ("password", "person-demo")]).await
    }

    async fn end(self) {
        self.server.stop(false).await;
    }
}

fn as_form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

fn is_base32(c: char) -> bool {
    matches!(c, 'A'..='Z' | '2'..='7')
}

fn between(text: &str, before: &str, behind: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(behind).unwrap_or_else(|| panic!("no {behind} behind {before}")).0.to_owned()
}

fn leads_to(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.headers[LOCATION].to_str().unwrap().to_owned()
}

/// What another program says that the app shows.
fn oathtool(key: &str, at: i64) -> String {
    let arguments = ["--totp", "--base32", &format!("--now=@{at}"), key];
    let said = Command::new("oathtool").args(arguments).output().expect("oathtool is there: script/setup");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

#[tokio::test]
async fn the_mailed_key_is_typed_into_the_phone_and_signs_in() {
    let mut visit = Visit::begin().await;
    let guide = visit.get("/demo").await;
    assert_eq!(guide.status, 200);
    assert_eq!(guide.text.matches("href=\"/desk/tickets/RK-").count(), 14, "a ticket in every state");

    // The letter, typed as people type: in small letters and groups.
    let key = visit.key("dorothy@example.com").await;
    let typed = key
        .to_ascii_lowercase()
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join(" ");
    let wrong = [("account_name", "Example (dorothy)"), ("key", "not a key 018"), ("kind", "time")];
    assert_eq!(visit.post("/demo/app/key", "/demo/app/key", &wrong).await.status, 422);
    let right = [("account_name", "Example (dorothy)"), ("key", typed.as_str()), ("kind", "time")];
    assert_eq!(leads_to(&visit.post("/demo/app/key", "/demo/app/key", &right).await), "/demo/app");

    // Half a minute may end between the two looks at the clock.
    let before = visit.demo.ctx.now().and_utc().timestamp();
    let code = visit.shown("Example (dorothy)").await.replace(' ', "");
    let after = visit.demo.ctx.now().and_utc().timestamp();
    assert!([oathtool(&key, before), oathtool(&key, after)].contains(&code), "{code}");

    assert_eq!(leads_to(&visit.sign_in("dorothy").await), "/demo/host/code");
    let in_now = visit.post("/demo/host/code", "/demo/host/code", &[("code", &code)]).await;
    assert_eq!(in_now.status, 200);
    let codes = between(&in_now.text, "id=\"codes\"", "</ul>");
    assert_eq!(codes.matches("<li data-line>").count(), 10, "the key went live at sign-in");
    assert!(visit.get("/demo/host").await.text.contains("Welcome, Dorothy Vaughan"));
    visit.end().await;
}

#[tokio::test]
async fn a_slow_phone_is_refused_and_the_host_opens_a_ticket() {
    let mut visit = Visit::begin().await;
    assert_eq!(leads_to(&visit.post("/demo/app", "/demo/app/clock", &[("fast", "-180")]).await), "/demo/app");
    visit.sign_in("grace").await;
    let slow = visit.shown("Example (grace)").await;
    let refused = visit.post("/demo/host/code", "/demo/host/code", &[("code", &slow)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        leads_to(&visit.get("/demo/host/profile").await),
        "/demo/host",
        "the password alone lets nobody in"
    );

    let asked = [("problem", "not_set_up_correctly"), ("message", "Every code is refused.")];
    let opened = leads_to(&visit.post("/demo/host/ticket", "/demo/host/ticket", &asked).await);
    let reference = opened.strip_prefix("/tickets/").unwrap();
    assert!(visit.cookies.contains_key(&format!("rekey_ticket_{reference}")));
    visit.end().await;
}

#[tokio::test]
async fn two_factor_is_set_up_at_the_host_and_turned_off_again() {
    let mut visit = Visit::begin().await;
    assert_eq!(leads_to(&visit.sign_in("emmy").await), "/demo/host");
    assert_eq!(
        leads_to(&visit.post("/demo/host/profile", "/demo/host/turn-on", &[]).await),
        "/demo/host/set-up"
    );
    let page = visit.get("/demo/host/set-up").await.text;
    let key = between(&page, "id=\"key\">", "</dd>").replace("<br>", "");
    let entry = [("account_name", "Example (emmy)"), ("key", key.as_str()), ("kind", "time")];
    visit.post("/demo/app/key", "/demo/app/key", &entry).await;
    let code = visit.shown("Example (emmy)").await;
    let on = visit.post("/demo/host/set-up", "/demo/host/set-up", &[("code", &code)]).await;
    assert!(on.text.contains("Two-factor authentication is on"), "{}", on.text);

    let again = visit.post("/demo/host/profile", "/demo/host/turn-off", &[("code", &code)]).await;
    assert_eq!(again.status, 403, "a code works once");
    visit.post("/demo/clock", "/demo/clock", &[("by", "half-minute")]).await;
    let code = visit.shown("Example (emmy)").await;
    let off = visit.post("/demo/host/profile", "/demo/host/turn-off", &[("code", &code)]).await;
    assert_eq!(leads_to(&off), "/demo/host/profile");
    visit.end().await;
}

#[tokio::test]
async fn a_day_later_the_hold_is_over_and_the_letter_is_shown_in_a_frame_without_scripts() {
    let mut visit = Visit::begin().await;
    let before = visit.newest("lise@example.com").await;
    assert_eq!(leads_to(&visit.post("/demo/clock", "/demo/clock", &[("by", "day")]).await), "/demo/clock");
    let after = visit.newest("lise@example.com").await;
    assert_ne!(after, before);
    assert!(visit.get("/demo/clock").await.text.contains("1 day ahead"));
    let refused = visit.post("/demo/clock", "/demo/clock", &[("by", "-1")]).await;
    assert_eq!(refused.status, 422, "forward only, by what is offered");

    let letter = visit.get(&after).await;
    assert!(letter.text.contains("Your new key") && letter.text.contains("sandbox="));
    let policy = |reply: &Reply| reply.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy(&letter).contains("unsafe"), "the pages keep the product's policy");
    let html = visit.get(&format!("{after}/html")).await;
    assert!(html.text.contains("<title>Your new key"));
    assert!(
        policy(&html).starts_with("default-src 'none'; style-src-attr")
            && !policy(&html).contains("allow-scripts")
    );
    visit.end().await;
}

#[tokio::test]
async fn forms_of_the_demo_are_guarded_as_the_products_are() {
    let visit = Visit::begin().await;
    for path in ["/demo/clock", "/demo/app/key", "/demo/app/delete", "/demo/host", "/demo/host/ticket"] {
        let forged = as_form(visit.http.request(Method::POST, path), &[("by", "day")]);
        assert_eq!(send(forged).await.status, 403, "{path}");
    }
    visit.end().await;
}

#[tokio::test]
async fn a_second_demo_does_not_take_the_files_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("demo");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let first = Demo::prepare(&place, &listener).await.unwrap();
    let second = Demo::prepare(&place, &listener).await;
    assert!(second.is_err_and(|error| error.to_string().contains("another demo is running")));
    drop(first);
    // The first one's files may still be closing in this very process; its lock is gone all the same.
    let third = Demo::prepare(&place, &listener).await;
    assert!(third.err().is_none_or(|error| !error.to_string().contains("another demo is running")));
}

#[tokio::test]
async fn nothing_of_it_is_there_under_serve() {
    let app = TestApp::start(Backend::Sqlite, &[]).await;
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::HEAD] {
            assert_eq!(send(app.http.request(method.clone(), path)).await.status, 404, "{method} {path}");
        }
    }
    let mut visit = Visit::begin().await;
    for path in PATHS {
        assert_ne!(visit.get(path).await.status, 404, "{path} is there in the demo");
    }
    visit.end().await;
}
