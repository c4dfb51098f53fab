//! What the walks have found: each as a story of its own.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::policy::Tier;
use serde_json::json;

use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::client::text;

on_both! {
    async fn a_ticket_that_was_frozen_lately_raises_the_next_one_even_after_it_was_thawed(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let admin = app.staff("barbara", "admin").await;
        let first = app.asker("ada@example.com").await;
        app.desk(&agent, &first, "/freeze", json!({"reason": "the owner called"})).await.expect(200);
        app.desk(&admin, &first, "/thaw", json!({"reason": "it was them after all"})).await.expect(200);
        app.http.post(&first.path("/withdraw"), &first.token, json!({})).await.expect(200);
        let second = app.asker("ada@example.com").await;
        let seen = app.http.get(&second.desk(""), &admin.token).await.expect(200);
        assert_eq!(seen["tier"], "privileged");
        assert!(seen["risks"].to_string().contains("trouble_before"), "{seen}");
    }

    async fn the_stop_link_of_the_last_letter_ends_with_the_others_and_no_note_makes_it_last_longer(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        let proof = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &ada.token, proof).await.expect(200);
        let link = app.letter("ada@example.com", "is live").await.token("rk_stop_");
        app.after(TimeDelta::days(20)).await;
        let agent = app.again(&agent).await;
        app.desk(&agent, &ada, "/note", json!({"message": "All is well."})).await.expect(200);
        app.after(TimeDelta::days(11)).await;
        app.http.post("/api/v1/stop", "", json!({"token": link})).await.refused(404, "not_found");
        app.http.get(&ada.path(""), &ada.token).await.refused(404, "not_found");
    }

    async fn who_comes_back_to_a_second_request_has_a_token_for_as_long_as_others(app: TestApp) {
        app.account("ada@example.com").await;
        app.asker("ada@example.com").await;
        let second = app.ask("ada@example.com", "other").await;
        app.http.post(&second.path("/return"), "", json!({})).await.expect(202);
        let code = json!({"code": app.letter("ada@example.com", "code to confirm").await.digits(6)});
        let back = app.http.post(&second.path("/confirm"), "", code).await.expect(200);
        let token = text(&back, "token");
        app.after(TimeDelta::days(29)).await;
        app.http.get(&second.path(""), &token).await.expect(200);
        app.after(TimeDelta::days(2)).await;
        app.http.get(&second.path(""), &token).await.refused(404, "not_found");
    }

    async fn a_request_of_yesterday_finds_no_fault_until_the_mailbox_is_proven_again(app: TestApp) {
        app.enrolled().await;
        let ada = app.asker("ada@example.com").await;
        let wrong = json!({"codes": ["111111", "222222"]});
        app.http.post(&ada.path("/diagnose"), &ada.token, wrong.clone()).await.expect(200);
        // Nobody has swept up yet what is past.
        app.ctx.clock.advance(std::time::Duration::from_hours(24));
        app.http.post(&ada.path("/diagnose"), &ada.token, wrong.clone()).await.refused(409, "conflict");
        app.http.post(&ada.path("/return"), "", json!({})).await.expect(202);
        let code = json!({"code": app.letter("ada@example.com", "code to confirm").await.digits(6)});
        app.http.post(&ada.path("/confirm"), &ada.token, code).await.expect(200);
        app.http.post(&ada.path("/diagnose"), &ada.token, wrong).await.expect(200);
    }

    async fn whose_account_becomes_one_of_the_staff_s_is_looked_at_anew_though_a_key_was_sent(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        app.letter("ada@example.com", "new key").await;
        app.staff_of("countess", "agent", Some("ada")).await;
        let admin = app.staff("barbara", "admin").await;
        let seen = app.http.get(&ada.desk(""), &admin.token).await.expect(200);
        assert_eq!((&seen["status"], &seen["tier"]), (&json!("in_review"), &json!("privileged")), "{seen}");
        assert!(seen["risks"].to_string().contains("staff_account"), "{seen}");
    }

    async fn a_first_approval_that_has_lapsed_keeps_nobody_from_making_a_pin_though_the_worker_was_away(app: TestApp) {
        app.account_with(Facts { tier: Tier::Privileged, ..facts("ada@example.com") }).await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        for method in ["callback", "in_person"] {
            let seen = json!({"method": method, "outcome": "passed", "note": ""});
            app.desk(&agent, &ada, "/evidence", seen).await.expect(200);
        }
        app.desk(&agent, &ada, "/pin", json!({})).await.expect(200);
        app.approve(&agent, &ada).await;
        app.ctx.clock.advance(std::time::Duration::from_hours(9));
        let agent = app.again(&agent).await;
        app.desk(&agent, &ada, "/pin", json!({})).await.expect(200);
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!((seen["status"].as_str(), seen["approvals"].as_array().map(Vec::len)), (Some("in_review"), Some(0)));
    }
}
