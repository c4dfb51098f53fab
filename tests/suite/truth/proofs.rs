//! The proofs at activation: each of the sixteen combinations, in each of the three situations that a key is sent in.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::policy::Tier;
use rekey::workflow::{accounts, clients};
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::assertion::{pem, signed, with};
use crate::support::client::{Reply, send, text};
use crate::support::database::Backend;
use crate::support::letters::Letter;
use crate::support::totp::code;

const PASSWORD: &str = "an owl sat in the barn";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    StandardWithPin,
    StandardWithoutPin,
    Privileged,
}

use Situation::{Privileged, StandardWithPin, StandardWithoutPin};

/// What is presented beside the code.
#[expect(clippy::struct_excessive_bools, reason = "sixteen combinations are four of them")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Proofs {
    pin: bool,
    password: bool,
    assertion: bool,
    recovery_code: bool,
}

impl Proofs {
    fn all() -> impl Iterator<Item = Self> {
        (0..16).map(|bits| Self {
            pin: bits & 8 != 0,
            password: bits & 4 != 0,
            assertion: bits & 2 != 0,
            recovery_code: bits & 1 != 0,
        })
    }

    /// The table "proof at activation" of the policy, in its own words.
    fn are_enough(self, situation: Situation) -> bool {
        let fresh_password = self.password || self.assertion;
        match situation {
            StandardWithPin => self.pin,
            StandardWithoutPin => fresh_password || self.recovery_code,
            Privileged => self.pin && fresh_password,
        }
    }

    /// What is right of them, when one of what is presented is wrong: each in turn.
    fn with_one_wrong(self) -> Vec<Self> {
        [
            Self { pin: false, ..self },
            Self { password: false, ..self },
            Self { assertion: false, ..self },
            Self { recovery_code: false, ..self },
        ]
        .into_iter()
        .filter(|fewer| *fewer != self)
        .collect()
    }
}

/// A key that was sent, and everything that could prove it.
#[derive(Clone)]
struct Sent {
    asker: Asker,
    name: String,
    key: String,
    pin: String,
    recovery_code: String,
    codes: usize,
}

struct Desk {
    app: TestApp,
    agent: Member,
    approver: Member,
}

impl Desk {
    async fn open(backend: Backend) -> Self {
        let app = TestApp::start(backend, &[("REKEY__POLICY__APPROVALS_PER_HOUR", "1000")]).await;
        clients::set_keys(&app.ctx, "Example", pem(1)).await.unwrap();
        let agent = app.staff("grace", "agent").await;
        let approver = app.staff("alan", "approver").await;
        Self { app, agent, approver }
    }

    /// Somebody with a password of long ago, an authenticator and its recovery codes. Returns one of them.
    async fn person(&self, name: &str, tier: Tier) -> String {
        self.app.account_with(Facts { tier, ..facts(&format!("{name}@example.com")) }).await;
        accounts::set_password(&self.app.ctx, name, &PASSWORD.into()).await.unwrap();
        let post = async |call: &str, body: Value| {
            self.app.http.post(&format!("/api/v1/accounts/{name}{call}"), &self.app.host_token, body).await
        };
        let key = text(&post("/authenticator", json!({})).await.expect(201), "secret");
        let right = json!({"code": self.app.next_code(&key)});
        let codes = post("/authenticator/confirm", right).await.expect(200);
        codes["recovery_codes"][0].as_str().unwrap().to_owned()
    }

    /// The road to a key that was sent, or that waits for the end of its hold.
    async fn approved(&self, name: &str, situation: Situation) -> (Asker, String) {
        let Self { app, agent, approver } = self;
        let asker = app.asker(&format!("{name}@example.com")).await;
        let say = async |call: &str, body| app.desk(agent, &asker, call, body).await.expect(200);
        say("/claim", json!({})).await;
        for method in ["callback", "in_person"] {
            say("/evidence", json!({"method": method, "outcome": "passed", "note": ""})).await;
        }
        let pin = match situation {
            StandardWithoutPin => "00000000".to_owned(),
            _ => text(&say("/pin", json!({})).await, "pin"),
        };
        app.approve(agent, &asker).await;
        if situation == Privileged {
            app.approve(approver, &asker).await;
        }
        (asker, pin)
    }

    /// Keys for that many people, all of the same situation.
    async fn sent(&mut self, situation: Situation, count: usize) -> Vec<Sent> {
        let tier = if situation == Privileged { Tier::Privileged } else { Tier::Standard };
        let mut people = Vec::new();
        for n in 0..count {
            let name = format!("{situation:?}{n}").to_lowercase();
            people.push((self.person(&name, tier).await, name));
        }
        // Passwords of today prove nothing.
        self.app.after(TimeDelta::hours(25)).await;
        self.sign_in().await;
        let mut sent = Vec::new();
        for (recovery_code, name) in people {
            let (asker, pin) = self.approved(&name, situation).await;
            let codes = if situation == Privileged { 2 } else { 1 };
            let letters = self.app.letters().await;
            sent.push((Sent { asker, name, key: String::new(), pin, recovery_code, codes }, letters));
        }
        if situation == Privileged {
            self.app.ctx.clock.advance(TimeDelta::hours(24).to_std().unwrap());
        }
        let after_hold = self.app.letters().await;
        let with_key = |(one, letters): (Sent, Vec<Letter>)| {
            let letters = [letters, after_hold.clone()].concat();
            Sent { key: TestApp::letter_of(&letters, &one.asker.email, "new key").key(), ..one }
        };
        sent.into_iter().map(with_key).collect()
    }

    async fn sign_in(&mut self) {
        for member in [&mut self.agent, &mut self.approver] {
            let signed_in =
                self.app.sign_in(&member.email, &self.app.next_code(&member.key)).await.expect(201);
            member.token = text(&signed_in, "token");
        }
    }

    /// Types the right codes, the proofs, and in place of those that are `wrong` something like them.
    async fn activate(&self, sent: &Sent, proofs: Proofs, right: Proofs) -> Reply {
        let now = self.app.ctx.now().and_utc().timestamp();
        let shown: Vec<_> = (0..sent.codes)
            .rev()
            .map(|back| code(&sent.key, now - 30 * i64::try_from(back).unwrap()))
            .collect();
        let mut body = json!({"codes": shown});
        if proofs.pin {
            body["pin"] = if right.pin { json!(sent.pin) } else { json!("12121212") };
        }
        if proofs.password {
            body["password"] = json!(if right.password { PASSWORD } else { "a guess" });
        }
        if proofs.recovery_code {
            body["recovery_code"] =
                json!(if right.recovery_code { &sent.recovery_code } else { "abcd-efgh-jkmn-pqrs" });
        }
        let request = self.app.http.request(reqwest::Method::POST, &sent.asker.path("/activate"));
        let request = request.bearer_auth(&sent.asker.token).json(&body);
        if !proofs.assertion {
            return send(request).await;
        }
        let claims = with(&self.app.claims(), "sub", json!(sent.name));
        let signed_in_at = if right.assertion { now - 10 } else { now - 301 };
        send(request.header("Rekey-Assertion", signed(&with(&claims, "auth_time", json!(signed_in_at)))))
            .await
    }

    /// All sixteen: what is not enough is refused and uses nothing up; what is enough works once it is right.
    async fn walk(&mut self, situation: Situation) {
        let (enough, short): (Vec<_>, Vec<_>) =
            Proofs::all().partition(|proofs| proofs.are_enough(situation));
        let keys = self.sent(situation, enough.len()).await;
        for proofs in short {
            let refused = self.activate(&keys[0], proofs, proofs).await;
            refused.refused(403, "proof_required");
        }
        let all = Proofs { pin: true, password: true, assertion: true, recovery_code: true };
        for count in [0, keys[0].codes - 1, 3] {
            let odd = Sent { codes: count, ..keys[0].clone() };
            self.activate(&odd, all, all).await.refused(422, "invalid");
        }
        for (proofs, key) in enough.into_iter().zip(&keys) {
            for right in proofs.with_one_wrong().into_iter().filter(|right| !right.are_enough(situation)) {
                let refused = self.activate(key, proofs, right).await;
                let stale = proofs.assertion && !right.assertion;
                let missing = Proofs { assertion: proofs.assertion && !stale, ..proofs };
                let expected = if missing.are_enough(situation) { "wrong_code" } else { "proof_required" };
                assert_eq!(
                    refused.status, 403,
                    "{situation:?} {proofs:?}, right are {right:?}: {}",
                    refused.text
                );
                refused.refused(403, expected);
            }
            let done = self.activate(key, proofs, proofs).await;
            assert_eq!(done.status, 200, "{situation:?} {proofs:?}: {}", done.text);
        }
    }
}

on_both! {
    async fn where_a_pin_was_made_nothing_else_will_do(backend: Backend) {
        Desk::open(backend).await.walk(StandardWithPin).await;
    }

    async fn without_a_pin_it_takes_a_fresh_password_or_a_recovery_code(backend: Backend) {
        Desk::open(backend).await.walk(StandardWithoutPin).await;
    }

    async fn a_privileged_ticket_takes_both_pin_and_fresh_password(backend: Backend) {
        Desk::open(backend).await.walk(Privileged).await;
    }
}
