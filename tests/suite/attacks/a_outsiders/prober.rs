//! One who asks about an account, known or unknown.

use serde_json::{Value, json};

use super::seen::Seen;
use crate::support::actors::{Asker, PASSWORD};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::{Reply, send, text};

/// Every call that anybody can make about an account, in the order in which an attacker would.
pub const CALLS: [&str; 12] = [
    "open",
    "status",
    "confirm",
    "come back",
    "confirm without token",
    "reply",
    "diagnose",
    "prove",
    "activate",
    "desk sign-in",
    "account sign-in",
    "withdraw",
];

/// One who asks about an account, and what is drawn for them.
pub struct Prober<'a> {
    app: &'a TestApp,
    account: String,
    staff: String,
    asker: Option<Asker>,
    browser: Browser,
    count: u32,
}

impl<'a> Prober<'a> {
    /// `name` is the part before the `@` of an account's address and of a member's.
    pub fn new(app: &'a TestApp, name: &str) -> Self {
        let (account, staff) = (format!("{name}@example.com"), format!("{name}@desk.example.com"));
        Self { app, account, staff, asker: None, browser: Browser::new(app), count: 0 }
    }

    /// Makes one of the calls.
    pub async fn call(&mut self, call: &str) -> Seen {
        let wrong = json!({"code": "000000"});
        match call {
            "open" => self.open().await,
            "status" => {
                let asker = self.asker();
                let reply = self.app.http.get(&asker.path(""), &asker.token).await;
                self.seen(&reply)
            }
            "confirm" => self.post("/confirm", true, wrong).await,
            "come back" => self.post("/return", false, json!({})).await,
            "confirm without token" => self.post("/confirm", false, wrong).await,
            "reply" => self.post("/reply", true, json!({"message": "Hello?"})).await,
            "diagnose" => self.post("/diagnose", true, json!({"codes": ["123456", "654321"]})).await,
            "prove" => self.post("/prove", true, json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"})).await,
            "activate" => self.post("/activate", true, json!({"code": "123456", "pin": "12345678"})).await,
            "desk sign-in" => {
                let body = json!({"email": self.staff, "password": "not the password", "code": "123456"});
                let request =
                    self.app.http.request(reqwest::Method::POST, "/api/v1/desk/session").json(&body);
                Seen::of(&send(request.header("x-forwarded-for", self.network())).await, &[])
            }
            "account sign-in" => self.sign_in().await,
            "withdraw" => self.post("/withdraw", true, json!({})).await,
            _ => panic!("{call}"),
        }
    }

    async fn open(&mut self) -> Seen {
        let body = json!({"account": self.account, "problem": "lost_device", "message": ""});
        let reply = self.app.http.post("/api/v1/tickets", "", body).await;
        let opened = reply.expect(202);
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        self.asker = Some(Asker { email: self.account.clone(), reference, token });
        self.seen(&reply)
    }

    async fn post(&self, call: &str, with_token: bool, body: Value) -> Seen {
        let asker = self.asker();
        let token = if with_token { asker.token.as_str() } else { "" };
        self.seen(&self.app.http.post(&asker.path(call), token, body).await)
    }

    async fn sign_in(&mut self) -> Seen {
        let page = self.browser.get("/account").await.form("/account");
        let network = self.network();
        let typed = [("account", self.account.as_str()), ("password", "not the password")];
        let page = self.browser.send_with(&page, &typed, &[("x-forwarded-for", &network)]).await;
        Seen::page(&page, &[&self.account])
    }

    /// Each try from a network of its own, where the story trusts the proxy.
    fn network(&mut self) -> String {
        self.count += 1;
        format!("10.{}.{}.1", self.count / 250, self.count % 250)
    }

    fn asker(&self) -> &Asker {
        self.asker.as_ref().expect("the ticket was opened first")
    }

    fn seen(&self, reply: &Reply) -> Seen {
        let asker = self.asker();
        Seen::of(reply, &[&asker.reference, &asker.token])
    }
}

/// Ada has everything that can be known of somebody: an account, a local password, two-factor authentication, and a
/// seat at the desk.
pub async fn stage(app: &TestApp) {
    app.enrolled().await;
    rekey::workflow::accounts::set_password(&app.ctx, "ada", &PASSWORD.into()).await.unwrap();
    app.staff("ada", "agent").await;
    app.letters().await;
}
