//! The edges of the activation: how long ago a password must have been chosen, and which tries are counted as what.

use chrono::TimeDelta;
use rekey::workflow::accounts;
use serde_json::{Value, json};

use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::client::Reply;
use crate::support::totp::wrong_code;

const PASSWORD: &str = "an owl sat in the barn";

/// Ada's key, sent after a call on which the PIN was read out.
struct WithPin {
    ada: Asker,
    key: String,
    pin: String,
}

impl WithPin {
    async fn sent(app: &TestApp) -> Self {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        Self { ada, key, pin }
    }

    async fn activate(&self, app: &TestApp, code: &str, pin: &str) -> Reply {
        app.http.post(&self.ada.path("/activate"), &self.ada.token, json!({"code": code, "pin": pin})).await
    }
}

on_both! {
    async fn a_password_counts_from_the_day_after_it_was_chosen(app: TestApp) {
        for (name, age, works) in [
            ("ada", TimeDelta::hours(24) - TimeDelta::seconds(1), false),
            ("bob", TimeDelta::hours(24), true),
        ] {
            let email = format!("{name}@example.com");
            app.account(&email).await;
            accounts::set_password(&app.ctx, name, &PASSWORD.into()).await.unwrap();
            app.after(age).await;
            let asker = app.asker(&email).await;
            let agent = app.staff(&format!("agent-of-{name}"), "agent").await;
            app.called(&agent, &asker).await;
            app.approve(&agent, &asker).await;
            let key = app.letter(&email, "new key").await.key();
            let body = json!({"code": app.next_code(&key), "password": PASSWORD});
            let answer = app.http.post(&asker.path("/activate"), &asker.token, body).await;
            if works { answer.expect(200) } else { answer.refused(403, "proof_required") };
        }
    }

    async fn a_right_pin_outlives_nine_wrong_codes(app: TestApp) {
        let sent = WithPin::sent(&app).await;
        for _ in 0..9 {
            let wrong = wrong_code(&app.next_code(&sent.key));
            sent.activate(&app, &wrong, &sent.pin).await.refused(403, "wrong_code");
        }
        sent.activate(&app, &app.next_code(&sent.key), &sent.pin).await.expect(200);
    }

    async fn a_used_code_costs_nothing_but_a_guess_at_the_pin_beside_it_does(app: TestApp) {
        let sent = WithPin::sent(&app).await;
        let used = app.next_code(&sent.key);
        assert_eq!(app.verdict(json!({"code": used, "first_factor": "password"})).await, "inactive");
        for _ in 0..11 {
            sent.activate(&app, &used, &sent.pin).await.refused(403, "wrong_code");
        }
        for _ in 0..5 {
            sent.activate(&app, &used, "00000000").await.refused(403, "wrong_code");
        }
        sent.activate(&app, &app.next_code(&sent.key), &sent.pin).await.refused(429, "too_many_tries");
    }

    async fn what_was_proven_is_in_the_answer(app: TestApp) {
        let (_, recovery) = app.enrolled().await;
        let ada = app.asker("ada@example.com").await;
        let answer = app.http.post(&ada.path("/prove"), &ada.token, json!({"recovery_code": recovery[0]})).await;
        let seen: Value = app.http.get(&ada.path(""), &ada.token).await.expect(200);
        assert_eq!(answer.expect(200), seen);
    }
}
