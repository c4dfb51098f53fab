//! Sessions: seen, ended, and run out.

use chrono::TimeDelta;
use rekey::workflow::accounts;
use serde_json::json;

use super::{ADA, PASSWORD, code, password, stage, turned_on};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::database::Backend;

on_both! {
    async fn sessions_are_seen_and_ended_one_by_one_and_all_others(app: TestApp) {
        stage(&app).await;
        let mut browsers = [Browser::new(&app), Browser::new(&app), Browser::new(&app)];
        for browser in &mut browsers {
            password(browser, ADA, PASSWORD).await.goes_to("/account");
        }
        let [here, there, elsewhere] = &mut browsers;
        let page = here.get("/account/browsers").await.shows(200, "Another browser").shows(200, "This one");
        assert_eq!(page.text.matches("name=\"session\"").count(), 3, "two others, and all of them");
        here.send(&page.form("/account/browsers"), &[]).await.goes_to("/account/browsers");
        let page = here.get("/account/browsers").await;
        assert_eq!(page.text.matches("name=\"session\"").count(), 2);
        let mut all = page.form("/account/browsers");
        all.hidden = vec![("session".to_owned(), String::new())];
        here.send(&all, &[]).await.goes_to("/account/browsers");
        for gone in [there, elsewhere] {
            gone.get("/account/profile").await.goes_to("/account");
        }
        here.get("/account/profile").await.shows(200, "Settings");
    }

    async fn a_session_is_shown_with_its_browser_its_network_and_its_last_use(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
        stage(&app).await;
        let mut ada = Browser::from(&app, "203.0.113.77");
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        app.after(TimeDelta::minutes(10)).await;
        ada.get("/account").await;
        let page = ada.get("/account/browsers").await.shows(200, "from the network 203.0.113.x");
        let used = app.ctx.now().format("datetime=\"%Y-%m-%dT%H:%M:%SZ\"").to_string();
        assert!(page.text.contains("Another browser") && page.text.contains(&used), "{used}: {}", page.text);
        assert!(!page.text.contains("203.0.113.77"), "the whole address is not kept");
    }

    async fn nobody_ends_the_session_of_somebody_else(app: TestApp) {
        stage(&app).await;
        app.account("grace@example.com").await;
        accounts::set_password(&app.ctx, "grace", &PASSWORD.into()).await.unwrap();
        let (mut ada, mut ada_too, mut grace) = (Browser::new(&app), Browser::new(&app), Browser::new(&app));
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        password(&mut ada_too, ADA, PASSWORD).await.goes_to("/account");
        password(&mut grace, "grace@example.com", PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/browsers").await.form("/account/browsers");
        let own = grace.get("/account/browsers").await.form("/account/sign-out");
        let stolen = Page { token: own.token, ..page };
        grace.send(&stolen, &[]).await.goes_to("/account/browsers");
        ada_too.get("/account/profile").await.shows(200, "Settings");
    }

    async fn a_session_ends_idle_after_eight_hours_and_with_a_new_password(app: TestApp) {
        stage(&app).await;
        let mut idle = Browser::new(&app);
        password(&mut idle, ADA, PASSWORD).await.goes_to("/account");
        app.after(TimeDelta::minutes(14)).await;
        idle.get("/account/profile").await.shows(200, "Settings");
        app.after(TimeDelta::minutes(15)).await;
        idle.get("/account/profile").await.goes_to("/account");

        let mut busy = Browser::new(&app);
        password(&mut busy, ADA, PASSWORD).await.goes_to("/account");
        for _ in 0..47 {
            app.after(TimeDelta::minutes(10)).await;
            busy.get("/account/profile").await.shows(200, "Settings");
        }
        app.after(TimeDelta::minutes(10)).await;
        busy.get("/account/profile").await.goes_to("/account");

        let mut former = Browser::new(&app);
        password(&mut former, ADA, PASSWORD).await.goes_to("/account");
        accounts::set_password(&app.ctx, "ada", &"another password".into()).await.unwrap();
        former.get("/account/profile").await.goes_to("/account");
    }

    async fn a_completed_ticket_ends_all_sessions_but_the_one_that_confirmed(app: TestApp) {
        stage(&app).await;
        let agent = app.staff("grace", "agent").await;
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account");
        let first = app.asker(ADA).await;
        let pin = app.verified(&agent, &first).await;
        app.approve(&agent, &first).await;
        thief.get("/account/profile").await.shows(200, "Settings");
        let key = app.letter(ADA, "new key").await.key();
        let body = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&first.path("/activate"), &first.token, body).await.expect(200);
        thief.get("/account/profile").await.goes_to("/account");

        // Confirmed by signing in: that session goes on.
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut thief, &app.next_code(&key)).await.goes_to("/account");
        thief.get("/account/profile").await.shows(200, "Settings");
        let second = app.asker(ADA).await;
        app.called(&agent, &second).await;
        app.approve(&agent, &second).await;
        let key = app.letter(ADA, "new key").await.key();
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut ada, &app.next_code(&key)).await.shows(200, "");
        thief.get("/account/profile").await.goes_to("/account");
        ada.get("/account/profile").await.shows(200, "Settings");
    }

    async fn a_frozen_ticket_and_the_approval_of_a_theft_end_all_sessions(app: TestApp) {
        stage(&app).await;
        let agent = app.staff("grace", "agent").await;
        for how in ["theft", "stopped"] {
            let mut thief = Browser::new(&app);
            password(&mut thief, ADA, PASSWORD).await.goes_to("/account");
            let ada = app.ask(ADA, "stolen_device").await;
            let code = app.letter(ADA, "code to confirm").await.digits(6);
            app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
            app.called(&agent, &ada).await;
            thief.get("/account/profile").await.shows(200, "Settings");
            if how == "theft" {
                app.approve(&agent, &ada).await;
            } else {
                app.desk(&agent, &ada, "/freeze", json!({"reason": "strange"})).await.expect(200);
            }
            thief.get("/account/profile").await.goes_to("/account");
            if how == "theft" {
                app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
            }
        }
    }

    async fn signing_out_ends_the_session_and_not_only_the_cookie(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        turned_on(&app, &mut ada).await;
        let page = ada.get("/account").await.form("/account/sign-out");
        let mut copy = ada.clone();
        ada.send(&page, &[]).await.goes_to("/account");
        copy.get("/account").await.shows(200, "Sign in to");
    }

    async fn a_session_of_an_owner_is_none_of_the_staff(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let token = ada.cookie("__Host-rekey_account").to_owned();
        app.http.get("/api/v1/desk/tickets", &token).await.refused(401, "unauthenticated");
        let member = app.staff("grace", "admin").await;
        ada.set_cookie("__Host-rekey_account", &member.token);
        ada.get("/account").await.shows(200, "Sign in to");
    }
}
