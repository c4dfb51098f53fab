//! "This wasn't me" against those who are quicker than the person who presses it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::client::text;

async fn stop(app: &TestApp, token: &str) {
    app.http.post("/api/v1/stop", "", json!({"token": token})).await.expect(200);
}

async fn proves_nothing(app: &TestApp, asker: &Asker, body: Value) {
    app.http.post(&asker.path("/prove"), &asker.token, body).await.refused(403, "proof_required");
}

/// A ticket that has completed: its key, and the stop link of its last letter.
async fn completed(app: &TestApp, agent: &Member) -> (Asker, String, String) {
    let ada = app.asker("ada@example.com").await;
    let pin = app.verified(agent, &ada).await;
    app.approve(agent, &ada).await;
    let key = app.letter("ada@example.com", "new key").await.key();
    let proof = json!({"code": app.next_code(&key), "pin": pin});
    app.http.post(&ada.path("/activate"), &ada.token, proof).await.expect(200);
    let link = app.letter("ada@example.com", "is live").await.token("rk_stop_");
    (ada, key, link)
}

/// Codes are refused, also when the desk lets the request go on: what took the key's place is none of it.
async fn is_stopped_for_good(app: &TestApp, ticket: &Asker, theirs: &str) {
    let admin = app.staff("barbara", "admin").await;
    for state in ["frozen", "completed"] {
        let seen = app.http.get(&ticket.path(""), &ticket.token).await.expect(200);
        assert_eq!((text(&seen, "status"), app.state().await), (state.to_owned(), "on".to_owned()));
        let code = json!({"code": app.next_code(theirs), "first_factor": "password"});
        assert_eq!(app.verdict(code).await, "locked", "{state}");
        if state == "frozen" {
            app.desk(&admin, ticket, "/thaw", json!({"reason": "looked into it"})).await.expect(200);
        }
    }
}

on_both! {
    async fn the_stop_of_a_request_that_nobody_confirmed_closes_that_one_alone(app: TestApp) {
        app.account("ada@example.com").await;
        let eve = app.ask("ada@example.com", "lost_device").await;
        stop(&app, &app.letter("ada@example.com", "code to confirm").await.token("rk_stop_")).await;
        let seen = app.http.get(&eve.path(""), &eve.token).await.expect(200);
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("closed"), &json!("not_me")), "{seen}");
        let ada = app.asker("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        assert_eq!(app.desk(&agent, &ada, "/claim", json!({})).await.expect(200)["tier"], "standard");
    }

    /// B4: has the mailbox and a stolen recovery code, and proves with it; the owner presses "this wasn't me" in the
    /// letter that tells of the code | the request is frozen and what it rested on is void
    async fn b4_the_stop_of_a_letter_about_the_account_stops_its_request(app: TestApp) {
        let (key, codes) = app.enrolled().await;
        let (agent, admin) = (app.staff("grace", "agent").await, app.staff("barbara", "admin").await);
        let eve = app.asker("ada@example.com").await;
        app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        app.http.post(&eve.path("/prove"), &eve.token, json!({"recovery_code": codes[0]})).await.expect(200);
        let link = app.letter("ada@example.com", "recovery code").await.token("rk_stop_");
        stop(&app, &link).await;
        assert_eq!(app.http.get(&eve.path(""), &eve.token).await.expect(200)["status"], "frozen");
        let approval = json!({"account": eve.email, "reason": "sure"});
        app.step_up(&agent).await;
        app.desk(&agent, &eve, "/approve", approval).await.refused(409, "conflict");
        // Whoever lets it go on has nothing to go on with, and no code of the account is looked at.
        let seen = app.desk(&admin, &eve, "/thaw", json!({"reason": "looked into it"})).await.expect(200);
        assert_eq!(seen["evidence"], json!([]), "{seen}");
        proves_nothing(&app, &eve, json!({"recovery_code": codes[1]})).await;
        proves_nothing(&app, &eve, json!({"codes": app.two_codes(&key)})).await;
        // A second request that was begun meanwhile is stopped by the same link.
        app.http.post(&eve.path("/withdraw"), &eve.token, json!({})).await.expect(200);
        let again = app.asker("ada@example.com").await;
        stop(&app, &link).await;
        assert_eq!(app.http.get(&again.path(""), &again.token).await.expect(200)["status"], "frozen");
    }

    /// B4: has put an authenticator of their own in place, and is stopped by the letter that tells of it; asks for a
    /// new key then | the codes that they hold prove nothing, and the request is privileged
    async fn b4_what_a_stopped_account_has_proves_nothing(app: TestApp) {
        let (key, codes) = app.enrolled().await;
        let link = app.letter("ada@example.com", "was turned on").await.token("rk_stop_");
        stop(&app, &link).await;
        app.after(TimeDelta::days(8)).await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.asker("ada@example.com").await;
        proves_nothing(&app, &eve, json!({"recovery_code": codes[0]})).await;
        proves_nothing(&app, &eve, json!({"codes": app.two_codes(&key)})).await;
        let seen = app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        assert_eq!((&seen["tier"], &seen["evidence"][1]), (&json!("privileged"), &Value::Null), "{seen}");
        assert!(seen["risks"].to_string().contains("trouble_before"), "{seen}");
    }

    /// B4: has completed a request, and moves the account to another key before the owner reads their letters | "this
    /// wasn't me" stops what took the key's place
    async fn b4_a_stop_after_completion_reaches_the_key_s_successor(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let (ticket, key, link) = completed(&app, &agent).await;
        let code = json!({"code": app.next_code(&key)});
        let theirs = text(&app.host_posts("/authenticator", code).await.expect(201), "secret");
        let code = json!({"code": app.next_code(&theirs)});
        app.host_posts("/authenticator/confirm", code).await.expect(200);
        stop(&app, &link).await;
        is_stopped_for_good(&app, &ticket, &theirs).await;
    }

    /// B4: has completed a request, and turns two-factor authentication off | "this wasn't me" has it on again, and no
    /// password is enough
    async fn b4_a_stop_after_completion_reaches_an_account_that_was_turned_off(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let (ticket, key, link) = completed(&app, &agent).await;
        app.host_turns_off(json!({"code": app.next_code(&key)})).await.expect(204);
        assert_eq!(app.state().await, "off");
        stop(&app, &link).await;
        is_stopped_for_good(&app, &ticket, &key).await;
    }
}
