//! What is done to an account: calls of the API, and what is done at the command line or by the worker.

use std::path::PathBuf;

use rekey::domain::actor::Roles;
use rekey::workflow::import::{Encoding, Import, Watcher, import};
use rekey::workflow::staff::{self, NewMember};
use rekey::workflow::{Context, accounts, expire, owner_password};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::app::TestApp;
use crate::support::client::{Client, send};

/// A way to a replica.
#[derive(Clone)]
pub struct Door {
    http: Client,
    ctx: Context,
}

impl Door {
    pub fn of(app: &TestApp) -> Self {
        Self { http: app.http.clone(), ctx: app.ctx.clone() }
    }
}

/// A call with a name.
#[derive(Debug, Clone)]
pub struct Verb {
    pub name: &'static str,
    act: Act,
}

#[derive(Debug, Clone)]
enum Act {
    Call { method: Method, path: String, token: String, body: Value },
    Import(PathBuf),
    Disable(String),
    Demote(String),
    Hire,
    SetPassword,
    SignIn,
    Expire,
}

struct Silent;

impl Watcher for Silent {
    fn bad(&self, _: u64, _: &str) {}

    fn progress(&self, _: u64, _: u64) {}

    fn resumes(&self, _: u64, _: u64) {}

    fn halts(&self, _: u64, _: u64, _: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }
}

/// Somebody signs in at the account pages with the password that was set before.
pub const OLD_PASSWORD: &str = "rather long and old";

impl Verb {
    fn call(name: &'static str, method: Method, path: String, token: &str, body: Value) -> Self {
        Self { name, act: Act::Call { method, path, token: token.to_owned(), body } }
    }

    /// A call of the requester on their ticket.
    pub fn asks(name: &'static str, asker: &Asker, call: &str, body: Value) -> Self {
        Self::call(name, Method::POST, asker.path(call), &asker.token, body)
    }

    /// A POST with a token, or with none but what it holds.
    pub fn posts(name: &'static str, path: &str, token: &str, body: Value) -> Self {
        Self::call(name, Method::POST, path.to_owned(), token, body)
    }

    /// A command of a member of the staff on a ticket.
    pub fn does(name: &'static str, by: &Member, asker: &Asker, call: &str, body: Value) -> Self {
        Self::call(name, Method::POST, asker.desk(call), &by.token, body)
    }

    /// A POST of the host for Ada's account.
    pub fn host(name: &'static str, app: &TestApp, call: &str, body: Value) -> Self {
        Self::call(name, Method::POST, format!("/api/v1/accounts/ada{call}"), &app.host_token, body)
    }

    /// The host puts Ada's account, with what differs from before.
    #[expect(clippy::needless_pass_by_value, reason = "it is written down where it is called")]
    pub fn put(name: &'static str, app: &TestApp, changed: Value) -> Self {
        let mut facts = json!({"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+442079460000",
            "manager_email": "charles@example.com", "tier": "standard"});
        for (field, value) in changed.as_object().unwrap() {
            facts[field] = value.clone();
        }
        Self::call(name, Method::PUT, "/api/v1/accounts/ada".to_owned(), &app.host_token, facts)
    }

    pub fn delete(app: &TestApp) -> Self {
        let path = "/api/v1/accounts/ada".to_owned();
        Self::call("delete", Method::DELETE, path, &app.host_token, Value::Null)
    }

    pub fn turn_off(app: &TestApp, body: Value) -> Self {
        let path = "/api/v1/accounts/ada/authenticator".to_owned();
        Self::call("turn off", Method::DELETE, path, &app.host_token, body)
    }

    pub fn import(file: PathBuf) -> Self {
        Self { name: "import", act: Act::Import(file) }
    }

    pub fn disable(name: &'static str, member: &Member) -> Self {
        Self { name, act: Act::Disable(member.email.clone()) }
    }

    /// An auditor from now on, and nothing else.
    pub fn demote(name: &'static str, member: &Member) -> Self {
        Self { name, act: Act::Demote(member.email.clone()) }
    }

    /// Ada's address becomes that of a member of the staff.
    pub const fn hire() -> Self {
        Self { name: "hire", act: Act::Hire }
    }

    pub const fn set_password() -> Self {
        Self { name: "set password", act: Act::SetPassword }
    }

    pub const fn sign_in() -> Self {
        Self { name: "sign in", act: Act::SignIn }
    }

    /// The worker ends what is past its time.
    pub const fn expire() -> Self {
        Self { name: "expire", act: Act::Expire }
    }

    /// Does it by way of a replica; the answer in a few words.
    pub async fn go(self, app: Door) -> String {
        match self.act {
            Act::Call { method, path, token, body } => {
                let request = app.http.request(method, &path);
                let request = if token.is_empty() { request } else { request.bearer_auth(token) };
                let reply = send(if body.is_null() { request } else { request.json(&body) }).await;
                let said: Value = serde_json::from_str(&reply.text).unwrap_or_default();
                // No more of a ticket: it is shown as it is after the command, when the other call may have been there.
                let fields =
                    if path.ends_with("/codes/verify") { ["result", "reason"] } else { ["code", "finding"] };
                let words = fields.map(|field| said[field].as_str().unwrap_or_default());
                format!("{} {}", reply.status, words.join(" ")).trim_end().to_owned()
            }
            Act::Import(file) => {
                let what = Import {
                    file,
                    separator: b',',
                    encoding: Encoding::Utf8,
                    client: Some("Example".to_owned()),
                    skip_bad: false,
                };
                said(import(&app.ctx, &what, &Silent).await)
            }
            Act::Disable(email) => said(staff::disable(&app.ctx, &email).await),
            Act::Demote(email) => {
                said(staff::set_roles(&app.ctx, &email, Roles::parse("auditor").unwrap()).await)
            }
            Act::Hire => {
                let new = NewMember {
                    email: "ada@example.com".to_owned(),
                    name: "Ada".to_owned(),
                    roles: Roles::parse("admin").unwrap(),
                    account: None,
                    password: PASSWORD.into(),
                };
                said(staff::add(&app.ctx, new).await.map(drop))
            }
            Act::SetPassword => {
                said(accounts::set_password(&app.ctx, "ada", &"quite another one".into()).await)
            }
            Act::SignIn => {
                let with = owner_password::Credentials {
                    account: "ada@example.com".to_owned(),
                    application: None,
                    password: OLD_PASSWORD.into(),
                    network: None,
                    browser: "Firefox".to_owned(),
                    known: None,
                };
                said(owner_password::sign_in(&app.ctx, with).await.map(drop))
            }
            Act::Expire => said(expire::run(&app.ctx).await.map(drop)),
        }
    }
}

fn said<T: std::fmt::Debug, E: std::fmt::Debug>(done: Result<T, E>) -> String {
    match done {
        Ok(done) => format!("done {done:?}"),
        Err(error) => format!("{error:?}"),
    }
}
