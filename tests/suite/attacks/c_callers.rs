//! C: those who talk to the staff.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::policy::Tier;
use serde_json::{Value, json};

use crate::desk;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::client::text;

/// Every command of the desk, with a body that it takes.
pub(super) fn commands(asker: &Asker) -> Vec<(&'static str, Value)> {
    let (message, reason) = (json!({"message": "Hello."}), json!({"reason": "because"}));
    vec![
        ("/claim", json!({})),
        ("/claim", json!({"from": 1})),
        ("/release", json!({})),
        ("/resume", json!({})),
        ("/ask", message.clone()),
        ("/reply", message.clone()),
        ("/note", message),
        ("/reject", reason.clone()),
        ("/close", reason.clone()),
        ("/flag", reason.clone()),
        ("/requests", json!({"keep": asker.reference})),
        ("/evidence", json!({"method": "callback", "outcome": "passed", "note": "knew the voice"})),
        ("/vouch", json!({})),
        ("/pin", json!({})),
        ("/approve", json!({"account": asker.email, "reason": "sure"})),
        ("/reissue", reason.clone()),
        ("/freeze", reason.clone()),
        ("/thaw", reason),
    ]
}

/// A member who has taken Ada's ticket.
async fn taken(app: &TestApp) -> (Member, Asker) {
    app.account("ada@example.com").await;
    let agent = app.staff("grace", "agent").await;
    let ada = app.asker("ada@example.com").await;
    app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
    (agent, ada)
}

pub(super) fn signals(seen: &Value) -> Vec<&str> {
    seen["risks"].as_array().unwrap().iter().map(|one| one["signal"].as_str().unwrap()).collect()
}

on_both! {
    /// C1: knows the birthday, the manager's name and the last invoice | there is no evidence method for it, and no
    /// word in a note satisfies the policy
    async fn c1_knowing_things_is_no_evidence(app: TestApp) {
        let (agent, ada) = taken(&app).await;
        for method in ["birthday", "date_of_birth", "manager_name", "last_invoice", "knowledge", "security_question", "sms", "", "callback "] {
            let body = json!({"method": method, "outcome": "passed", "note": "all answers right"});
            app.desk(&agent, &ada, "/evidence", body).await.refused(422, "invalid");
        }
        for call in ["/note", "/reply"] {
            let words = json!({"message": "Birthday, manager and last invoice were right. Evidence: callback passed."});
            app.desk(&agent, &ada, call, words).await.expect(200);
        }
        app.step_up(&agent).await;
        let approval = json!({"account": ada.email, "reason": "knew everything about the account"});
        app.desk(&agent, &ada, "/approve", approval).await.refused(403, "policy_not_met");
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        let mut methods: Vec<&str> =
            seen["policy"]["methods"].as_array().unwrap().iter().map(|one| one["method"].as_str().unwrap()).collect();
        methods.sort_unstable();
        assert_eq!(methods, ["callback", "current_code", "in_person", "manager_vouch", "recovery_code", "video_with_id"]);
        assert!(!document.to_string().contains("birth"));
    }

    /// C2: wants to be called at a new number | only the number on file is offered and there is no field for another;
    /// one that was changed under 30 days ago is not called
    async fn c2_only_the_number_on_file_is_called(app: TestApp) {
        let (agent, ada) = taken(&app).await;
        let called = json!({"method": "callback", "outcome": "passed", "note": "called +1 555 0100 as asked"});
        for field in ["phone", "number", "to", "called"] {
            let mut body = called.clone();
            body[field] = json!("+15550100");
            app.desk(&agent, &ada, "/evidence", body).await.refused(422, "invalid");
        }
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["account"]["phone"], "+442079460000");
        // The number is changed, while the ticket is open or before: neither the new one nor the old one is called.
        app.after(TimeDelta::minutes(1)).await;
        app.account_with(Facts { phone: Some("+15550100".to_owned()), ..facts("ada@example.com") }).await;
        let refused = app.desk(&agent, &ada, "/evidence", called.clone()).await;
        refused.refused(422, "invalid");
        let seen = app.http.get(&ada.desk(""), &agent.token).await;
        assert!(!seen.text.contains("+15550100"), "a new number is not offered: {}", seen.text);
        assert_eq!(seen.json()["tier"], "privileged");
        let mut seat = desk::seat(&app, &agent).await;
        let page = seat.get(&format!("/desk/tickets/{}", ada.reference)).await.shows(200, "is new");
        assert!(!page.text.contains("5550100"), "{}", page.text);
        // And where there is none, nobody is called.
        app.account_with(Facts { phone: None, ..facts("bob@example.com") }).await;
        let bob = app.asker("bob@example.com").await;
        app.desk(&agent, &bob, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &bob, "/evidence", called).await.refused(422, "invalid");
    }

    /// C3: calls three agents in two days [Clorox] | the second ticket within 7 days shows the first; where that was
    /// rejected, frozen or failed, the tier is raised
    async fn c3_the_next_agent_knows_of_the_last(app: TestApp) {
        let agents = [app.staff("grace", "agent,admin").await, app.staff("alan", "agent,admin").await];
        for (name, ending) in [("withdrawn", ""), ("rejected", "/reject"), ("frozen", "/freeze"), ("failed", "/evidence")] {
            let email = format!("{name}@example.com");
            app.account(&email).await;
            let first = app.asker(&email).await;
            app.desk(&agents[0], &first, "/claim", json!({})).await.expect(200);
            match ending {
                "/evidence" => {
                    let failed = json!({"method": "callback", "outcome": "failed", "note": "did not know their name"});
                    app.desk(&agents[0], &first, "/evidence", failed).await.expect(200);
                    app.http.post(&first.path("/withdraw"), &first.token, json!({})).await.expect(200);
                }
                "/freeze" => {
                    app.desk(&agents[0], &first, ending, json!({"reason": "strange"})).await.expect(200);
                    app.step_up(&agents[1]).await;
                    app.desk(&agents[1], &first, "/close", json!({"reason": "spam"})).await.expect(200);
                }
                "" => drop(app.http.post(&first.path("/withdraw"), &first.token, json!({})).await.expect(200)),
                _ => drop(app.desk(&agents[0], &first, ending, json!({"reason": "strange"})).await.expect(200)),
            }
        }
        app.after(TimeDelta::days(2)).await;
        let other = app.staff("lena", "agent").await;
        for (name, raised) in [("withdrawn", false), ("rejected", true), ("frozen", true), ("failed", true)] {
            let second = app.asker(&format!("{name}@example.com")).await;
            let seen = app.desk(&other, &second, "/claim", json!({})).await.expect(200);
            assert!(signals(&seen).contains(&"recent_ticket"), "{name}: {seen}");
            assert_eq!(signals(&seen).contains(&"trouble_before"), raised, "{name}: {seen}");
            assert_eq!(seen["tier"], if raised { "privileged" } else { "standard" }, "{name}");
        }
    }

    /// C3: hides the last request behind fifty new ones, before typing the code of the first | what went wrong with the
    /// account in the last 7 days raises the tier all the same
    async fn c3_no_heap_of_requests_hides_the_last(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let first = app.asker("ada@example.com").await;
        app.desk(&agent, &first, "/reject", json!({"reason": "strange"})).await.expect(200);
        app.minute().await;
        let second = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.minute().await;
        for _ in 0..60 {
            app.ask("ada@example.com", "lost_device").await;
        }
        app.http.post(&second.path("/confirm"), &second.token, json!({"code": code})).await.expect(200);
        let seen = app.desk(&agent, &second, "/claim", json!({})).await.expect(200);
        assert!(signals(&seen).contains(&"recent_ticket") && signals(&seen).contains(&"trouble_before"), "{seen}");
        assert_eq!(seen["tier"], "privileged");
    }

    /// C4: aims at the account of an administrator [Okta 2023] | out of an agent's reach: every command is refused
    /// before any state is looked at, and the tier is privileged
    async fn c4_accounts_of_staff_are_out_of_reach_of_lower_ranks(app: TestApp) {
        app.account_with(facts("root@desk.example.com")).await;
        let (agent, lead) = (app.staff("grace", "agent").await, app.staff("lena", "approver").await);
        app.staff("root", "admin").await;
        let root = app.asker("root@desk.example.com").await;
        let other_admin = app.staff("toor", "admin").await;
        let look = async || app.http.get(&root.desk(""), &other_admin.token).await.expect(200);
        for claimed in [false, true] {
            if claimed {
                app.desk(&other_admin, &root, "/claim", json!({})).await.expect(200);
            }
            let before = look().await;
            assert_eq!(before["tier"], "privileged");
            for member in [&agent, &lead] {
                app.step_up(member).await;
                for (call, body) in commands(&root) {
                    app.desk(member, &root, call, body).await.refused(403, "forbidden");
                }
                let seen = app.http.get(&root.desk(""), &member.token).await.expect(200);
                assert_eq!(seen["out_of_reach"], true);
            }
            assert_eq!(look().await, before);
        }
        let mut seat = desk::seat(&app, &agent).await;
        let page = seat.get(&format!("/desk/tickets/{}", root.reference)).await.shows(200, &root.reference);
        assert!(!page.text.contains("/approve\"") && !page.text.contains("/evidence\""), "{}", page.text);
    }

    /// C4: asks for help before the account becomes a privileged one, and types the code afterwards | the request is
    /// privileged
    async fn c4_a_request_from_before_a_promotion_is_privileged(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.account_with(Facts { tier: Tier::Privileged, ..facts("ada@example.com") }).await;
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        assert_eq!(app.desk(&agent, &ada, "/claim", json!({})).await.expect(200)["tier"], "privileged");
    }

    /// C5: asks the agent for the key, or to send it to another address | no page, answer, list or entry of the log has
    /// the key or its link, and no command takes an address
    async fn c5_the_staff_have_neither_key_nor_address(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent,approver,admin,auditor").await;
        let ada = app.asker("ada@example.com").await;
        let mut answers = Vec::new();
        for (call, body) in [
            ("/claim", json!({})),
            ("/evidence", json!({"method": "callback", "outcome": "passed", "note": "knew the voice"})),
        ] {
            answers.push(app.desk(&agent, &ada, call, body).await.expect(200).to_string());
        }
        for (call, body) in commands(&ada) {
            for field in ["email", "address", "to", "send_to", "recipient"] {
                let mut body = body.clone();
                body[field] = json!("eve@evil.example");
                app.desk(&agent, &ada, call, body).await.refused(422, "invalid");
            }
        }
        for call in ["/address", "/email", "/key", "/letter", "/letters", "/resend"] {
            app.desk(&agent, &ada, call, json!({"email": "eve@evil.example"})).await.refused(404, "not_found");
        }
        app.desk(&agent, &ada, "/pin", json!({})).await.expect(200);
        app.step_up(&agent).await;
        let elsewhere = json!({"account": "eve@evil.example", "reason": "they asked for it"});
        app.desk(&agent, &ada, "/approve", elsewhere).await.refused(422, "invalid");
        answers.push(app.approve(&agent, &ada).await.to_string());
        let first = app.letter("ada@example.com", "new key").await;
        app.step_up(&agent).await;
        let again = app.desk(&agent, &ada, "/reissue", json!({"reason": "deleted it"})).await;
        answers.push(again.expect(200).to_string());
        let letters = app.letters().await;
        let second = TestApp::letter_of(&letters, "ada@example.com", "new key");
        assert!(letters.iter().all(|letter| letter.to == "ada@example.com"), "to the address on file alone");

        for path in [ada.desk(""), "/api/v1/desk/tickets?queue=delivery".into(), "/api/v1/desk/tickets?queue=open".into(),
            format!("/api/v1/desk/audit?ticket={}", ada.reference), "/api/v1/desk/audit".into()] {
            answers.push(app.http.get(&path, &agent.token).await.expect(200).to_string());
        }
        let mut seat = desk::seat(&app, &agent).await;
        let ticket = format!("/desk/tickets/{}", ada.reference);
        for path in [ticket.clone(), format!("{ticket}/reissue"), format!("{ticket}/news"), "/desk".into(),
            "/desk?queue=delivery".into(), "/desk/audit".into(), format!("/desk/audit?ticket={}", ada.reference)] {
            answers.push(seat.get(&path).await.shows(200, "").text);
        }
        for letter in [first, second] {
            let (key, link, stop) = (letter.key(), letter.token("rk_act_"), letter.token("rk_stop_"));
            let in_groups: Vec<&str> = (0..8).map(|group| &key[group * 4..group * 4 + 4]).collect();
            for answer in &answers {
                for secret in [&key, &key.to_lowercase(), &in_groups.join(" "), &link, &stop] {
                    assert!(!answer.contains(secret.as_str()), "{answer}");
                }
            }
        }
    }

    /// C6: has the agent tick `current_code`, `manager_vouch` or another verification that the machine records | 422
    async fn c6_what_the_machine_records_cannot_be_ticked(app: TestApp) {
        let (agent, ada) = taken(&app).await;
        for method in ["mailbox_code", "host_session", "manager_vouch", "recovery_code", "current_code"] {
            let body = json!({"method": method, "outcome": "passed", "note": "they knew it"});
            app.desk(&agent, &ada, "/evidence", body).await.refused(422, "invalid");
        }
        let mut seat = desk::seat(&app, &agent).await;
        let ticket = format!("/desk/tickets/{}", ada.reference);
        let page = seat.get(&ticket).await.form(&format!("{ticket}/evidence"));
        for method in ["manager_vouch", "current_code"] {
            let mut page = page.clone();
            for (name, value) in &mut page.hidden {
                if name == "method" {
                    method.clone_into(value);
                }
            }
            let answer = seat.send(&page, &[("outcome", "passed"), ("text", "they knew it")]).await;
            assert_eq!(answer.status, 422, "{}", answer.text);
        }
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert_eq!((seen["evidence"].as_array().unwrap().len(), text(&seen["evidence"][0], "method")), (1, "mailbox_code".to_owned()));
    }
}
