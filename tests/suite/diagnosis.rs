//! Finding the fault: apps that are set wrongly in every way, played by oathtool, and what the person is told.

use std::process::Command;

use chrono::TimeDelta;
use rekey::db::{Error, accounts, authenticators};
use rekey::domain::authenticator::AuthenticatorState;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::client::{Reply, text};
use crate::support::database::Backend;
use crate::support::totp::wrong_code;

/// A key that nobody has.
const STRANGE: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// An app as it is set, with a clock that is so many seconds ahead.
#[derive(Clone, Copy)]
struct Phone<'a> {
    key: &'a str,
    algorithm: &'a str,
    digits: &'a str,
    ahead: i64,
}

impl<'a> Phone<'a> {
    fn with(key: &'a str) -> Self {
        Self { key, algorithm: "SHA1", digits: "6", ahead: 0 }
    }

    fn shows(&self, at: i64) -> String {
        let now = format!("--now=@{}", at + self.ahead);
        let totp = format!("--totp={}", self.algorithm);
        let said = Command::new("oathtool")
            .args([&totp, "--digits", self.digits, "--base32", &now, self.key])
            .output();
        let said = said.expect("oathtool is there: script/setup").stdout;
        String::from_utf8(said).unwrap().trim().to_owned()
    }
}

impl TestApp {
    async fn diagnose(&self, asker: &Asker, codes: [String; 2]) -> Reply {
        self.http.post(&asker.path("/diagnose"), &asker.token, json!({"codes": codes})).await
    }

    /// Two codes that the phone shows one after the other, the second one now.
    async fn try_phone(&self, asker: &Asker, phone: Phone<'_>) -> Reply {
        self.ctx.clock.advance(std::time::Duration::from_secs(30));
        let now = self.ctx.now().and_utc().timestamp();
        self.diagnose(asker, [phone.shows(now - 30), phone.shows(now)]).await
    }

    async fn found(&self, asker: &Asker, phone: Phone<'_>) -> Value {
        self.try_phone(asker, phone).await.expect(200)
    }

    async fn desk_sees(&self, agent: &Member, asker: &Asker) -> Value {
        self.http.get(&asker.desk(""), &agent.token).await.expect(200)["diagnosis"].clone()
    }

    /// The key that waits for its letter: nobody has seen it yet.
    async fn pending_key(&self) -> String {
        let (crypto, host) = (self.ctx.crypto.clone(), self.host.clone());
        let read = self.ctx.db.read(move |conn| {
            let ada = accounts::find_by_external_id(conn, &host, "ada")?.unwrap();
            let keys = authenticators::list_living(conn, &ada.id)?;
            let pending = keys.iter().find(|key| key.state == AuthenticatorState::Pending).unwrap();
            Ok::<_, Error>(pending.secret(&crypto)?.base32().expose_secret().to_owned())
        });
        read.await.unwrap()
    }
}

on_both! {
    async fn a_clock_that_is_off_is_told_in_seconds(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let ada = app.asker("ada@example.com").await;
        for ahead in [95, -95, 570] {
            let found = app.found(&ada, Phone { ahead, ..Phone::with(&key) }).await;
            assert_eq!(found["finding"], "clock_off", "{ahead}: {found}");
            let told = found["offset_seconds"].as_i64().unwrap();
            assert!((told - ahead).abs() <= 30 && told.signum() == ahead.signum(), "{ahead}: {found}");
            let words = if ahead > 0 { "fast" } else { "slow" };
            assert!(text(&found, "advice").contains(words), "{found}");
        }
    }

    async fn a_clock_that_is_further_off_is_not_looked_for(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let ada = app.asker("ada@example.com").await;
        for ahead in [700, -700] {
            let found = app.found(&ada, Phone { ahead, ..Phone::with(&key) }).await;
            assert_eq!(found["finding"], "no_match", "{ahead}: {found}");
        }
    }

    async fn a_clock_in_another_time_zone_is_found_and_told_so(backend: Backend) {
        let app = TestApp::start(backend, &[]).await;
        let (key, _) = app.enrolled().await;
        for hour in [60, -60, 330, 345, 825, -840, 15] {
            app.after(TimeDelta::hours(6)).await;
            let ada = app.asker("ada@example.com").await;
            let agent = app.staff(&format!("grace{}", hour + 900), "agent").await;
            let ahead = hour * 60 + 40;
            let found = app.found(&ada, Phone { ahead, ..Phone::with(&key) }).await;
            assert_eq!((&found["finding"], &found["likely"]), (&json!("clock_off"), &json!("time_zone")), "{hour}: {found}");
            let told = found["offset_seconds"].as_i64().unwrap();
            assert!((told - ahead).abs() <= 30, "{hour}: {found}");
            assert!(text(&found, "advice").contains("time zone"), "{found}");
            assert_eq!(app.desk_sees(&agent, &ada).await["finding"], "clock_off");
            app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
            assert_ne!(app.verdict(json!({"code": Phone { ahead, ..Phone::with(&key) }.shows(app.ctx.now().and_utc().timestamp())})).await, "accepted");
        }
    }

    async fn an_app_that_is_set_to_another_hash_or_length_is_told_so(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let ada = app.asker("ada@example.com").await;
        for (algorithm, digits, named) in [("SHA256", "6", "SHA-256"), ("SHA512", "6", "SHA-512"), ("SHA1", "8", "8 digits")] {
            let found = app.found(&ada, Phone { algorithm, digits, ..Phone::with(&key) }).await;
            assert_eq!((&found["finding"], &found["offset_seconds"]), (&json!("wrong_settings"), &json!(null)), "{found}");
            assert!(text(&found, "advice").contains(named), "{named}: {found}");
        }
    }

    async fn an_old_entry_another_key_and_the_right_one_are_told_apart(app: TestApp) {
        let (former, _) = app.enrolled().await;
        let proof = json!({"code": app.next_code(&former)});
        let key = text(&app.host_posts("/authenticator", proof).await.expect(201), "secret");
        let right = json!({"code": app.next_code(&key)});
        app.host_posts("/authenticator/confirm", right).await.expect(200);
        let ada = app.asker("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        for (app_has, finding, advice) in [
            (former.as_str(), "old_entry", "Example (ada)"),
            (STRANGE, "no_match", "could not match"),
            (key.as_str(), "works", "Your codes are right"),
        ] {
            let found = app.found(&ada, Phone::with(app_has)).await;
            assert_eq!(found["finding"], finding, "{found}");
            assert!(text(&found, "advice").contains(advice), "{found}");
            let seen = app.desk_sees(&agent, &ada).await;
            assert_eq!(seen["finding"], finding, "{seen}");
            assert!(!seen.to_string().contains(app_has), "never the key");
        }
        // Codes that worked are used up, and are no evidence.
        let now = app.ctx.now().and_utc().timestamp();
        assert_eq!(app.verdict(json!({"code": Phone::with(&key).shows(now)})).await, "used");
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["policy"]["met"], false);
    }

    async fn three_times_a_ticket_and_five_times_an_hour_an_account(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let first = app.asker("ada@example.com").await;
        for _ in 0..3 {
            assert_eq!(app.found(&first, Phone::with(STRANGE)).await["finding"], "no_match");
        }
        app.try_phone(&first, Phone::with(&key)).await.refused(429, "too_many_tries");
        app.http.post(&first.path("/withdraw"), &first.token, json!({})).await.expect(200);

        let second = app.asker("ada@example.com").await;
        for _ in 0..2 {
            assert_eq!(app.found(&second, Phone::with(STRANGE)).await["finding"], "no_match");
        }
        let refused = app.try_phone(&second, Phone::with(&key)).await;
        refused.refused(429, "too_many_tries");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
        app.after(TimeDelta::seconds(wait)).await;
        assert_eq!(app.found(&second, Phone::with(&key)).await["finding"], "works");
        // Tries at finding the fault lock nobody's sign-in.
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
    }

    async fn a_sent_key_is_not_known_before_its_letter_was_accepted(app: TestApp) {
        app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let key = app.pending_key().await;

        let strange = app.found(&ada, Phone::with(STRANGE)).await;
        let seen = app.desk_sees(&agent, &ada).await;
        let pending = app.found(&ada, Phone::with(&key)).await;
        assert_eq!((&pending, &pending["finding"]), (&strange, &json!("no_match")));
        assert_eq!(app.desk_sees(&agent, &ada).await, seen, "agents learn no more");

        assert_eq!(app.letter("ada@example.com", "new key").await.key(), key);
        let known = app.found(&ada, Phone::with(&key)).await;
        assert_ne!(known["finding"], "no_match", "{known}");
        let attempt = json!({"code": app.next_code(&key), "first_factor": "password"});
        assert_eq!(app.verdict(attempt).await, "inactive", "it was found, and activated nothing");
    }

    async fn whoever_has_a_mailbox_and_no_key_hears_the_same_of_every_account(app: TestApp) {
        let (key, _) = app.enrolled().await;
        app.account("grace@example.com").await;
        app.account("bob@example.com").await;
        app.http.post("/api/v1/accounts/bob/authenticator", &app.host_token, json!({})).await.expect(201);
        let mut heard = Vec::new();
        // One that is on, one that was never set up, one that waits for its first code.
        let ada = app.asker("ada@example.com").await;
        let grace = app.asker("grace@example.com").await;
        let bob = app.asker("bob@example.com").await;
        for asker in [&ada, &grace, &bob] {
            heard.push(app.found(asker, Phone::with(STRANGE)).await);
        }
        // A right code beside a wrong one finds nothing either, and locked accounts sound like all others.
        for _ in 0..10 {
            app.verdict(json!({"code": wrong_code(&app.shown(&key))})).await;
        }
        assert_eq!(app.verdict(json!({"code": app.shown(&key)})).await, "locked");
        let now = app.ctx.now().and_utc().timestamp();
        let codes = [Phone::with(&key).shows(now - 30), Phone::with(STRANGE).shows(now)];
        heard.push(app.diagnose(&ada, codes).await.expect(200));
        assert_eq!(heard[0]["finding"], "no_match");
        assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
    }

    async fn codes_are_tried_for_whoever_has_the_mailbox_or_a_session_only(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let mailbox = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.try_phone(&ada, Phone::with(&key)).await.refused(409, "conflict");
        let agent = app.staff("grace", "agent").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.try_phone(&ada, Phone::with(&key)).await.refused(409, "conflict");
        let stranger = Asker { token: "rk_tkt_none".into(), ..ada.clone() };
        app.try_phone(&stranger, Phone::with(&key)).await.refused(404, "not_found");
        // What was refused was not tried: the codes are still good.
        let now = app.ctx.now().and_utc().timestamp();
        assert_eq!(app.verdict(json!({"code": Phone::with(&key).shows(now)})).await, "accepted");
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": mailbox})).await.expect(200);
        assert_eq!(app.found(&ada, Phone::with(&key)).await["finding"], "works");
    }
}
