//! A person, the staff and a ticket as they stand before two calls meet, and the calls that may.

use std::path::PathBuf;

use chrono::TimeDelta;
use rekey::workflow::accounts;
use serde_json::{Value, json};

use super::kept::Kept;
use super::verb::{OLD_PASSWORD, Verb};
use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::letters::Letter;
use crate::support::totp::wrong_code;

const ADA: &str = "ada@example.com";

/// What is there before each play.
pub struct Scene {
    pub name: &'static str,
    pub app: TestApp,
    /// The other replica, where replicas share a database.
    pub other: Option<TestApp>,
    pub verbs: Vec<Verb>,
    pub kept: Kept,
    _files: tempfile::TempDir,
}

/// A scene that is being set.
pub struct Setting {
    pub app: TestApp,
    pub agent: Member,
    pub approver: Member,
    pub admin: Member,
    /// The key of Ada's app, and her recovery codes.
    pub key: String,
    pub recovery: Vec<String>,
    files: tempfile::TempDir,
}

impl Setting {
    /// Ada has two-factor authentication and a password since long ago; three of the staff are signed in.
    pub async fn new(backend: Backend) -> Self {
        let many =
            [("REKEY__LIMITS__TICKETS_PER_HOUR", "10000"), ("REKEY__POLICY__APPROVALS_PER_HOUR", "10000")];
        let app = TestApp::start(backend, &many).await;
        let (key, recovery) = app.enrolled().await;
        accounts::set_password(&app.ctx, "ada", &OLD_PASSWORD.into()).await.unwrap();
        app.after(TimeDelta::days(60)).await;
        let agent = app.staff("grace", "agent").await;
        let approver = app.staff("tess", "approver").await;
        let admin = app.staff("root", "admin").await;
        Self { app, agent, approver, admin, key, recovery, files: tempfile::tempdir().unwrap() }
    }

    /// A ticket that nobody has confirmed, its mailbox code and its stop link.
    pub async fn asked(&self, problem: &str) -> (Asker, String, String) {
        let asker = self.app.ask(ADA, problem).await;
        let letter = self.app.letter(ADA, "code to confirm").await;
        (asker, letter.digits(6), letter.token("rk_stop_"))
    }

    /// A ticket in review by the agent, who has called, beside another request that nobody has confirmed: the ticket,
    /// its stop link, and the other request with its code.
    pub async fn reviewed(&self) -> (Asker, String, Asker, String) {
        let (other, code, _) = self.asked("new_device").await;
        let (asker, stop) = self.called().await;
        (asker, stop, other, code)
    }

    /// A ticket in review by the agent, who has called, and its stop link.
    pub async fn called(&self) -> (Asker, String) {
        let (asker, code, stop) = self.asked("lost_device").await;
        let confirm = json!({"code": code});
        self.app.http.post(&asker.path("/confirm"), &asker.token, confirm).await.expect(200);
        self.app.called(&self.agent, &asker).await;
        (asker, stop)
    }

    /// The same for two people: evidence twice, and the agent's flag.
    pub async fn privileged(&self) -> (Asker, String, Asker, String) {
        let (asker, stop, other, code) = self.reviewed().await;
        let seen = json!({"method": "in_person", "outcome": "passed", "note": "at the counter"});
        self.app.desk(&self.agent, &asker, "/evidence", seen).await.expect(200);
        self.app.desk(&self.agent, &asker, "/flag", json!({"reason": "in a hurry"})).await.expect(200);
        self.app.desk(&self.agent, &asker, "/pin", json!({})).await.expect(200);
        (asker, stop, other, code)
    }

    /// The letter with the key, once it was sent.
    pub async fn key_letter(&self) -> Letter {
        self.app.letter(ADA, "new key").await
    }

    pub async fn all_step_up(&self) {
        for member in [&self.agent, &self.approver, &self.admin] {
            self.app.step_up(member).await;
        }
    }

    /// What a host, the command line and Ada's app can do whatever the ticket, with the last two codes of the app.
    pub fn everywhere(&self, codes: &[String; 2]) -> Vec<Verb> {
        let app = &self.app;
        let [earlier, code] = codes;
        let file: PathBuf = self.files.path().join("people.ndjson");
        let row = json!({"external_id": "ada", "email": "ada.import@example.com", "name": "Ada Lovelace",
            "phone": "+442079460000", "manager_email": "charles@example.com"});
        std::fs::write(&file, row.to_string()).unwrap();
        let with = |code: &str| json!({"code": code});
        vec![
            Verb::put("put address", app, json!({"email": "ada.new@example.com"})),
            Verb::put("put tier", app, json!({"tier": "privileged"})),
            Verb::put("put phone", app, json!({"phone": "+442079460001"})),
            Verb::delete(app),
            Verb::import(file),
            Verb::host("verify", app, "/codes/verify", with(code)),
            Verb::host("verify wrong", app, "/codes/verify", with(&wrong_code(code))),
            Verb::host("verify recovery", app, "/codes/verify", json!({"recovery_code": self.recovery[0]})),
            Verb::host("enrol", app, "/authenticator", with(code)),
            Verb::turn_off(app, with(earlier)),
            Verb::host("recovery codes", app, "/recovery-codes", with(code)),
            Verb::set_password(),
            Verb::sign_in(),
            Verb::hire(),
            Verb::disable("disable", &self.agent),
            Verb::demote("demote", &self.agent),
            Verb::posts(
                "open another",
                "/api/v1/tickets",
                "",
                json!({"account": ADA, "problem": "other", "message": ""}),
            ),
        ]
    }

    /// What the staff and the requester can do on a ticket of any state.
    pub fn on(&self, asker: &Asker, stop: &str) -> Vec<Verb> {
        let failed = json!({"method": "video_with_id", "outcome": "failed", "note": "another face"});
        let why = |reason: &str| json!({"reason": reason});
        vec![
            Verb::does("evidence failed", &self.agent, asker, "/evidence", failed),
            Verb::does("reject", &self.agent, asker, "/reject", why("it was not them")),
            Verb::does("freeze", &self.approver, asker, "/freeze", why("they called")),
            Verb::does("flag", &self.agent, asker, "/flag", why("they press")),
            Verb::posts("stop", "/api/v1/stop", "", json!({"token": stop})),
            Verb::asks("withdraw", asker, "/withdraw", json!({})),
            Verb::posts("come back", &format!("/api/v1/tickets/{}/return", asker.reference), "", json!({})),
        ]
    }

    /// An approval.
    pub fn approval(name: &'static str, by: &Member, asker: &Asker) -> Verb {
        Verb::does(name, by, asker, "/approve", json!({"account": ADA, "reason": "verified"}))
    }

    /// Another request of Ada's is confirmed.
    pub fn second(other: &Asker, code: &str) -> Verb {
        Verb::asks("confirm second", other, "/confirm", json!({"code": code}))
    }

    /// Everything is as it is to be.
    pub fn ready(self, name: &'static str, verbs: Vec<Verb>) -> Scene {
        let other = self.app.is_shared().then(|| self.app.replica());
        let kept = Kept::of(&self.app.database.url);
        Scene { name, app: self.app, other, verbs, kept, _files: self.files }
    }
}

/// A body without fields.
pub fn empty() -> Value {
    json!({})
}
