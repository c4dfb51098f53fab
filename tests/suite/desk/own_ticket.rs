//! The ticket of a member of the staff, as that member sees it: without what the others wrote for each other.

use serde_json::json;

use super::seat;
use crate::support::actors::Asker;
use crate::support::app::TestApp;

/// What is written about Ada, each time with another word.
const WRITTEN: [&str; 5] = ["suspicion", "hesitated", "pressure", "unlikely", "doubtful"];

on_both! {
    async fn a_member_reads_nothing_that_was_written_about_their_own_ticket(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.staff_of("ada", "agent,auditor", Some("ada")).await;
        let grace = app.staff("grace", "approver").await;
        let own = app.asker("ada@example.com").await;
        app.desk(&grace, &own, "/claim", json!({})).await.expect(200);
        app.desk(&grace, &own, "/note", json!({"message": "A suspicion that we keep to ourselves."})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "failed", "note": "They hesitated."});
        app.desk(&grace, &own, "/evidence", called).await.expect(200);
        app.desk(&grace, &own, "/flag", json!({"reason": "Under pressure."})).await.expect(200);
        app.desk(&grace, &own, "/reply", json!({"message": "We will call you again."})).await.expect(200);
        app.desk(&grace, &own, "/freeze", json!({"reason": "It is unlikely to be them."})).await.expect(200);

        let others = app.http.get(&own.desk(""), &grace.token).await;
        assert!(WRITTEN[..4].iter().all(|word| others.text.contains(word)), "{}", others.text);
        let mut theirs = vec![app.http.get(&own.desk(""), &ada.token).await.expect(200).to_string()];
        assert!(theirs[0].contains("We will call you again."), "what was said to them is theirs");
        assert!(!theirs[0].contains(r#""what":"noted""#), "nor that there is a note: {}", theirs[0]);
        for path in [
            "/api/v1/desk/tickets?queue=open".to_owned(),
            format!("/api/v1/desk/tickets?q={}", own.reference),
            "/api/v1/desk/tickets?q=ada%40example.com".to_owned(),
            "/api/v1/desk/audit".to_owned(),
            format!("/api/v1/desk/audit?ticket={}", own.reference),
        ] {
            theirs.push(app.http.get(&path, &ada.token).await.expect(200).to_string());
        }
        let mut desk = seat(&app, &ada).await;
        let ticket = format!("/desk/tickets/{}", own.reference);
        for path in [&ticket, &format!("{ticket}/news"), "/desk/audit", &format!("/desk/audit?ticket={}", own.reference),
            &format!("/desk?q={}", own.reference), "/desk?queue=open"] {
            theirs.push(desk.get(path).await.shows(200, "").text);
        }
        for seen in &theirs {
            assert!(WRITTEN.iter().all(|word| !seen.contains(word)), "{seen}");
        }
        // An auditor of somebody else's reads all of the log.
        let root = app.staff("root", "auditor").await;
        let log = app.http.get(&format!("/api/v1/desk/audit?ticket={}", own.reference), &root.token).await;
        assert!(log.text.contains("pressure") && log.text.contains("unlikely"), "{}", log.text);
    }

    async fn the_search_looks_for_no_words_of_a_note(app: TestApp) {
        app.account("ada@example.com").await;
        let ada = app.staff_of("ada", "agent", Some("ada")).await;
        let grace = app.staff("grace", "agent").await;
        let own = app.asker("ada@example.com").await;
        app.desk(&grace, &own, "/note", json!({"message": "doubtful"})).await.expect(200);
        let found = app.http.get("/api/v1/desk/tickets?q=doubtful", &ada.token).await.expect(200);
        assert_eq!(found["items"], json!([]));
    }

    async fn after_two_decisions_the_request_that_was_kept_last_keeps_its_token(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let main = app.asker("ada@example.com").await;
        app.after(chrono::TimeDelta::minutes(1)).await;
        let second = app.asker("ada@example.com").await;
        app.desk(&agent, &main, "/claim", json!({})).await.expect(200);
        let decide = async |keep: &Asker| {
            app.desk(&agent, &main, "/requests", json!({"keep": keep.reference})).await.expect(200);
        };
        let reads = async |asker: &Asker| app.http.get(&asker.path(""), &asker.token).await.status;
        decide(&main).await;
        assert_eq!((reads(&main).await, reads(&second).await), (200, 404));
        // The agent had clicked the wrong one.
        decide(&second).await;
        assert_eq!((reads(&main).await, reads(&second).await), (404, 200));
        app.http.post(&second.path("/reply"), &second.token, json!({"message": "It is me."})).await.expect(200);
        app.http.post(&main.path("/withdraw"), &main.token, json!({})).await.refused(404, "not_found");
        // A third request is decided on as well, and whoever was not kept stays out meanwhile.
        let third = app.asker("ada@example.com").await;
        assert_eq!((reads(&main).await, reads(&second).await, reads(&third).await), (404, 200, 200));
        decide(&third).await;
        assert_eq!((reads(&main).await, reads(&second).await, reads(&third).await), (404, 404, 200));
        decide(&main).await;
        assert_eq!((reads(&main).await, reads(&second).await, reads(&third).await), (200, 404, 404));
        // They end with the ticket, and are forgotten with it.
        app.http.post(&main.path("/withdraw"), &main.token, json!({})).await.expect(200);
        app.after(chrono::TimeDelta::days(31)).await;
        assert!(app.rows("SELECT hash AS text FROM tokens WHERE kind <> 'stop'").is_empty());
    }

    async fn a_new_pin_can_be_made_after_a_reissue(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let first = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        app.letter("ada@example.com", "new key").await;
        let pin = async || app.desk(&agent, &ada, "/pin", json!({})).await;
        pin().await.refused(409, "conflict");
        let activate = async |key: &str, pin: &str| {
            let body = json!({"code": app.next_code(key), "pin": pin});
            app.http.post(&ada.path("/activate"), &ada.token, body).await
        };
        let reissue = async || {
            app.step_up(&agent).await;
            app.desk(&agent, &ada, "/reissue", json!({"reason": "lost the email"})).await.expect(200);
            app.letter("ada@example.com", "new key").await.key()
        };
        let wrong = crate::support::totp::wrong_code(&first[..6]) + &first[6..];
        let key = reissue().await;
        for _ in 0..5 {
            activate(&key, &wrong).await.refused(403, "wrong_code");
        }
        activate(&key, &first).await.refused(429, "too_many_tries");
        // As for the reissue itself: with a fresh code of the agent's own.
        app.after(chrono::TimeDelta::minutes(6)).await;
        pin().await.refused(403, "step_up_required");
        app.step_up(&agent).await;
        let second = pin().await.expect(200)["pin"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        activate(&key, &first).await.refused(403, "wrong_code");
        activate(&key, &second).await.expect(200);
    }

    async fn no_pin_makes_the_tries_of_a_ticket_more_than_ten(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let mut pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let mut key = app.letter("ada@example.com", "new key").await.key();
        let mut looked_at = 0;
        for _ in 0..3 {
            for _ in 0..5 {
                let wrong = crate::support::totp::wrong_code(&pin[..6]) + &pin[6..];
                let body = json!({"code": app.next_code(&key), "pin": wrong});
                let answer = app.http.post(&ada.path("/activate"), &ada.token, body).await;
                looked_at += usize::from(answer.status == 403);
            }
            app.step_up(&agent).await;
            app.desk(&agent, &ada, "/reissue", json!({"reason": "wrong PIN"})).await.expect(200);
            key = app.letter("ada@example.com", "new key").await.key();
            app.desk(&agent, &ada, "/pin", json!({})).await.expect(200)["pin"].as_str().unwrap().clone_into(&mut pin);
        }
        assert_eq!(looked_at, 10);
        let body = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &ada.token, body).await.refused(429, "too_many_tries");
    }
}
