//! The road, from the first word to the working key. Read this first.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::text;

on_both! {
    async fn a_person_who_lost_their_phone_gets_a_new_key(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;

        // Ada asks for help, and types the code that went to her mailbox.
        let ada = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let ticket = app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        assert_eq!((ticket["status"].as_str(), ticket["position"].as_i64()), (Some("open"), Some(1)));

        // Grace takes the ticket, calls the number on file, and reads a PIN out.
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "called the number on file"});
        let ticket = app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        assert_eq!(ticket["policy"]["met"], true);
        let pin = text(&app.desk(&agent, &ada, "/pin", json!({})).await.expect(200), "pin");

        // She approves, with a fresh code of her own; the key leaves by letter and nowhere else.
        let decision = json!({"account": "ada@example.com", "reason": "recognised on the call"});
        app.desk(&agent, &ada, "/approve", decision.clone()).await.refused(403, "step_up_required");
        app.step_up(&agent).await;
        let ticket = app.desk(&agent, &ada, "/approve", decision).await.expect(200);
        assert_eq!(ticket["status"], "key_sent");
        let letter = app.letter("ada@example.com", "new key").await;

        // Ada adds the key to her app, and proves it: the code alone is not enough.
        let code = app.next_code(&letter.key());
        app.http.post(&ada.path("/activate"), &ada.token, json!({"code": code})).await.refused(403, "proof_required");
        let proven = json!({"code": code, "pin": pin});
        let done = app.http.post(&ada.path("/activate"), &ada.token, proven).await.expect(200);
        assert_eq!((done["status"].as_str(), done["recovery_codes"].as_array().unwrap().len()), (Some("completed"), 10));
        app.letter("ada@example.com", "is live").await;

        // The host asks Rekey about the next code, and lets her in.
        let signing_in = json!({"code": app.next_code(&letter.key()), "first_factor": "password"});
        let verdict = app.http.post("/api/v1/accounts/ada/codes/verify", &app.host_token, signing_in).await.expect(200);
        assert_eq!(verdict["result"], "accepted");
    }
}
