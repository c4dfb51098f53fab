//! Bodies are read strictly, and only when it is known who sent them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::client::send;

const TICKETS: &str = "/api/v1/tickets";

on_both! {
    async fn what_a_call_does_not_take_is_refused_in_words_that_repeat_nothing(app: TestApp) {
        let good = json!({"account": "ada@example.com", "problem": "other", "message": "help"});
        app.http.post(TICKETS, "", good.clone()).await.expect(202);
        let with = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body
        };
        for body in [
            json!({}),
            json!([]),
            json!(["ada@example.com", "other", "help"]),
            json!({"account": "ada@example.com", "message": "no problem"}),
            with("account", json!(["ada@example.com", "eve@canary.example"])),
            with("account", json!({"email": "canary"})),
            with("account", json!("")),
            with("account", json!("two words@canary.example")),
            with("account", json!("аda@example.com")),
            with("problem", json!("canary")),
            with("problem", json!(1)),
            with("message", json!("x".repeat(4001))),
            with("status", json!("open")),
            with("tier", json!("standard")),
            with("approver", json!("canary")),
        ] {
            let refused = app.http.post(TICKETS, "", body.clone()).await;
            refused.refused(422, "invalid");
            assert!(!refused.text.contains("canary"), "{body}: {}", refused.text);
        }
    }

    async fn a_body_is_json_of_64_kib_and_8_levels_with_no_name_twice(app: TestApp) {
        let post = |kind: &'static str, body: String| {
            send(app.http.request(Method::POST, TICKETS).header("content-type", kind).body(body))
        };
        let json = "application/json";
        post(json, "{".to_owned()).await.refused(422, "invalid");
        post(json, format!("{}1{}", "[".repeat(5000), "]".repeat(5000))).await.refused(422, "invalid");
        let twice = r#"{"account":"ada@example.com","account":"eve@example.com","problem":"other"}"#;
        post(json, twice.to_owned()).await.refused(422, "invalid");
        post(json, format!("\"{}\"", "x".repeat(64 * 1024))).await.refused(413, "invalid");
        let good = r#"{"account":"ada@example.com","problem":"other"}"#;
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""] {
            post(kind, good.to_owned()).await.refused(415, "invalid");
        }
        post("application/json; charset=UTF-8", good.to_owned()).await.expect(202);
    }

    async fn where_nothing_is_asked_for_null_is_nothing(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        app.http.post(&ada.path("/withdraw"), &ada.token, json!([])).await.refused(422, "invalid");
        app.http.post(&ada.path("/withdraw"), &ada.token, Value::Null).await.expect(200);
    }

    async fn strangers_are_told_nothing_about_their_bodies(app: TestApp) {
        for path in ["/api/v1/desk/step-up", "/api/v1/desk/tickets/RK-2222-2222/approve"] {
            for token in ["", "rk_ses_wrong", &app.host_token, "rk_tkt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
                let body = json!({"nonsense": [1, 2, 3]});
                app.http.post(path, token, body).await.refused(401, "unauthenticated");
            }
        }
        let refused = app.http.get("/api/v1/desk/tickets?limit=nonsense", "rk_ses_x").await;
        refused.refused(401, "unauthenticated");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
}
