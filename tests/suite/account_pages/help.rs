//! Need help: the ticket from the account pages, the fault found, and the mailed key at sign-in.

use serde_json::json;

use super::{ADA, PASSWORD, code, listed, password, stage, turned_on};
use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::browser::Browser;

/// The ticket behind a path, for the staff.
fn ticket(path: &str) -> Asker {
    let reference = path.trim_start_matches("/tickets/").split('/').next().unwrap().to_owned();
    Asker { email: ADA.to_owned(), reference, token: String::new() }
}

/// An agent recognises Ada on the telephone and approves, without a PIN. Returns the key of the letter.
async fn mailed_key(app: &TestApp, ticket: &Asker) -> String {
    let agent = app.staff("grace", "agent").await;
    app.desk(&agent, ticket, "/claim", json!({})).await.expect(200);
    let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
    app.desk(&agent, ticket, "/evidence", called).await.expect(200);
    app.approve(&agent, ticket).await;
    app.letter(ADA, "new key").await.key()
}

on_both! {
    async fn a_ticket_from_the_dashboard_is_open_with_the_session_as_evidence(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        turned_on(&app, &mut ada).await;
        let page = ada.get("/account/ticket").await.shows(200, "not set up correctly").form("/account/ticket");
        ada.send(&page, &[("message", "It refuses me.")]).await.shows(422, "Choose what describes it best");
        ada.send(&page, &[("problem", "not_set_up_correctly"), ("message", &"x".repeat(4001))])
            .await
            .shows(422, "4,000 characters");
        let path =
            ada.send(&page, &[("problem", "not_set_up_correctly"), ("message", "It refuses me.")]).await.location();
        ada.get(&path).await.shows(200, "number 1").shows(200, "It refuses me.");
        let agent = app.staff("joan", "agent").await;
        let seen = app.http.get(&ticket(&path).desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["status"], "open");
        assert_eq!(seen["evidence"][0]["method"], "host_session");
    }

    async fn the_mailed_key_goes_live_at_the_next_sign_in(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (old, _) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/ticket").await.form("/account/ticket");
        let path = ada.send(&page, &[("problem", "not_set_up_correctly")]).await.location();
        let key = mailed_key(&app, &ticket(&path)).await;
        let mut phone = Browser::new(&app);
        password(&mut phone, ADA, PASSWORD).await.goes_to("/account/code");
        let page = phone.get("/account/code").await.shows(200, "We sent you a key").form("/account/code");
        let page = phone.send(&page, &[("code", &app.next_code(&key))]).await.shows(200, "Your new key is live");
        assert_eq!(listed(&page).len(), 10);
        phone.get("/account").await.shows(200, "Welcome");
        ada.get(&path).await.shows(200, "Done");
        let mut again = Browser::new(&app);
        password(&mut again, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut again, &app.next_code(&old)).await.shows(403, "not right");
        code(&mut again, &app.next_code(&key)).await.goes_to("/account");
    }

    async fn a_key_for_one_who_never_finished_the_set_up_is_asked_for_and_may_wait(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/ticket").await.form("/account/ticket");
        let path = ada.send(&page, &[("problem", "not_set_up_correctly")]).await.location();
        let key = mailed_key(&app, &ticket(&path)).await;
        let mut phone = Browser::new(&app);
        password(&mut phone, ADA, PASSWORD).await.goes_to("/account/code");
        phone.get("/account/code").await.shows(200, "Not now");
        code(&mut phone, &app.next_code(&key)).await.shows(200, "Your new key is live");
        phone.get("/account/profile").await.shows(200, "aria-checked=\"true\"");
    }

    async fn a_key_that_was_sent_after_a_pin_was_made_does_not_go_live_here(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        turned_on(&app, &mut ada).await;
        let page = ada.get("/account/ticket").await.form("/account/ticket");
        let path = ada.send(&page, &[("problem", "lost_device")]).await.location();
        let agent = app.staff("grace", "agent").await;
        app.verified(&agent, &ticket(&path)).await;
        app.approve(&agent, &ticket(&path)).await;
        let key = app.letter(ADA, "new key").await.key();
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut thief, &app.next_code(&key)).await.shows(403, "only on the page that its letter names");
        thief.get("/account").await.goes_to("/account/code");
    }

    async fn whoever_is_signed_in_finds_the_fault_at_once(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, _) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/check").await.form("/account/check");
        let slow = app.ctx.now().and_utc().timestamp() - 180;
        let codes = [crate::support::totp::code(&key, slow), crate::support::totp::code(&key, slow + 30)];
        ada.send(&page, &[("code", &codes[0]), ("code_2", &codes[1])]).await.goes_to("/account/finding");
        ada.get("/account/finding").await.shows(200, "Your clock is off").shows(200, "create a support ticket");
        ada.send(&page, &[("code", "1"), ("code_2", "")]).await.shows(422, "Type the code");
        for _ in 0..4 {
            let page = ada.get("/account/check").await.form("/account/check");
            ada.send(&page, &[("code", "000000"), ("code_2", "000001")]).await.goes_to("/account/finding");
        }
        ada.get("/account/finding").await.shows(200, "could not match");
        let page = ada.get("/account/check").await.form("/account/check");
        ada.send(&page, &[("code", "000000"), ("code_2", "000001")]).await.shows(422, "used all tries");
    }

    async fn with_the_password_alone_the_check_waits_for_the_mailbox_code(app: TestApp) {
        stage(&app).await;
        let (key, _) = turned_on(&app, &mut Browser::new(&app)).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account/code");
        let page = code(&mut ada, "000000").await.shows(403, "Check your codes");
        ada.send(&page.form("/account/help"), &[]).await.goes_to("/tickets/new/message");
        let page = ada.get("/tickets/new/message").await.shows(200, "anything else");
        let page = ada.send(&page, &[("message", "")]).await.shows(200, ADA).shows(200, "My codes are refused");
        let path = ada.send(&page.form("/tickets/new/send"), &[]).await.location();
        let page = ada.get(&path).await;
        let mailed = app.letter(ADA, "code to confirm").await.digits(6);
        let status = ada.send(&page, &[("code", &mailed)]).await.location();
        ada.get(&status).await.shows(200, "/check");
        let page = ada.get(&format!("{status}/check")).await;
        let [first, second] = app.two_codes(&key);
        ada.send(&page, &[("code", &first), ("code_2", &second)]).await.goes_to(&format!("{status}/finding"));
        ada.get(&format!("{status}/finding")).await.shows(200, "Your codes are right");
    }
}
