//! Settings, Profile: turned on, moved, turned off.

use super::{ADA, PASSWORD, code, listed, password, shown_key, stage, turned_on};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    async fn the_toggle_sends_the_notice_shows_the_key_and_a_code_makes_it_live(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/profile").await.form("/account/turn-on");
        ada.send(&page, &[]).await.goes_to("/account/set-up");
        app.letter(ADA, "was turned on").await;
        // A second press makes another key, and no second letter.
        ada.send(&page, &[]).await.goes_to("/account/set-up");
        assert!(app.letters().await.is_empty());

        let key = shown_key(&mut ada).await;
        let page = ada.get("/account/set-up").await.shows(200, "<svg").shows(200, "Enter a setup key");
        assert!(page.text.contains(&format!("secret={key}")), "the link is that of the key");
        let page = page.form("/account/set-up");
        ada.send(&page, &[("code", "000000")]).await.shows(403, "Check your codes");
        ada.get("/account/profile").await.shows(200, "Not finished");
        let page = ada.send(&page, &[("code", &app.next_code(&key))]).await;
        assert_eq!(listed(&page).len(), 10);
        assert!(app.letters().await.is_empty(), "the notice has left already");
        ada.get("/account/profile").await.shows(200, "aria-checked=\"true\"");
        ada.get("/account/set-up").await.goes_to("/account/profile");
    }

    async fn the_steps_follow_the_app_that_was_chosen(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/profile").await.form("/account/turn-on");
        ada.send(&page, &[]).await.goes_to("/account/set-up");
        ada.get("/account/set-up?app=bitwarden").await.shows(200, "Enter key manually").shows(200, "Add code");
        ada.get("/account/set-up?app=%3Cscript%3E").await.shows(200, "Download <b>Google Authenticator</b>");
        assert_eq!(ada.get("/account/set-up?secret=x").await.status, 422);
    }

    async fn a_new_phone_takes_a_code_and_the_old_one_works_until_the_new_one_is_proven(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (old, _) = turned_on(&app, &mut ada).await;
        app.letters().await;
        let page = ada.get("/account/new-phone").await.form("/account/new-phone");
        ada.send(&page, &[("code", "000000")]).await.shows(403, "not right");
        ada.send(&page, &[("code", &app.next_code(&old))]).await.goes_to("/account/set-up");
        let new = shown_key(&mut ada).await;
        assert_ne!(old, new);

        let mut other = Browser::new(&app);
        password(&mut other, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut other, &app.next_code(&new)).await.shows(403, "not right");
        code(&mut other, &app.next_code(&old)).await.goes_to("/account");

        let page = ada.get("/account/set-up").await.form("/account/set-up");
        ada.send(&page, &[("code", &app.next_code(&new))]).await.shows(200, "is on");
        app.letter(ADA, "was turned on").await;
        let mut third = Browser::new(&app);
        password(&mut third, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut third, &app.next_code(&old)).await.shows(403, "not right");
        code(&mut third, &app.next_code(&new)).await.goes_to("/account");
    }

    async fn turning_off_takes_a_code(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, codes) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/turn-off").await.form("/account/turn-off");
        ada.send(&page, &[("code", "")]).await.shows(403, "Type the six digits");
        ada.send(&page, &[("code", &codes[0])]).await.shows(403, "Type the six digits");
        ada.send(&page, &[("code", &app.next_code(&key))]).await.goes_to("/account/profile");
        ada.get("/account/profile").await.shows(200, "aria-checked=\"false\"");
        app.letter(ADA, "turned off").await;
        password(&mut Browser::new(&app), ADA, PASSWORD).await.goes_to("/account");
    }

    async fn whoever_had_only_the_password_is_out_once_it_is_on(app: TestApp) {
        stage(&app).await;
        let mut thief = Browser::new(&app);
        password(&mut thief, ADA, PASSWORD).await.goes_to("/account");
        turned_on(&app, &mut Browser::new(&app)).await;
        thief.get("/account/profile").await.goes_to("/account");
        thief.get("/account").await.goes_to("/account/code");
    }
}
