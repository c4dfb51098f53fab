//! The people of a story: those who ask, the staff, and their authenticators.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::actor::Roles;
use rekey::domain::policy::Tier;
use rekey::workflow::accounts;
use rekey::workflow::staff::{self, NewMember};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::app::TestApp;
use super::client::{Reply, text};

/// Every member's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// A member of the staff, signed in.
#[derive(Debug, Clone)]
pub struct Member {
    pub email: String,
    /// The key of their own authenticator.
    pub key: String,
    /// The token of their session.
    pub token: String,
}

/// A ticket in the hands of whoever opened it.
#[derive(Debug, Clone)]
pub struct Asker {
    pub email: String,
    pub reference: String,
    pub token: String,
}

impl Asker {
    /// A path of this ticket, as its requester writes it.
    pub fn path(&self, call: &str) -> String {
        format!("/api/v1/tickets/{}{call}", self.reference)
    }

    /// The same for the staff.
    pub fn desk(&self, call: &str) -> String {
        format!("/api/v1/desk/tickets/{}{call}", self.reference)
    }
}

/// What a host says of an account of somebody with that address, phone and manager included.
pub fn facts(email: &str) -> Facts {
    Facts {
        email: email.to_owned(),
        name: "Ada Lovelace".to_owned(),
        phone: Some("+442079460000".to_owned()),
        other_emails: Vec::new(),
        manager_email: Some("charles@example.com".to_owned()),
        tier: Tier::Standard,
        locale: None,
    }
}

impl TestApp {
    /// An account; its host's name for it is the part before the `@`.
    pub async fn account(&self, email: &str) {
        self.account_with(facts(email)).await;
    }

    /// An account with facts of the story's own.
    pub async fn account_with(&self, facts: Facts) {
        let external_id = facts.email.split('@').next().unwrap().to_owned();
        accounts::put(&self.ctx, &self.host, &external_id, facts).await.unwrap();
    }

    /// A member of the staff with these roles, signed in; the address is made of the name.
    pub async fn staff(&self, name: &str, roles: &str) -> Member {
        self.staff_of(name, roles, None).await
    }

    /// The same with an account of their own, in its host's name for it.
    pub async fn staff_of(&self, name: &str, roles: &str, account: Option<&str>) -> Member {
        let email = format!("{name}@desk.example.com");
        let new = NewMember {
            email: email.clone(),
            name: name.to_owned(),
            roles: Roles::parse(roles).unwrap(),
            account: account.map(Into::into),
            password: PASSWORD.into(),
        };
        let key = staff::add(&self.ctx, new).await.unwrap().secret.expose_secret().to_owned();
        let token = text(&self.sign_in(&email, &self.next_code(&key)).await.expect(201), "token");
        Member { email, key, token }
    }

    /// A member signs in once more, in a new session.
    pub async fn again(&self, member: &Member) -> Member {
        let signed_in = self.sign_in(&member.email, &self.next_code(&member.key)).await.expect(201);
        Member { token: text(&signed_in, "token"), ..member.clone() }
    }

    /// Somebody signs in with every member's password.
    pub async fn sign_in(&self, email: &str, code: &str) -> Reply {
        let body = json!({"email": email, "password": PASSWORD, "code": code});
        self.http.post("/api/v1/desk/session", "", body).await
    }

    /// A fresh code of the member's own, for five minutes.
    pub async fn step_up(&self, member: &Member) {
        let body = json!({"code": self.next_code(&member.key)});
        self.http.post("/api/v1/desk/step-up", &member.token, body).await.expect(204);
    }

    /// Somebody opens a ticket, and has not yet confirmed it.
    pub async fn ask(&self, email: &str, problem: &str) -> Asker {
        let body = json!({"account": email, "problem": problem, "message": "My phone is gone."});
        let opened = self.http.post("/api/v1/tickets", "", body).await.expect(202);
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        Asker { email: email.to_owned(), reference, token }
    }

    /// Somebody opens a ticket and types the code from the mailbox.
    pub async fn asker(&self, email: &str) -> Asker {
        let asker = self.ask(email, "lost_device").await;
        let code = self.letter(email, "code to confirm").await.digits(6);
        self.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
        asker
    }

    /// A command of the desk on a ticket.
    pub async fn desk(&self, member: &Member, asker: &Asker, call: &str, body: Value) -> Reply {
        self.http.post(&asker.desk(call), &member.token, body).await
    }

    /// A member takes a ticket and calls the number on file.
    pub async fn called(&self, member: &Member, asker: &Asker) {
        self.desk(member, asker, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        self.desk(member, asker, "/evidence", called).await.expect(200);
    }

    /// The same, with the PIN that this returns.
    pub async fn verified(&self, member: &Member, asker: &Asker) -> String {
        self.called(member, asker).await;
        text(&self.desk(member, asker, "/pin", json!({})).await.expect(200), "pin")
    }

    /// The first approval, with a step-up before it.
    pub async fn approve(&self, member: &Member, asker: &Asker) -> Value {
        self.step_up(member).await;
        let body = json!({"account": asker.email, "reason": "verified by telephone"});
        self.desk(member, asker, "/approve", body).await.expect(200)
    }

    /// A minute passes.
    pub async fn minute(&self) {
        self.after(TimeDelta::minutes(1)).await;
    }
}
