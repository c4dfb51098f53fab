//! What a requester can do, and what they are told.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::text;
use crate::support::totp::wrong_code;

on_both! {
    async fn a_ticket_has_the_fields_of_the_contract(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        let ticket = app.http.get(&ada.path(""), &ada.token).await.expect(200);
        assert_eq!(ticket["reference"], ada.reference);
        assert_eq!((ticket["status"].as_str(), ticket["position"].as_i64()), (Some("open"), Some(1)));
        let opened_at = text(&ticket, "opened_at");
        assert!(opened_at.ends_with('Z') && opened_at.len() == 20, "{opened_at}");
        assert!(text(&ticket, "next").ends_with('.'));
        let kinds: Vec<&str> =
            ticket["timeline"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"opened") && kinds.contains(&"request"), "{kinds:?}");
    }

    async fn wrong_mailbox_codes_are_counted_and_then_nothing_helps(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let right = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let confirm = async |code: String| {
 app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await };
        for _ in 0..5 {
            let refused = confirm(wrong_code(&right)).await;
            assert!(refused.status == 403 || refused.status == 429, "{}", refused.text);
        }
        let refused = confirm(right).await;
        assert!(refused.status == 403 || refused.status == 429, "{}", refused.text);
    }

    async fn new_mailbox_codes_give_no_more_guesses_than_letters_leave(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let mut right = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let mut looked_at = 0;
        for _ in 0..6 {
            for _ in 0..5 {
                let body = json!({"code": wrong_code(&right)});
                let reply = app.http.post(&ada.path("/confirm"), &ada.token, body).await;
                looked_at += i32::from(reply.status == 403);
            }
            app.http.post(&ada.path("/return"), "", json!({})).await.expect(202);
            let letters = app.letters().await;
            right = letters.last().map_or(right, |letter| letter.digits(6));
        }
        assert_eq!(looked_at, 15, "three letters a day, five tries each");
    }

    async fn a_mailbox_code_lives_for_a_quarter_of_an_hour(app: TestApp) {
        for (name, after, status) in [("ada", 15 * 60 - 1, 200), ("bob", 15 * 60, 403)] {
            let email = format!("{name}@example.com");
            app.account(&email).await;
            let asker = app.ask(&email, "lost_device").await;
            let code = app.letter(&email, "code to confirm").await.digits(6);
            app.ctx.clock.advance(std::time::Duration::from_secs(after));
            app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(status);
        }
    }

    async fn one_who_lost_the_token_comes_back_through_the_mailbox(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        let back = async |reference: &str| {
 app.http.post(&format!("/api/v1/tickets/{reference}/return"), "", json!({})).await };
        let (unknown, known) = (back("RK-2222-2222").await, back(&ada.reference).await);
        assert_eq!((unknown.status, &unknown.text), (202, &known.text));
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let confirmed = app.http.post(&ada.path("/confirm"), "", json!({"code": code})).await.expect(200);
        let token = text(&confirmed, "token");
        app.http.get(&ada.path(""), &ada.token).await.refused(404, "not_found");
        app.http.get(&ada.path(""), &token).await.expect(200);
        // Who has no token is told nothing of the ticket, not even that its code is dead.
        for reference in ["RK-2222-2222", &ada.reference] {
            for _ in 0..6 {
                let path = format!("/api/v1/tickets/{reference}/confirm");
                app.http.post(&path, "", json!({"code": wrong_code(&code)})).await.refused(403, "wrong_code");
            }
        }
    }

    async fn a_question_is_answered_and_a_ticket_withdrawn(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &ada, "/ask", json!({"message": "Which phone?"})).await.expect(200);
        let ticket = app.http.get(&ada.path(""), &ada.token).await.expect(200);
        assert_eq!(ticket["status"], "waiting");
        assert!(ticket["timeline"].to_string().contains("Which phone?"));
        let ticket = app.http.post(&ada.path("/reply"), &ada.token, json!({"message": "The blue one."})).await.expect(200);
        assert_eq!(ticket["status"], "in_review");
        let ticket = app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
        assert_eq!((ticket["status"].as_str(), ticket["reason"].as_str()), (Some("closed"), Some("withdrawn")));
        app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.refused(409, "conflict");
    }

    async fn a_network_opens_a_hundred_tickets_an_hour(app: TestApp) {
        for number in 0..100 {
            let body = json!({"account": format!("{number}@example.com"), "problem": "other", "message": ""});
            app.http.post("/api/v1/tickets", "", body).await.expect(202);
        }
        let body = json!({"account": "ada@example.com", "problem": "other", "message": ""});
        let refused = app.http.post("/api/v1/tickets", "", body.clone()).await;
        refused.refused(429, "too_many_tries");
        let seconds: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=3600).contains(&seconds), "{seconds}");
        app.after(TimeDelta::seconds(seconds)).await;
        app.http.post("/api/v1/tickets", "", body).await.expect(202);
    }

    async fn the_letter_s_link_activates_and_does_nothing_else(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let letter = app.letter("ada@example.com", "new key").await;
        let link = letter.token("rk_act_");
        app.http.get(&ada.path(""), &link).await.refused(404, "not_found");
        app.http.post(&ada.path("/withdraw"), &link, json!({})).await.refused(404, "not_found");
        let code = app.next_code(&letter.key());
        let wrong = json!({"code": wrong_code(&code), "pin": pin});
        app.http.post(&ada.path("/activate"), &link, wrong).await.refused(403, "wrong_code");
        for body in [json!({"pin": pin}), json!({"code": code, "codes": [code, code], "pin": pin})] {
            app.http.post(&ada.path("/activate"), &link, body).await.refused(422, "invalid");
        }
        app.http.post(&ada.path("/activate"), &link, json!({"code": code, "pin": pin})).await.expect(200);
        app.http.post(&ada.path("/activate"), &link, json!({"code": code, "pin": pin})).await.refused(404, "not_found");
    }

    async fn this_was_not_me_freezes_with_the_letter_alone(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        let stop = app.letter("ada@example.com", "").await.token("rk_stop_");
        let call = |token: String| app.http.post("/api/v1/stop", "", json!({"token": token}));
        call("rk_stop_nonsense".to_owned()).await.refused(404, "not_found");
        let frozen = call(stop.clone()).await.expect(200);
        assert_eq!(frozen["status"], "frozen");
        let ticket = app.http.get(&ada.path(""), &ada.token).await.expect(200);
        assert_eq!(ticket["status"], "frozen");
    }

    async fn codes_of_the_app_find_the_fault_and_prove_who_types_them(app: TestApp) {
        app.account("ada@example.com").await;
        let account = "/api/v1/accounts/ada/authenticator";
        let key = text(&app.http.post(account, &app.host_token, json!({})).await.expect(201), "secret");
        let first = json!({"code": app.next_code(&key)});
        app.http.post(&format!("{account}/confirm"), &app.host_token, first).await.expect(200);
        let ada = app.asker("ada@example.com").await;
        let call = async |what: &str, body: serde_json::Value| app.http.post(&ada.path(what), &ada.token, body).await;

        let found = call("/diagnose", json!({"codes": app.two_codes(&key)})).await.expect(200);
        assert_eq!((&found["finding"], &found["offset_seconds"]), (&json!("works"), &json!(null)));
        assert!(text(&found, "advice").contains("Your codes are right"));
        call("/diagnose", json!({"codes": ["123456"]})).await.refused(422, "invalid");
        call("/diagnose", json!({"codes": ["123456", "x"]})).await.refused(422, "invalid");

        let codes = app.two_codes(&key);
        call("/prove", json!({"codes": [wrong_code(&codes[0]), codes[1]]})).await.refused(403, "wrong_code");
        call("/prove", json!({"codes": codes, "recovery_code": "x"})).await.refused(422, "invalid");
        call("/prove", json!({})).await.refused(422, "invalid");
        call("/prove", json!({"codes": codes})).await.expect(200);
        call("/prove", json!({"codes": codes})).await.refused(403, "wrong_code");
        let agent = app.staff("grace", "agent").await;
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["diagnosis"]["finding"], "works");
        assert_eq!((&seen["evidence"][1]["method"], &seen["policy"]["met"]), (&json!("current_code"), &json!(true)));
    }
}
