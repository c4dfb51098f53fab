//! The key is in the mailbox, and good for nothing there.

use serde_json::{Value, json};

use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::assertion::signed;
use crate::support::browser::Browser;
use crate::support::client::text;
use crate::support::letters::Letter;
use crate::support::totp::wrong_code;

/// A ticket of Ada's up to the letter with the key: by telephone, with a PIN or without one.
async fn sent(app: &TestApp, agent: &Member, with_pin: bool) -> (Asker, Letter, String) {
    let ada = app.asker("ada@example.com").await;
    let mut pin = String::new();
    if with_pin {
        pin = app.verified(agent, &ada).await;
    } else {
        app.called(agent, &ada).await;
    }
    app.approve(agent, &ada).await;
    let letter = app.letter("ada@example.com", "new key").await;
    (ada, letter, pin)
}

on_both! {
    /// B1: reads the mailed key and activates it from another browser, and at the host's sign-in | 403 `proof_required`
    /// on the ticket's page and in the API; inactive at codes/verify; the former authenticator still works
    async fn b1_the_mailed_key_is_inert(app: TestApp) {
        let (former, _) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let (ada, letter, _) = sent(&app, &agent, true).await;
        let (key, link) = (letter.key(), letter.token("rk_act_"));
        for first_factor in [json!("password"), json!("passkey"), Value::Null] {
            let mut body = json!({"code": app.next_code(&key)});
            if !first_factor.is_null() {
                body["first_factor"] = first_factor;
            }
            assert_eq!(app.verdict(body).await, "inactive");
        }
        let body = json!({"code": app.next_code(&key)});
        app.http.post(&ada.path("/activate"), &link, body.clone()).await.refused(403, "proof_required");
        app.http.post(&ada.path("/activate"), "", body).await.refused(404, "not_found");
        let mut eve = Browser::new(&app);
        let page = eve.get("/activate").await;
        eve.send(&page, &[("link", &format!("https://rekey.example.com/activate#{link}"))]).await.goes_to("/activate/key");
        let page = eve.get("/activate/key").await;
        let code = app.next_code(&key);
        eve.send(&page, &[("code", &code)]).await.shows(403, "Type the PIN");
        // The link opens nothing else of the ticket.
        app.http.get(&ada.path(""), &link).await.refused(404, "not_found");
        app.http.post(&ada.path("/withdraw"), &link, json!({})).await.refused(404, "not_found");
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted");
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "key_sent");
    }

    /// B2: opened the ticket, has the mailbox, and with it token, code and key | refused without PIN or password;
    /// five guesses at the PIN, then none
    async fn b2_opener_with_mailbox_cannot_activate(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let (ada, letter, pin) = sent(&app, &agent, true).await;
        let activate = async |more: Value| {
            let mut body = json!({"code": app.next_code(&letter.key())});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.http.post(&ada.path("/activate"), &ada.token, body).await
        };
        activate(json!({})).await.refused(403, "proof_required");
        // Where a PIN was made nothing else will do.
        activate(json!({"password": "guessed"})).await.refused(403, "proof_required");
        activate(json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"})).await.refused(403, "proof_required");
        for _ in 0..5 {
            activate(json!({"pin": "00000000"})).await.refused(403, "wrong_code");
        }
        activate(json!({"pin": pin})).await.refused(429, "too_many_tries");
        assert_ne!(app.state().await, "on");
    }

    /// B2: the same where no PIN was made | password or recovery code of the owner's, and ten tries in all
    async fn b2_without_a_pin_it_takes_the_password(app: TestApp) {
        let (former, recovery) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let (ada, letter, _) = sent(&app, &agent, false).await;
        let activate = async |more: Value| {
            let mut body = json!({"code": app.next_code(&letter.key())});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.http.post(&ada.path("/activate"), &ada.token, body).await
        };
        activate(json!({})).await.refused(403, "proof_required");
        activate(json!({"pin": "12345678"})).await.refused(403, "proof_required");
        for guess in 0..10 {
            let guess = if guess % 2 == 0 { json!({"password": "guessed"}) } else { json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"}) };
            activate(guess).await.refused(403, "wrong_code");
        }
        activate(json!({"recovery_code": recovery[0]})).await.refused(429, "too_many_tries");
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted");
    }

    /// B3: has mailbox and password, and opens a ticket with the host's word and the mailbox code | no evidence that is
    /// independent of both, so no approval, no PIN and no key
    async fn b3_mailbox_and_password_are_no_evidence(app: TestApp) {
        app.vouched_for().await;
        let opened = app.opens(&signed(&app.claims())).await.expect(202);
        assert_eq!(opened["status"], "open");
        let ada = Asker {
            email: "ada@example.com".to_owned(),
            reference: text(&opened, "reference"),
            token: text(&opened, "token"),
        };
        app.http.post(&ada.path("/return"), "", json!({})).await.expect(202);
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        let agent = app.staff("grace", "agent,approver,admin").await;
        let seen = app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        assert_eq!((&seen["tier"], &seen["policy"]["met"]), (&json!("standard"), &json!(false)));
        let methods: Vec<_> = seen["evidence"].as_array().unwrap().iter().map(|one| one["method"].as_str().unwrap()).collect();
        assert!(methods.contains(&"host_session") && methods.contains(&"mailbox_code"), "{methods:?}");
        app.step_up(&agent).await;
        let refused = app.desk(&agent, &ada, "/approve", json!({"account": ada.email, "reason": "sure"})).await;
        assert_eq!(refused.refused(403, "policy_not_met")["missing"], json!(["independent_evidence"]));
        app.desk(&agent, &ada, "/pin", json!({})).await.refused(403, "policy_not_met");
        let mut desk = crate::desk::seat(&app, &agent).await;
        let page = desk.get(&format!("/desk/tickets/{}/approve", ada.reference)).await.shows(200, "The policy is not met");
        assert!(!page.text.contains("<button>Approve"));
        assert!(app.letters().await.iter().all(|letter| !letter.subject.contains("new key")));
    }

    /// B8: posts the mailed key's code to the enrolment's confirm, sends a hundred wrong codes, stops the ticket, to
    /// have two-factor authentication switched off | 404; it stays on, and every code is refused
    async fn b8_nothing_switches_two_factor_off(app: TestApp) {
        let (former, recovery) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let (ada, letter, _) = sent(&app, &agent, true).await;
        let key = letter.key();
        let right = json!({"code": app.next_code(&key)});
        app.host_posts("/authenticator/confirm", right.clone()).await.refused(404, "not_found");
        // Nor does it turn off, replace, or stand for the active one.
        app.host_turns_off(json!({"code": app.next_code(&key)})).await.refused(403, "wrong_code");
        app.host_posts("/authenticator", json!({"code": app.next_code(&key)})).await.refused(403, "wrong_code");
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted");
        for _ in 0..10 {
            let wrong = json!({"code": wrong_code(&app.shown(&former)), "first_factor": "password"});
            for _ in 0..10 {
                assert_eq!(app.verdict(wrong.clone()).await, "wrong");
            }
            app.ctx.clock.advance(std::time::Duration::from_hours(1));
        }
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "off");
        assert_eq!(app.state().await, "on");
        app.http.post("/api/v1/stop", "", json!({"token": letter.token("rk_stop_")})).await.expect(200);
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "frozen");
        assert_eq!(app.state().await, "on");
        for key in [&former, &key] {
            let said = app.verdict(json!({"code": app.next_code(key), "first_factor": "password"})).await;
            assert!(said == "off" || said == "inactive" || said == "wrong", "{said}");
        }
        assert_eq!(app.verdict(json!({"recovery_code": recovery[0]})).await, "off");
        app.host_turns_off(json!({"code": app.next_code(&former)})).await.refused(429, "too_many_tries");
        let facts = json!({"email": "ada@example.com", "name": "Ada"});
        let put = app.http.put("/api/v1/accounts/ada", &app.host_token, facts).await.expect(200);
        assert_eq!(put["two_factor"]["state"], "on");
    }
}
