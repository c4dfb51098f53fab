//! `Idempotency-Key`: the same request gets the first answer again.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::client::{Reply, send};

async fn ask(app: &TestApp, key: &str, body: &Value) -> Reply {
    send(app.http.request(Method::POST, "/api/v1/tickets").header("Idempotency-Key", key).json(body)).await
}

fn body(message: &str) -> Value {
    json!({"account": "ada@example.com", "problem": "lost_device", "message": message})
}

on_both! {
    async fn the_same_key_and_body_get_the_first_answer_for_a_day(app: TestApp) {
        app.account("ada@example.com").await;
        let first = ask(&app, "a-key", &body("help")).await.expect(202);
        assert_eq!(ask(&app, "a-key", &body("help")).await.expect(202), first);
        ask(&app, "a-key", &body("other words")).await.refused(409, "conflict");
        let signed = app.http.request(Method::POST, "/api/v1/tickets").header("Idempotency-Key", "a-key");
        send(signed.header("Rekey-Assertion", "").json(&body("help"))).await.refused(409, "conflict");
        assert_ne!(ask(&app, "another-key", &body("help")).await.expect(202), first);
        app.after(TimeDelta::hours(25)).await;
        assert_ne!(ask(&app, "a-key", &body("help")).await.expect(202), first);
    }

    async fn of_many_at_once_one_opens_a_ticket(app: TestApp) {
        app.account("ada@example.com").await;
        let other = app.replica();
        let help = body("help");
        let answers = tokio::join!(
            ask(&app, "k", &help), ask(&other, "k", &help), ask(&app, "k", &help), ask(&other, "k", &help),
            ask(&app, "k", &help), ask(&other, "k", &help),
        );
        let first = answers.0.expect(202);
        for answer in [answers.1, answers.2, answers.3, answers.4, answers.5] {
            assert_eq!(answer.expect(202), first);
        }
        assert_eq!(app.letters().await.len(), 1);
    }

    async fn what_was_refused_may_be_tried_again(app: TestApp) {
        ask(&app, "k", &json!({"account": "two words", "problem": "other"})).await.refused(422, "invalid");
        ask(&app, "k", &body("help")).await.expect(202);
        for key in ["", " ", "two words", &"x".repeat(256)] {
            ask(&app, key, &body("help")).await.refused(422, "invalid");
        }
    }
}
