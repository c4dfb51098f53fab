//! Confirming again: what another code of the mailbox adds, and what it tells.

use serde_json::{Value, json};

use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::client::text;

/// Asks for a new code and types it: without a token, as from another device. Returns what they see.
async fn comes_back(app: &TestApp, ada: &Asker) -> Value {
    app.http.post(&ada.path("/return"), "", json!({})).await.expect(202);
    let code = app.letter(&ada.email, "code to confirm").await.digits(6);
    app.http.post(&ada.path("/confirm"), "", json!({"code": code})).await.expect(200)
}

on_both! {
    async fn a_second_request_learns_nothing_of_the_first(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let first = app.asker("ada@example.com").await;
        app.desk(&agent, &first, "/claim", json!({})).await.expect(200);
        let second = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let confirm = json!({"code": code});
        let seen = app.http.post(&second.path("/confirm"), &second.token, confirm).await.expect(200);
        assert_eq!(seen["status"], "open");
    }

    async fn one_who_comes_back_sees_how_far_it_went_and_adds_no_evidence(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        assert_eq!(comes_back(&app, &ada).await["status"], "in_review");
        let evidence = app.http.get(&ada.desk(""), &agent.token).await.expect(200)["evidence"].clone();
        let methods: Vec<_> = evidence.as_array().unwrap().iter().map(|one| text(one, "method")).collect();
        assert_eq!(methods, ["mailbox_code"]);

        // Where nothing can be added any more they come back all the same.
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        app.approve(&agent, &ada).await;
        assert_eq!(comes_back(&app, &ada).await["status"], "key_sent");
    }

    async fn who_took_an_unconfirmed_ticket_finds_the_mailbox_among_the_evidence(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["evidence"][0]["method"], "mailbox_code");
    }
}
