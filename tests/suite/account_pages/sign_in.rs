//! Signing in: password, then code; and everybody who must not get in.

use chrono::TimeDelta;
use rekey::domain::actor::Roles;
use rekey::workflow::staff::NewMember;
use rekey::workflow::{accounts, staff};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{ADA, PASSWORD, code, password, stage, turned_on};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::log::{lines_with, listen};

on_both! {
    async fn a_password_is_one_in_whatever_form_a_keyboard_sends_it(app: TestApp) {
        stage(&app).await;
        let (composed, decomposed) = ("Zo\u{eb}-kestrel-71\u{e9}", "Zoe\u{308}-kestrel-71e\u{301}");
        for (set, typed) in [(composed, decomposed), (decomposed, composed), (decomposed, decomposed)] {
            accounts::set_password(&app.ctx, "ada", &set.into()).await.unwrap();
            password(&mut Browser::new(&app), ADA, typed).await.goes_to("/account");
            let email = format!("zoe{}{}@desk.example.com", set.len(), typed.len());
            let roles = Roles::parse("agent").unwrap();
            let new = NewMember { email: email.clone(), name: "Zoe".into(), roles, account: None, password: set.into() };
            let key = staff::add(&app.ctx, new).await.unwrap().secret.expose_secret().to_owned();
            let body = json!({"email": email, "password": typed, "code": app.next_code(&key)});
            app.http.post("/api/v1/desk/session", "", body).await.expect(201);
        }
        let refused = password(&mut Browser::new(&app), ADA, "Zoe-kestrel-71e").await;
        assert_eq!(refused.status, 401);
    }

    async fn the_password_is_enough_only_while_two_factor_is_off(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let answer = password(&mut ada, ADA, PASSWORD).await;
        answer.goes_to("/account");
        let cookie = answer.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap().to_owned());
        let cookie = cookie.into_iter().find(|one| one.starts_with("__Host-rekey_account=")).unwrap();
        for word in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        ada.get("/account").await.shows(200, "Welcome, Ada Lovelace");
        let (key, _) = turned_on_again(&app, &mut ada).await;

        let mut other = Browser::new(&app);
        password(&mut other, "ada", PASSWORD).await.goes_to("/account/code");
        for path in ["/account/profile", "/account/set-up", "/account/recovery-codes", "/account/browsers",
            "/account/ticket", "/account/check", "/account/finding", "/account/turn-off", "/account/new-phone"]
        {
            assert_eq!(other.get(path).await.location(), "/account", "{path}");
        }
        code(&mut other, &app.next_code(&key)).await.goes_to("/account");
        other.get("/account").await.shows(200, "Welcome");
    }

    async fn unknown_accounts_and_wrong_passwords_look_the_same(app: TestApp) {
        listen();
        stage(&app).await;
        app.account("grace@example.com").await;
        let mut answers = Vec::new();
        for (name, typed) in
            [(ADA, "wrong password"), ("nobody@example.com", PASSWORD), ("grace@example.com", PASSWORD)]
        {
            let mut browser = Browser::new(&app);
            let page = password(&mut browser, name, typed).await.shows(401, "do not fit together");
            assert!(page.headers.get_all("set-cookie").iter().all(|one| !one.to_str().unwrap().contains("account")));
            answers.push(page.without_token().replace(name, ""));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let host = app.host.clone();
        let ada = app.ctx.db.read(move |conn| rekey::db::accounts::find_by_email(conn, &host, ADA)).await;
        let ada = ada.unwrap().unwrap();
        let logged = lines_with(ada.id.as_str());
        assert_eq!(logged.iter().filter(|line| line.contains("password refused")).count(), 1, "{logged:?}");
    }

    async fn a_network_that_floods_is_turned_away_before_anything_is_hashed(app: TestApp) {
        let mut browser = Browser::new(&app);
        let page = browser.get("/account").await;
        let mut last = 0;
        for _ in 0..61 {
            let fields = [("account", "nobody"), ("password", "wrong password")];
            last = browser.send(&page.form("/account"), &fields).await.status;
        }
        assert_eq!(last, 429);
    }

    async fn wrong_codes_lock_and_the_password_alone_never_gets_in(app: TestApp) {
        stage(&app).await;
        let (key, _) = turned_on(&app, &mut Browser::new(&app)).await;
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account/code");
        for _ in 0..10 {
            code(&mut thief, "000000").await.shows(403, "Check your codes");
        }
        code(&mut thief, &app.next_code(&key)).await.shows(403, "Codes are refused for now");
        thief.get("/account").await.goes_to("/account/code");
        app.minute().await;
        app.minute().await;
        code(&mut thief, &app.next_code(&key)).await.goes_to("/account");
    }

    async fn a_used_code_and_a_code_of_nothing_are_refused(app: TestApp) {
        stage(&app).await;
        let (key, codes) = turned_on(&app, &mut Browser::new(&app)).await;
        let fresh = app.next_code(&key);
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut ada, "nonsense").await.shows(403, "Type the six digits");
        code(&mut ada, &fresh).await.goes_to("/account");
        let mut again = Browser::new(&app);
        password(&mut again, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut again, &fresh).await.shows(403, "used already");
        code(&mut again, &codes[0]).await.goes_to("/account");
        app.letter(ADA, "recovery code").await;
    }

    async fn whoever_was_stopped_stays_out(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, codes) = turned_on(&app, &mut ada).await;
        let stop = app.letter(ADA, "was turned on").await.token("rk_stop_");
        let page = ada.get(&format!("/stop/{stop}")).await;
        ada.send(&page, &[]).await.goes_to("/stopped");
        // The session that was there is worth nothing any more.
        ada.get("/account/profile").await.goes_to("/account");
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account/code");
        for typed in [app.next_code(&key), codes[0].clone()] {
            code(&mut thief, &typed).await.shows(403, "somebody stopped the account");
        }
    }

    async fn an_account_that_was_stopped_before_its_set_up_is_not_opened_by_the_password(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/profile").await;
        ada.send(&page.form("/account/turn-on"), &[]).await.goes_to("/account/set-up");
        let stop = app.letter(ADA, "was turned on").await.token("rk_stop_");
        let page = ada.get(&format!("/stop/{stop}")).await;
        ada.send(&page, &[]).await.goes_to("/stopped");
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account/code");
        thief.get("/account/profile").await.goes_to("/account");
    }

    async fn a_sent_key_goes_live_at_sign_in_only_soon_after_the_password(app: TestApp) {
        stage(&app).await;
        let mut long = Browser::new(&app);
        let (former, _) = turned_on(&app, &mut long).await;
        let agent = app.staff("grace", "agent").await;
        let asker = app.asker(ADA).await;
        app.called(&agent, &asker).await;
        app.approve(&agent, &asker).await;
        let key = app.letter(ADA, "new key").await.key();
        let mut half = Browser::new(&app);
        password(&mut half, ADA, PASSWORD).await.goes_to("/account/code");
        app.after(TimeDelta::minutes(6)).await;
        // Signed in altogether or with the password alone: either typed it too long ago.
        for browser in [&mut long, &mut half] {
            browser.get("/account/code").await.shows(200, "sign in again");
            code(browser, &app.next_code(&key)).await.shows(403, "typed more than five minutes ago");
        }
        code(&mut half, &app.next_code(&former)).await.goes_to("/account");
        let mut fresh = Browser::new(&app);
        password(&mut fresh, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut fresh, &app.next_code(&key)).await.shows(200, "Your new key is live");
    }

    async fn the_password_stands_a_quarter_of_an_hour_while_the_code_is_awaited(app: TestApp) {
        stage(&app).await;
        let (key, _) = turned_on(&app, &mut Browser::new(&app)).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account/code");
        let page = ada.get("/account/code").await.form("/account/code");
        app.after(TimeDelta::minutes(15)).await;
        ada.send(&page, &[("code", &app.next_code(&key))]).await.goes_to("/account");
        ada.get("/account").await.shows(200, "Sign in to");
    }
}

/// The same for a browser that is signed in already.
async fn turned_on_again(app: &TestApp, ada: &mut Browser) -> (String, Vec<String>) {
    let page = ada.get("/account/profile").await.form("/account/turn-on");
    ada.send(&page, &[]).await.goes_to("/account/set-up");
    let key = super::shown_key(ada).await;
    let page = ada.get("/account/set-up").await.form("/account/set-up");
    let page = ada.send(&page, &[("code", &app.next_code(&key))]).await.shows(200, "is on");
    (key, super::listed(&page))
}
