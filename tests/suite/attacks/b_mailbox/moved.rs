//! The address on file changes while a request is open: whoever reads the mailbox of before has nothing left.

use rekey::workflow::accounts;
use serde_json::{Value, json};

use crate::desk;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::assertion::signed;
use crate::support::client::{Reply, text};
use crate::support::database::Backend;
use crate::support::letters::Letter;

const OLD: &str = "ada@stolen.example";
const NEW: &str = "ada@new.example";

async fn put(app: &TestApp, email: &str) {
    accounts::put(&app.ctx, &app.host, "ada", facts(email)).await.unwrap();
}

/// The application says that the address is another one; returns the emails of that moment.
async fn moves(app: &TestApp) -> Vec<Letter> {
    app.letters().await;
    put(app, NEW).await;
    app.letters().await
}

async fn confirm(app: &TestApp, asker: &Asker, code: &str) -> Reply {
    app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await
}

fn code_of(letters: &[Letter]) -> String {
    TestApp::letter_of(letters, NEW, "code to confirm").digits(6)
}

async fn seen(app: &TestApp, member: &Member, asker: &Asker) -> Value {
    app.http.get(&asker.desk(""), &member.token).await.expect(200)
}

/// Everything that a privileged approval wants, mailbox aside.
async fn verify(app: &TestApp, agent: &Member, asker: &Asker) {
    for (call, body) in [
        ("/evidence", json!({"method": "in_person", "outcome": "passed", "note": "at the counter"})),
        ("/evidence", json!({"method": "callback", "outcome": "passed", "note": "knew the voice"})),
        ("/pin", json!({})),
    ] {
        app.desk(agent, asker, call, body).await.expect(200);
    }
}

async fn approve(app: &TestApp, member: &Member, asker: &Asker) -> Reply {
    app.step_up(member).await;
    app.desk(member, asker, "/approve", json!({"account": NEW, "reason": "sure"})).await
}

/// Until the new mailbox has spoken no approval; then the key goes there, as page and log say, and nowhere else.
async fn the_key_goes_where_the_approvers_were_told(
    app: &TestApp,
    [agent, second, admin]: [&Member; 3],
    asker: &Asker,
    code: &str,
) {
    verify(app, agent, asker).await;
    let refused = approve(app, agent, asker).await.refused(403, "policy_not_met");
    assert_eq!(refused["missing"], json!(["mailbox_code"]), "{refused}");
    confirm(app, asker, code).await.expect(200);
    let mut seat = desk::seat(app, agent).await;
    approve(app, agent, asker).await.expect(200);
    let page = seat.get(&format!("/desk/tickets/{}/approve", asker.reference)).await;
    assert!(!page.text.contains(OLD), "{}", page.text);
    let mut seat = desk::seat(app, second).await;
    seat.get(&format!("/desk/tickets/{}/approve", asker.reference)).await.shows(200, NEW);
    assert_eq!(approve(app, second, asker).await.expect(200)["status"], "approved");
    app.letters().await;
    app.after(chrono::TimeDelta::hours(25)).await;
    let keys: Vec<Letter> =
        app.letters().await.into_iter().filter(|letter| letter.subject.contains("new key")).collect();
    assert_eq!(keys.iter().map(|letter| &*letter.to).collect::<Vec<_>>(), [NEW]);
    let admin = app.again(admin).await;
    let path = format!("/api/v1/desk/audit?ticket={}", asker.reference);
    let log = app.http.get(&path, &admin.token).await.expect(200);
    for action in ["approved", "key_sent"] {
        let entries = log["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == action);
        let last = entries.max_by_key(|entry| entry["subject_version"].as_i64()).unwrap();
        assert_eq!(last["details"]["address"], NEW, "{last}");
    }
}

on_both! {
    /// B9: has opened a request, has the code that came to a mailbox, and types it after the address on file was changed | the
    /// code is void, a new one goes to the new address, and the request is privileged
    async fn b9_a_code_to_the_previous_address_is_void(app: TestApp) {
        put(&app, OLD).await;
        let agent = app.staff("grace", "agent").await;
        for came_back in [false, true] {
            put(&app, OLD).await;
            let eve = app.ask(OLD, "lost_device").await;
            if came_back {
                app.minute().await;
                app.http.post(&eve.path("/return"), "", json!({})).await.expect(202);
            }
            let stolen = app.letter(OLD, "code to confirm").await.digits(6);
            let letters = moves(&app).await;
            assert!(letters.iter().all(|letter| letter.to == NEW), "nothing is told of what was not confirmed");
            confirm(&app, &eve, &stolen).await.refused(403, "wrong_code");
            let without = app.http.post(&eve.path("/confirm"), "", json!({"code": stolen})).await;
            without.refused(403, "wrong_code");
            confirm(&app, &eve, &code_of(&letters)).await.expect(200);
            assert_eq!(app.desk(&agent, &eve, "/claim", json!({})).await.expect(200)["tier"], "privileged");
            app.http.post(&eve.path("/withdraw"), &eve.token, json!({})).await.expect(200);
        }
    }

    /// B9: has confirmed a request with a mailbox that is no longer on file, in whatever state it stands | mailbox evidence
    /// and approvals are void, a key is cancelled, it is privileged and back in review; the previous address is told, and
    /// the token sees the state alone until the code that went to the new address is typed
    async fn b9_what_the_previous_mailbox_confirmed_is_void(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__LIMITS__LETTERS_PER_DAY", "100")]).await;
        let (agent, second) = (app.staff("grace", "agent").await, app.staff("tommy", "approver").await);
        let admin = app.staff("root", "admin").await;
        for state in ["open", "in_review", "waiting", "awaiting_approval", "approved", "key_sent"] {
            put(&app, OLD).await;
            let (agent, second) = (app.again(&agent).await, app.again(&second).await);
            let eve = app.asker(OLD).await;
            if state != "open" {
                app.desk(&agent, &eve, "/claim", json!({})).await.expect(200);
                app.desk(&agent, &eve, "/reply", json!({"message": "We call you."})).await.expect(200);
            }
            if !matches!(state, "open" | "in_review" | "waiting") {
                verify(&app, &agent, &eve).await;
                app.approve(&agent, &eve).await;
            }
            match state {
                "waiting" => drop(app.desk(&agent, &eve, "/ask", json!({"message": "When?"})).await.expect(200)),
                "approved" | "key_sent" => drop(app.approve(&second, &eve).await),
                _ => {}
            }
            if state == "key_sent" {
                app.after(chrono::TimeDelta::hours(24)).await;
            }
            let (agent, second) = (app.again(&agent).await, app.again(&second).await);
            let before = seen(&app, &second, &eve).await;
            let letters = moves(&app).await;
            let after = seen(&app, &second, &eve).await;
            // An account whose address was changed before is privileged from the start, so there is a hold.
            assert_eq!(before["status"], state, "{before}");
            let expected = if state == "open" { "open" } else { "in_review" };
            assert_eq!((&after["status"], &after["tier"]), (&json!(expected), &json!("privileged")), "{state}");
            assert_eq!(after["approvals"], json!([]), "{state}");
            let evidence = after["evidence"].as_array().unwrap();
            assert!(evidence.iter().all(|one| one["method"] != "mailbox_code"), "{state}: {after}");
            assert!(after["policy"]["missing"].as_array().unwrap().contains(&json!("mailbox_code")), "{state}");
            let told: Vec<&Letter> = letters.iter().filter(|letter| letter.to == OLD).collect();
            assert!(!told.is_empty() && told.iter().all(|letter| !letter.text.contains(NEW)), "{state}");
            assert!(told.iter().all(|letter| !letter.subject.contains("code to confirm")), "{state}");

            let hidden = app.http.get(&eve.path(""), &eve.token).await;
            assert_eq!(hidden.json()["status"], expected, "{state}");
            assert!(!hidden.text.contains("We call you.") && !hidden.text.contains("My phone"), "{}", hidden.text);
            for (call, body) in [
                ("/prove", json!({"codes": ["123456", "654321"]})),
                ("/diagnose", json!({"codes": ["123456", "654321"]})),
                ("/reply", json!({"message": "It is me."})),
            ] {
                app.http.post(&eve.path(call), &eve.token, body).await.refused(409, "conflict");
            }
            if state == "approved" {
                the_key_goes_where_the_approvers_were_told(
                    &app, [&agent, &second, &admin], &eve, &code_of(&letters)).await;
            } else {
                confirm(&app, &eve, &code_of(&letters)).await.expect(200);
                let shown = app.http.get(&eve.path(""), &eve.token).await;
                assert!(shown.text.contains("My phone"), "{}", shown.text);
            }
            app.http.post(&eve.path("/withdraw"), &eve.token, json!({})).await.expect(200);
        }
    }

    /// B9: comes to an open request by an application's session, or by an agent who took it unconfirmed, before the address
    /// is changed | no key leaves before the new mailbox has confirmed it
    async fn b9_a_session_or_an_early_claim_leaves_the_mailbox_to_be_confirmed(app: TestApp) {
        let (agent, second) = (app.staff("grace", "agent").await, app.staff("tommy", "approver").await);
        let admin = app.staff("root", "admin").await;
        app.vouched_for().await;
        for by_session in [true, false] {
            put(&app, OLD).await;
            let (agent, second) = (app.again(&agent).await, app.again(&second).await);
            let ada = if by_session {
                let opened = app.opens(&signed(&app.claims())).await.expect(202);
                Asker { email: OLD.to_owned(), reference: text(&opened, "reference"), token: text(&opened, "token") }
            } else {
                app.ask(OLD, "lost_device").await
            };
            app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
            let letters = moves(&app).await;
            // What the application said of the session stands.
            let shown = app.http.get(&ada.path(""), &ada.token).await.expect(200);
            assert_eq!(shown["timeline"].to_string().contains("claimed"), by_session, "{shown}");
            the_key_goes_where_the_approvers_were_told(
                &app, [&agent, &second, &admin], &ada, &code_of(&letters)).await;
            app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
        }
    }

    /// B9: has the address changed while "this wasn't me" keeps the ticket frozen | unfrozen, it waits for the new mailbox too
    async fn b9_a_frozen_ticket_waits_for_the_new_mailbox_too(app: TestApp) {
        let (agent, second) = (app.staff("grace", "agent").await, app.staff("tommy", "approver").await);
        let (admin, other) = (app.staff("root", "admin").await, app.staff("toor", "admin").await);
        put(&app, OLD).await;
        let ada = app.asker(OLD).await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &ada, "/freeze", json!({"reason": "strange"})).await.expect(200);
        let letters = moves(&app).await;
        assert_eq!(seen(&app, &second, &ada).await["status"], "frozen");
        app.desk(&other, &ada, "/thaw", json!({"reason": "spoke to her"})).await.expect(200);
        the_key_goes_where_the_approvers_were_told(
            &app, [&agent, &second, &admin], &ada, &code_of(&letters)).await;
    }

    /// B9: has a second request, which was recorded as the person's own, before the address is changed | its token falls back
    /// as well, and its code from the new mailbox is what the ticket waits for
    async fn b9_the_request_that_was_kept_falls_back_too(app: TestApp) {
        let (agent, second) = (app.staff("grace", "agent").await, app.staff("tommy", "approver").await);
        put(&app, OLD).await;
        let first = app.asker(OLD).await;
        app.minute().await;
        let kept = app.asker(OLD).await;
        app.desk(&agent, &first, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &first, "/reply", json!({"message": "We call you."})).await.expect(200);
        app.desk(&agent, &first, "/requests", json!({"keep": kept.reference})).await.expect(200);
        assert!(app.http.get(&kept.path(""), &kept.token).await.text.contains("We call you."));
        let letters = moves(&app).await;
        let hidden = app.http.get(&kept.path(""), &kept.token).await;
        assert!(!hidden.text.contains("We call you."), "{}", hidden.text);
        app.http.post(&kept.path("/reply"), &kept.token, json!({"message": "hm"})).await.refused(409, "conflict");
        verify(&app, &agent, &first).await;
        approve(&app, &agent, &first).await.refused(403, "policy_not_met");
        confirm(&app, &kept, &code_of(&letters)).await.expect(200);
        assert!(app.http.get(&kept.path(""), &kept.token).await.text.contains("We call you."));
        approve(&app, &agent, &first).await.expect(200);
        approve(&app, &second, &first).await.expect(200);
        app.letters().await;
        app.after(chrono::TimeDelta::hours(25)).await;
        let letters = app.letters().await;
        let keys: Vec<&str> =
            letters.iter().filter(|one| one.subject.contains("new key")).map(|one| &*one.to).collect();
        assert_eq!(keys, [NEW]);
    }
}
