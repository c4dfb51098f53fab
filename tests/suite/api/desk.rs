//! The desk: the order of refusals, who sees what, and two who want the same ticket.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::client::text;

on_both! {
    async fn refusals_come_in_the_order_of_the_contract(app: TestApp) {
        app.account("ada@example.com").await;
        let (agent, other) = (app.staff("grace", "agent").await, app.staff("alan", "agent").await);
        let auditor = app.staff("ida", "auditor").await;
        let ada = app.asker("ada@example.com").await;
        let body = json!({"account": "ada@example.com", "reason": "known to me"});
        let approve = async |token: &str| app.http.post(&ada.desk("/approve"), token, body.clone()).await;

        approve("").await.refused(401, "unauthenticated");
        let nowhere = "/api/v1/desk/tickets/RK-2222-2222/approve";
        app.http.post(nowhere, &agent.token, body.clone()).await.refused(404, "not_found");
        approve(&auditor.token).await.refused(403, "forbidden");
        approve(&agent.token).await.refused(409, "conflict");
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        approve(&other.token).await.refused(409, "conflict");
        let refused = approve(&agent.token).await.refused(403, "policy_not_met");
        assert_eq!(refused["missing"], json!(["independent_evidence"]));
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        let refused = approve(&agent.token).await.refused(403, "step_up_required");
        assert!(refused.get("missing").is_none());
        app.step_up(&agent).await;
        assert_eq!(approve(&agent.token).await.expect(200)["status"], "key_sent");
        approve(&agent.token).await.refused(409, "conflict");
    }

    async fn a_ticket_is_closed_for_the_reason_that_was_given(app: TestApp) {
        let agent = app.staff("grace", "agent,admin").await;
        for (name, frozen, given, reason) in [
            ("ada", false, "spam", "spam"),
            ("bob", false, "duplicate", "duplicate"),
            ("cora", false, "not_me", "not_me"),
            ("dan", false, "she found her telephone", "solved"),
            ("eve", true, "she never asked", "not_me"),
            ("fay", true, "spam", "spam"),
            ("gus", true, "solved", "solved"),
        ] {
            let email = format!("{name}@example.com");
            app.account(&email).await;
            let asker = app.asker(&email).await;
            app.desk(&agent, &asker, "/claim", json!({})).await.expect(200);
            if frozen {
                app.desk(&agent, &asker, "/freeze", json!({"reason": "strange"})).await.expect(200);
            }
            app.step_up(&agent).await;
            let closed = app.desk(&agent, &asker, "/close", json!({"reason": given})).await.expect(200);
            assert_eq!((&closed["status"], &closed["reason"]), (&json!("closed"), &json!(reason)), "{name}");
        }
    }

    async fn of_two_who_claim_one_has_it(app: TestApp) {
        app.account("ada@example.com").await;
        let (one, two) = (app.staff("grace", "agent").await, app.staff("alan", "agent").await);
        let lead = app.staff("lena", "approver").await;
        let ada = app.asker("ada@example.com").await;
        let (first, second) =
            tokio::join!(app.desk(&one, &ada, "/claim", json!({})), app.desk(&two, &ada, "/claim", json!({})));
        let (winner, loser, won, lost) =
            if first.status == 200 { (&one, &two, first, second) } else { (&two, &one, second, first) };
        lost.refused(409, "conflict");
        let version = won.expect(200)["version"].as_i64().unwrap();
        // Taking over needs a rank, and the version that was seen.
        app.desk(loser, &ada, "/claim", json!({"from": version})).await.refused(403, "forbidden");
        app.desk(&lead, &ada, "/claim", json!({"from": version - 1})).await.refused(409, "conflict");
        let same = f64::from(i32::try_from(version).unwrap());
        app.desk(&lead, &ada, "/claim", json!({"from": same + 0.5})).await.refused(422, "invalid");
        app.desk(&lead, &ada, "/claim", json!({"from": same})).await.expect(200);
        app.desk(winner, &ada, "/release", json!({})).await.refused(409, "conflict");
        app.desk(&lead, &ada, "/release", json!({})).await.expect(200);
    }

    async fn the_account_is_shown_to_those_who_need_it(app: TestApp) {
        app.account("ada@example.com").await;
        let (holder, other) = (app.staff("grace", "agent").await, app.staff("alan", "agent").await);
        let (lead, auditor) = (app.staff("lena", "approver").await, app.staff("ida", "auditor").await);
        let ada = app.asker("ada@example.com").await;
        app.desk(&holder, &ada, "/claim", json!({})).await.expect(200);
        for (member, in_full) in [(&holder, true), (&lead, true), (&other, false)] {
            let reply = app.http.get(&ada.desk(""), &member.token).await;
            let seen = reply.expect(200);
            assert_eq!(seen["account"]["masked"], !in_full);
            assert_eq!(reply.text.contains("ada@example.com"), in_full, "{}", reply.text);
            assert_eq!(reply.text.contains("+442079460000"), in_full);
            let list = app.http.get("/api/v1/desk/tickets?queue=open", &member.token).await;
            assert!(list.text.contains("a•••@example.com") && !list.text.contains("ada@example.com"));
        }
        app.http.get(&ada.desk(""), &auditor.token).await.refused(403, "forbidden");
        app.http.get("/api/v1/desk/tickets", &auditor.token).await.refused(403, "forbidden");
    }

    async fn a_ticket_shows_everything_that_a_decision_needs(app: TestApp) {
        let mut fresh = facts("ada@example.com");
        app.account_with(fresh.clone()).await;
        app.after(TimeDelta::days(7)).await;
        fresh.phone = Some("+442079460999".to_owned());
        app.account_with(fresh).await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &ada, "/note", json!({"message": "Sounds calm."})).await.expect(200);
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);

        assert_eq!((seen["tier"].as_str(), seen["holder"].as_str()), (Some("privileged"), Some("grace")));
        let signals: Vec<&Value> = seen["risks"].as_array().unwrap().iter().map(|one| &one["signal"]).collect();
        assert!(signals.contains(&&json!("phone_changed")), "{signals:?}");
        assert_eq!(seen["policy"]["met"], false);
        assert_eq!(seen["policy"]["people"], 2);
        let methods = seen["policy"]["methods"].as_array().unwrap();
        let callback = methods.iter().find(|one| one["method"] == "callback").unwrap();
        assert_eq!(callback["obstacle"], "The number on file is new.");
        assert_eq!(seen["evidence"][0]["method"], "mailbox_code");
        assert!(seen["letters"].as_array().unwrap().iter().any(|one| one["purpose"] == "mailbox_code"));
        assert!(seen["account"].get("phone").is_none(), "a new number is not offered");
        let whole = seen["timeline"].as_array().unwrap();
        for (kind, what) in
            [("event", "opened"), ("message", "request"), ("letter", "mailbox_code"), ("message", "note"), ("event", "claimed")]
        {
            assert!(whole.iter().any(|one| one["kind"] == kind && one["what"] == what), "{kind} {what}");
        }
        let times: Vec<&str> = whole.iter().map(|one| one["at"].as_str().unwrap()).collect();
        assert!(times.is_sorted());
        let call = json!({"method": "callback", "outcome": "passed", "note": ""});
        app.desk(&agent, &ada, "/evidence", call).await.refused(422, "invalid");
    }

    async fn the_manager_on_file_vouches_by_letter(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &ada, "/vouch", json!({})).await.expect(202);
        let letter = app.letter("charles@example.com", "").await;
        let (token, code) = (letter.token("rk_vch_"), letter.digits(6));
        let answer = |token: &str, code: &str| app.http.post("/api/v1/vouch", "", json!({"token": token, "code": code}));
        answer("rk_vch_nonsense", &code).await.refused(404, "not_found");
        answer(&token, &code).await.expect(200);
        answer(&token, &code).await.refused(404, "not_found");
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["policy"]["met"], true);
    }

    async fn a_frozen_ticket_is_thawed_by_an_admin_who_took_no_part(app: TestApp) {
        app.account("ada@example.com").await;
        let (agent, admin) = (app.staff("grace", "agent").await, app.staff("root", "admin").await);
        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        assert_eq!(pin.len(), 8);
        app.desk(&agent, &ada, "/freeze", json!({"reason": "strange call"})).await.expect(200);
        app.desk(&agent, &ada, "/thaw", json!({"reason": "all good"})).await.refused(403, "forbidden");
        let thawed = app.desk(&admin, &ada, "/thaw", json!({"reason": "spoke to her"})).await.expect(200);
        assert_eq!((thawed["status"].as_str(), thawed["pin_made"].as_bool()), (Some("in_review"), Some(false)));
        assert_eq!(text(&thawed, "holder"), "grace");
    }
}
