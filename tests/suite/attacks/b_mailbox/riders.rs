//! Mailbox and password in the wrong hands, while the owner asks for help.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::assertion::signed;
use crate::support::browser::Browser;
use crate::support::client::{send, text};
use crate::support::database::Backend;

on_both! {
    /// B7: has mailbox and password, opens a ticket first, and rides on the owner's own call | the PIN that was given
    /// on the call is needed; codes/verify answers inactive, however often, and counts nothing
    async fn b7_the_pin_of_the_call_is_needed(app: TestApp) {
        let (former, _) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.asker("ada@example.com").await;
        // The agent calls the number on file, where Ada answers, thinking of her own request.
        let pin = app.verified(&agent, &eve).await;
        app.approve(&agent, &eve).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        for _ in 0..12 {
            let body = json!({"code": app.next_code(&key), "first_factor": "password", "password_changed_at": "2026-10-01T12:00:00Z"});
            assert_eq!(app.verdict(body).await, "inactive", "never counted");
        }
        for proof in [json!({}), json!({"password": "Ada's password"}), json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"})] {
            let mut body = proof;
            body["code"] = json!(app.next_code(&key));
            app.http.post(&eve.path("/activate"), &eve.token, body).await.refused(403, "proof_required");
        }
        app.vouched_for().await;
        let request = app.http.request(reqwest::Method::POST, &eve.path("/activate")).bearer_auth(&eve.token);
        let request = request.header("Rekey-Assertion", signed(&app.claims()));
        let answer = send(request.json(&json!({"code": app.next_code(&key)}))).await;
        answer.refused(403, "proof_required");
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted");
        // Whoever was on the call has it.
        let body = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&eve.path("/activate"), &eve.token, body).await.expect(200);
    }

    /// B7: two requests for one account, the thief's first | approval waits until the agent has recorded, on the call,
    /// which is the person's own; the other token is worth no more than reading and stopping
    async fn b7_approval_waits_until_it_is_recorded_whose_request_it_is(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.asker("ada@example.com").await;
        app.after(TimeDelta::minutes(5)).await;
        let ada = app.asker("ada@example.com").await;
        // Neither learns of the other.
        let seen = app.http.get(&ada.path(""), &ada.token).await;
        assert!(!seen.text.contains(&eve.reference) && !seen.text.contains("duplicate"), "{}", seen.text);
        app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &eve, "/evidence", called).await.expect(200);
        app.step_up(&agent).await;
        let approval = json!({"account": ada.email, "reason": "sure"});
        let refused = app.desk(&agent, &eve, "/approve", approval.clone()).await.refused(403, "policy_not_met");
        assert!(refused["missing"].to_string().contains("request"), "{refused}");
        app.desk(&agent, &eve, "/requests", json!({"keep": ada.reference})).await.expect(200);
        let pin = text(&app.desk(&agent, &eve, "/pin", json!({})).await.expect(200), "pin");
        app.step_up(&agent).await;
        app.desk(&agent, &eve, "/approve", approval).await.expect(200);
        let key = app.letter("ada@example.com", "new key").await.key();
        let body = json!({"code": app.next_code(&key), "pin": pin});
        let of_eve = app.http.post(&eve.path("/activate"), &eve.token, body.clone()).await;
        assert!(matches!(of_eve.status, 404 | 409), "{}", of_eve.text);
        for call in ["/reply", "/withdraw", "/diagnose", "/prove"] {
            let words = match call {
                "/reply" => json!({"message": "It is me."}),
                "/diagnose" => json!({"codes": ["123456", "654321"]}),
                "/prove" => json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"}),
                _ => json!({}),
            };
            let answer = app.http.post(&eve.path(call), &eve.token, words).await;
            assert!(matches!(answer.status, 404 | 409), "{call}: {}", answer.text);
        }
        let mut browser = Browser::new(&app);
        browser.set_cookie(&format!("__Host-rekey_ticket_{}", eve.reference), &eve.token);
        let page = browser.get(&format!("/tickets/{}/activate", eve.reference)).await;
        assert_ne!(page.status, 200, "{}", page.text);
        app.http.post(&ada.path("/activate"), &ada.token, body).await.expect(200);
    }

    /// B7: asks for a new mailbox code where the other request was recorded as the person's own | it is worth no more
    /// than reading and stopping; the person who lost their token comes back to the ticket with all of it
    async fn b7_a_request_that_was_not_kept_does_not_come_back(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__LIMITS__LETTERS_PER_DAY", "10")]).await;
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.asker("ada@example.com").await;
        app.after(TimeDelta::minutes(5)).await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &eve, "/evidence", called).await.expect(200);
        app.desk(&agent, &eve, "/requests", json!({"keep": ada.reference})).await.expect(200);
        let pin = text(&app.desk(&agent, &eve, "/pin", json!({})).await.expect(200), "pin");
        app.approve(&agent, &eve).await;
        let key = app.letter("ada@example.com", "new key").await.key();

        let back = come_back(&app, &eve).await;
        let body = json!({"code": app.next_code(&key), "pin": pin});
        for (call, words) in [
            ("/activate", body.clone()),
            ("/reply", json!({"message": "It is me."})),
            ("/diagnose", json!({"codes": ["123456", "654321"]})),
            ("/prove", json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"})),
            ("/withdraw", json!({})),
        ] {
            app.http.post(&eve.path(call), &back, words).await.refused(409, "conflict");
        }
        let seen = app.http.get(&eve.path(""), &back).await.expect(200);
        assert_eq!(seen["timeline"].as_array().map(Vec::len), Some(2), "asked and confirmed: {seen}");

        let back = come_back(&app, &ada).await;
        app.http.get(&ada.path(""), &ada.token).await.refused(404, "not_found");
        let body = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &back, body).await.expect(200);
    }

    /// B7: has a second request confirmed while the ticket is frozen | it is decided too, before anything is approved
    async fn b7_a_request_made_while_the_ticket_was_frozen_is_decided_too(app: TestApp) {
        app.account("ada@example.com").await;
        let (agent, admin) = (app.staff("grace", "agent").await, app.staff("barbara", "admin").await);
        let eve = app.asker("ada@example.com").await;
        app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &eve, "/freeze", json!({"reason": "the owner called"})).await.expect(200);
        app.after(TimeDelta::minutes(5)).await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&admin, &eve, "/thaw", json!({"reason": "it was them after all"})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &eve, "/evidence", called).await.expect(200);
        app.step_up(&agent).await;
        let approval = json!({"account": ada.email, "reason": "sure"});
        let refused = app.desk(&agent, &eve, "/approve", approval).await.refused(403, "policy_not_met");
        assert!(refused["missing"].to_string().contains("request_decision"), "{refused}");
        app.desk(&agent, &eve, "/requests", json!({"keep": ada.reference})).await.expect(200);
        let seen = app.http.get(&eve.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["undecided"], false, "{seen}");
    }
}

/// A new token, with the mailbox code alone.
async fn come_back(app: &TestApp, asker: &Asker) -> String {
    app.http.post(&asker.path("/return"), "", json!({})).await.expect(202);
    let code = json!({"code": app.letter(&asker.email, "code to confirm").await.digits(6)});
    text(&app.http.post(&asker.path("/confirm"), "", code).await.expect(200), "token")
}
