//! A request in the hands of somebody who knows a name, and has typed nothing.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    /// B10: opens a request with a name alone, and talks an agent into taking it | their token sees the state and may
    /// withdraw: it reads no message, writes none and tries no code, so that the owner is not locked out
    async fn b10_a_name_alone_reads_and_tries_nothing(app: TestApp) {
        let (key, recovery) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let tries = [
            ("/prove", json!({"codes": ["123456", "654321"]})),
            ("/prove", json!({"recovery_code": recovery[0]})),
            ("/diagnose", json!({"codes": ["123456", "654321"]})),
            ("/reply", json!({"message": "It is me."})),
        ];
        for claimed in [false, true] {
            if claimed {
                app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
                app.desk(&agent, &eve, "/reply", json!({"message": "Your number ends in 00?"})).await.expect(200);
                app.desk(&agent, &eve, "/ask", json!({"message": "Your number ends in 00?"})).await.expect(200);
            }
            for _ in 0..4 {
                for (call, body) in &tries {
                    app.http.post(&eve.path(call), &eve.token, body.clone()).await.refused(409, "conflict");
                }
            }
            let seen = app.http.get(&eve.path(""), &eve.token).await.expect(200);
            assert_eq!(seen["status"], if claimed { "waiting" } else { "unconfirmed" });
            let timeline = seen["timeline"].as_array().unwrap();
            assert!(timeline.iter().all(|moment| moment["text"].is_null()), "{seen}");
        }
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted", "nothing was counted");
        // Nor does it activate a key that was sent; its email's link does.
        app.desk(&agent, &eve, "/resume", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &eve, "/evidence", called).await.expect(200);
        app.approve(&agent, &eve).await;
        let sent = app.letter("ada@example.com", "new key").await.key();
        let body = json!({"code": app.next_code(&sent), "recovery_code": recovery[1]});
        app.http.post(&eve.path("/activate"), &eve.token, body).await.refused(409, "conflict");
        // The page behind the token shows no more than the API.
        let mut browser = Browser::new(&app);
        browser.set_cookie(&format!("__Host-rekey_ticket_{}", eve.reference), &eve.token);
        let page = browser.get(&format!("/tickets/{}", eve.reference)).await;
        assert!(!page.text.contains("Your number ends in 00?"), "{}", page.text);

        // With the code from the mailbox it is a token like any other.
        let wrong = app.http.post(&eve.path("/confirm"), &eve.token, json!({"code": "000000"})).await;
        assert_ne!(code, "000000");
        wrong.refused(403, "wrong_code");
        app.http.post(&eve.path("/confirm"), &eve.token, json!({"code": code})).await.expect(200);
        let seen = app.http.get(&eve.path(""), &eve.token).await;
        assert!(seen.text.contains("Your number ends in 00?"), "{}", seen.text);
        let body = json!({"code": app.next_code(&sent), "recovery_code": recovery[1]});
        app.http.post(&eve.path("/activate"), &eve.token, body).await.expect(200);
    }

    /// B10: withdraws what an agent has taken from them | that is theirs to do
    async fn b10_what_was_opened_may_be_withdrawn(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let eve = app.ask("ada@example.com", "lost_device").await;
        app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
        let gone = app.http.post(&eve.path("/withdraw"), &eve.token, json!({})).await.expect(200);
        assert_eq!(gone["status"], "closed");
    }
}
