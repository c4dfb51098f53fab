//! The program at the other end of the walk: commands go through its front door, letters are read as they come.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rekey::mail::{Reason, Verdict};
use rekey::workflow::accounts;
use reqwest::Method;
use serde_json::{Value, json};

use super::command::{Start, Who};
use super::person::{Person, Request};
use super::reference::{Answer, Time};
use super::sessions::{Session, VIEWER};
use crate::support::actors::Member;
use crate::support::app::TestApp;
use crate::support::client::{send, text};
use crate::support::database::Backend;
use crate::support::totp;

pub const PASSWORD: &str = "an owl sat in the barn";

/// A call that is ready to be made.
pub struct Call {
    pub method: Method,
    pub path: String,
    pub token: String,
    pub body: Value,
}

pub struct Program {
    pub(super) app: Option<TestApp>,
    pub(super) sessions: BTreeMap<String, Session>,
    cases: u32,
    latest: Time,
}

impl Program {
    pub async fn start(backend: Backend) -> Self {
        let settings = [
            ("REKEY__POLICY__APPROVALS_PER_HOUR", "10000"),
            ("REKEY__LIMITS__TICKETS_PER_HOUR", "1000000"),
            ("REKEY__LIMITS__LETTERS_PER_DAY", "100"),
            ("REKEY__SESSIONS__HOURS", "24"),
            ("REKEY__SESSIONS__IDLE_MINUTES", "60"),
        ];
        let app = TestApp::start(backend, &settings).await;
        let latest = app.ctx.now();
        let mut program = Self { app: Some(app), sessions: BTreeMap::new(), cases: 0, latest };
        let staff = Who::STAFF.map(|who| (who.name(), who.role()));
        for (name, role) in staff.into_iter().chain([(VIEWER.to_owned(), "admin")]) {
            let member = program.app().staff(&name, role).await;
            program.keep_session(name, member);
        }
        program
    }

    pub fn app(&self) -> &TestApp {
        self.app.as_ref().unwrap()
    }

    pub fn now(&self) -> Time {
        self.app().ctx.now()
    }

    pub fn wait(&mut self, time: TimeDelta) {
        self.set(self.now() + time);
    }

    pub fn set(&mut self, time: Time) {
        self.latest = self.latest.max(time);
        self.app().ctx.clock.set(time);
    }

    pub fn step(&self) -> i64 {
        self.now().and_utc().timestamp() / 30
    }

    /// It dies, and another one starts on the same database.
    pub fn crash(&mut self) {
        let next = self.app().replica();
        self.app = Some(next);
    }

    pub fn mail_bounces(&self, bounces: bool) {
        let verdict = Verdict::Bounced(Reason::new("5.1.1 no such user").with_code(550));
        self.app().mail.answer_always(bounces.then_some(verdict));
    }

    /// A new account, after everything that was before: with the time of its password and the step of its last code.
    pub async fn person(&mut self, start: Start) -> (Person, Option<Time>, i64) {
        self.mail_bounces(false);
        self.set(self.latest + TimeDelta::days(1));
        self.end_sessions();
        self.app().letters().await;
        self.sessions.remove(&Who::Owner.name());
        self.cases += 1;
        let name = format!("person{}", self.cases);
        let mut person = Person {
            email: format!("{name}@example.com"),
            privileged: start.privileged,
            name,
            ..Person::default()
        };
        let body = person.facts();
        self.host(&person, Method::PUT, "", body).await.expect(201);
        if start.of_staff {
            self.hire(&person).await;
        }
        if start.enrolled {
            let key = text(
                &self.host(&person, Method::POST, "/authenticator", json!({})).await.expect(201),
                "secret",
            );
            self.wait(TimeDelta::seconds(30));
            let right = json!({"code": self.code(&key, 0)});
            let enrolled =
                self.host(&person, Method::POST, "/authenticator/confirm", right).await.expect(200);
            person.learn_recovery_codes(&enrolled);
            person.keys.push(Some(key));
        }
        let last = self.step();
        let mut password_at = None;
        if let Some(hours) = start.password {
            accounts::set_password(&self.app().ctx, person.name.as_str(), &PASSWORD.into()).await.unwrap();
            password_at = Some(self.now());
            self.wait(TimeDelta::hours(hours));
        }
        self.end_sessions();
        self.app().letters().await;
        (person, password_at, last)
    }

    /// The person becomes a member of the staff.
    pub async fn hire(&mut self, person: &Person) {
        let name = Who::Owner.name();
        let row = format!("{name}{}", self.cases);
        let member = self.app().staff_of(&row, Who::Owner.role(), Some(&person.name)).await;
        self.keep_session(name, member);
    }

    fn keep_session(&mut self, name: String, member: Member) {
        let (now, last) = (self.now(), self.step());
        self.sessions.insert(name, Session { member, began: now, seen: now, last });
    }

    pub async fn host(
        &self,
        person: &Person,
        method: Method,
        call: &str,
        body: Value,
    ) -> crate::support::client::Reply {
        let app = self.app();
        let path = format!("/api/v1/accounts/{}{call}", person.name);
        send(app.http.request(method, &path).bearer_auth(&app.host_token).json(&body)).await
    }

    /// The code that an app with this key shows, or showed so many steps ago.
    pub fn code(&self, key: &str, ago: i64) -> String {
        totp::code(key, self.now().and_utc().timestamp() - 30 * ago)
    }

    /// A code that no key of the person shows now, or just before or after.
    pub fn wrong_code(&self, person: &Person) -> String {
        let shown: Vec<String> =
            person.keys.iter().flatten().flat_map(|key| (-2..=2).map(|ago| self.code(key, ago))).collect();
        let guesses = (0..).map(|guess| format!("{:06}", (self.step() * 7919 + guess) % 1_000_000));
        guesses.into_iter().find(|guess| !shown.contains(guess)).unwrap()
    }

    /// A ticket as the desk sees it.
    pub async fn seen(&mut self, request: &Request) -> Value {
        let token = self.token(VIEWER);
        let path = format!("/api/v1/desk/tickets/{}", request.reference);
        self.app().http.get(&path, &token).await.expect(200)
    }

    pub async fn make(&self, call: &Call) -> (Answer, Value) {
        let request = self.app().http.request(call.method.clone(), &call.path);
        let request = if call.token.is_empty() { request } else { request.bearer_auth(&call.token) };
        let reply = send(if call.body.is_null() { request } else { request.json(&call.body) }).await;
        let body = if reply.text.is_empty() { Value::Null } else { reply.json() };
        let word = match reply.status {
            400.. => body["code"].as_str(),
            _ => body["reason"]
                .as_str()
                .or(body["result"].as_str())
                .filter(|_| call.path.ends_with("/codes/verify")),
        };
        (Answer(reply.status, word.unwrap_or_default().to_owned()), body)
    }

    /// The worker does what is due, and everybody reads their letters. Returns the numbers of the requests for which
    /// a key arrived.
    pub async fn tick(&mut self, person: &mut Person) -> Vec<(usize, String)> {
        let mut keys = Vec::new();
        self.end_sessions();
        let now = self.now();
        for letter in self.app().letters().await {
            let whole = format!("{} {}", letter.subject, letter.text);
            if let Some(at) = whole.find("rk_vch_") {
                let token = whole[at..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
                    .collect();
                person.vouch = Some((token, letter.digits(6)));
                continue;
            }
            let named = |request: &&mut Request| whole.contains(&request.reference);
            let Some((number, request)) =
                person.requests.iter_mut().enumerate().find(|(_, request)| named(request))
            else {
                person.stop = Some((letter.token("rk_stop_"), now));
                continue;
            };
            if letter.text.contains("rk_stop_") {
                request.stop = Some(letter.token("rk_stop_"));
            }
            if letter.subject.contains("code to confirm") {
                request.code = Some(letter.digits(6));
            }
            if letter.text.contains("rk_act_") {
                request.activation = Some(letter.token("rk_act_"));
                keys.push((number, letter.key()));
            }
        }
        keys
    }
}
