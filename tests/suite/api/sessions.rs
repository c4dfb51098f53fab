//! Sessions of the staff, and the limits on getting one.

use chrono::TimeDelta;
use rekey::workflow::staff;
use reqwest::Method;
use serde_json::json;

use crate::support::actors::PASSWORD;
use crate::support::app::TestApp;
use crate::support::client::{send, text};
use crate::support::log::{lines_with, listen};
use crate::support::totp::wrong_code;

const TICKETS: &str = "/api/v1/desk/tickets";

on_both! {
    async fn signing_in_takes_password_and_code_and_says_who_one_is(app: TestApp) {
        let member = app.staff("grace", "agent,approver").await;
        let session = app.sign_in(&member.email, &app.next_code(&member.key)).await.expect(201);
        assert!(text(&session, "token").starts_with("rk_ses_"));
        assert_eq!((&session["name"], &session["roles"]), (&json!("grace"), &json!(["agent", "approver"])));
        assert_eq!(text(&session, "expires_at"), "2026-11-02T18:01:00Z");
    }

    async fn every_cause_of_a_refusal_looks_the_same(app: TestApp) {
        listen();
        let member = app.staff("grace", "agent").await;
        let gone = app.staff("gone", "agent").await;
        staff::disable(&app.ctx, &gone.email).await.unwrap();
        let code = app.next_code(&member.key);
        app.sign_in(&member.email, &code).await.expect(201);
        let other = |password: &str| {
            json!({"email": member.email, "password": password, "code": app.next_code(&member.key)})
        };
        let replies = [
            app.sign_in(&member.email, &code).await,
            app.sign_in(&member.email, &wrong_code(&app.next_code(&member.key))).await,
            app.sign_in(&member.email, "no code").await,
            app.sign_in("nobody@desk.example.com", &code).await,
            app.sign_in(&gone.email, &app.next_code(&gone.key)).await,
            app.http.post("/api/v1/desk/session", "", other("wrong")).await,
            app.http.post("/api/v1/desk/session", "", other("")).await,
        ];
        for reply in &replies {
            reply.refused(401, "unauthenticated");
            assert_eq!(reply.text, replies[0].text);
        }
        let id = app.ctx.db.read(rekey::db::staff::list).await.unwrap();
        let id = id.iter().find(|one| one.email == member.email).unwrap().id.as_str().to_owned();
        let logged = lines_with(&id);
        let of = |words: &str| logged.iter().filter(|line| line.contains("sign-in refused") && line.contains(words)).count();
        assert_eq!((of("right_password=true"), of("right_password=false")), (3, 2), "{logged:?}");
        assert!(!logged.iter().any(|line| line.contains(&member.email)), "{logged:?}");
        app.http.get(TICKETS, &gone.token).await.refused(401, "unauthenticated");
    }

    async fn a_session_ends_by_itself_by_idling_and_by_signing_out(app: TestApp) {
        let member = app.staff("grace", "agent").await;
        let works = async |token: &str| app.http.get(TICKETS, token).await.status == 200;
        for _ in 0..4 {
            app.after(TimeDelta::minutes(14)).await;
            assert!(works(&member.token).await, "each request keeps it");
        }
        app.after(TimeDelta::minutes(16)).await;
        assert!(!works(&member.token).await, "idle");

        let begin = async || text(&app.sign_in(&member.email, &app.next_code(&member.key)).await.expect(201), "token");
        let token = begin().await;
        for _ in 0..47 {
            app.after(TimeDelta::minutes(10)).await;
            assert!(works(&token).await);
        }
        app.after(TimeDelta::minutes(10)).await;
        assert!(!works(&token).await, "eight hours");

        let token = begin().await;
        app.http.delete("/api/v1/desk/session", &token).await.expect(204);
        assert!(!works(&token).await);
        app.http.delete("/api/v1/desk/session", &token).await.refused(401, "unauthenticated");
    }

    async fn a_step_up_stands_for_five_minutes_and_takes_a_fresh_code(app: TestApp) {
        app.account("ada@example.com").await;
        let member = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&member, &ada).await;
        let step_up = |code: String| app.http.post("/api/v1/desk/step-up", &member.token, json!({"code": code}));
        let body = json!({"account": "ada@example.com", "reason": "recognised"});
        let code = app.next_code(&member.key);
        step_up(wrong_code(&code)).await.refused(403, "wrong_code");
        step_up("x".to_owned()).await.refused(403, "wrong_code");
        step_up(code.clone()).await.expect(204);
        step_up(code).await.refused(403, "wrong_code");
        app.after(TimeDelta::minutes(5)).await;
        app.desk(&member, &ada, "/approve", body.clone()).await.refused(403, "step_up_required");
        app.step_up(&member).await;
        app.after(TimeDelta::minutes(4)).await;
        app.desk(&member, &ada, "/approve", body).await.expect(200);
    }

    async fn of_many_wrong_codes_at_once_ten_are_looked_at(app: TestApp) {
        let member = app.staff("grace", "agent").await;
        let other = app.replica();
        let code = app.next_code(&member.key);
        let mut tries = Vec::new();
        for number in 0..60 {
            let door = if number % 2 == 0 { app.http.clone() } else { other.http.clone() };
            let (token, wrong) = (member.token.clone(), wrong_code(&code));
            tries.push(tokio::spawn(async move {
                door.post("/api/v1/desk/step-up", &token, json!({"code": wrong})).await
            }));
        }
        let mut looked_at = 0;
        for one in tries {
            let reply = one.await.unwrap();
            match reply.status {
                403 => looked_at += 1,
                429 => assert_eq!(reply.header("retry-after"), "60"),
                // Too many writers at once: nothing was looked at.
                503 => {}
                _ => panic!("{} {}", reply.status, reply.text),
            }
        }
        assert!(looked_at <= 10, "{looked_at}");
        if looked_at == 10 {
            let right = json!({"code": code});
            app.http.post("/api/v1/desk/step-up", &member.token, right).await.refused(429, "too_many_tries");
            app.sign_in(&member.email, &code).await.refused(401, "unauthenticated");
        }
    }

    async fn a_flood_of_sign_ins_is_refused_before_any_hashing(app: TestApp) {
        let body = json!({"email": "eve@desk.example.com", "password": PASSWORD, "code": "123456"});
        let mut refused = 0;
        for _ in 0..80 {
            let reply = app.http.post("/api/v1/desk/session", "", body.clone()).await;
            refused += u32::from(reply.status == 429);
            assert!(reply.status == 401 || !reply.header("retry-after").is_empty(), "{}", reply.text);
        }
        assert_eq!(refused, 20);
        // A header that anybody can write makes no other network of it.
        let spoofed = app.http.request(Method::POST, "/api/v1/desk/session").header("X-Forwarded-For", "203.0.113.9");
        send(spoofed.json(&body)).await.refused(429, "too_many_tries");
        app.minute().await;
        app.http.post("/api/v1/desk/session", "", body).await.refused(401, "unauthenticated");
    }
}
