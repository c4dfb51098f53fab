//! The forms of the account pages.

use super::{acts, shown_once, twice};
use crate::account_pages::{ADA, PASSWORD, password, shown_key, stage, turned_on};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    async fn two_factor_authentication_is_turned_on_once_and_the_codes_are_shown_once(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/profile").await.form("/account/turn-on");
        assert_eq!(twice(&app, &mut ada, &page, &[]).await, "/account/set-up");
        let key = shown_key(&mut ada).await;
        let page = ada.get("/account/set-up").await.form("/account/set-up");
        ada.send(&page, &[("code", "000000")]).await.shows(403, "not right");
        let code = app.next_code(&key);
        let (first, second) = shown_once(&app, &mut ada, &page, &[("code", &code)]).await;
        let first = first.shows(200, "Two-factor authentication is on");
        let listed = first.text.split("<li data-line>").nth(1).unwrap().split('<').next().unwrap();
        assert!(!second.text.contains(listed));
    }

    async fn what_takes_a_code_is_done_once(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, codes) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes/saved");
        let typed = [("recovery_code", codes[3].as_str())];
        assert_eq!(twice(&app, &mut ada, &page, &typed).await, "/account/profile");
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes");
        let code = app.next_code(&key);
        let (_, second) = shown_once(&app, &mut ada, &page, &[("code", &code)]).await;
        second.shows(200, "Make ten new codes");
        let page = ada.get("/account/new-phone").await.form("/account/new-phone");
        let code = app.next_code(&key);
        assert_eq!(twice(&app, &mut ada, &page, &[("code", &code)]).await, "/account/set-up");
        let page = ada.get("/account/check").await.form("/account/check");
        let typed = [("code", "123456"), ("code_2", "654321")];
        assert_eq!(twice(&app, &mut ada, &page, &typed).await, "/account/finding");
        let page = ada.get("/account/turn-off").await.form("/account/turn-off");
        let before = acts(&app);
        for _ in 0..2 {
            ada.send(&page, &[("code", "000000")]).await.shows(403, "not right");
        }
        let counted = app.rows("SELECT CAST(failures AS TEXT) AS text FROM accounts");
        assert_eq!((counted, acts(&app) >= before), (vec!["2".to_owned()], true), "each wrong code counts");
        let code = app.next_code(&key);
        assert_eq!(twice(&app, &mut ada, &page, &[("code", &code)]).await, "/account/profile");
    }

    async fn a_ticket_is_created_once(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account/ticket").await.form("/account/ticket");
        let typed = [("problem", "not_set_up_correctly"), ("message", "Refused.")];
        let place = twice(&app, &mut ada, &page, &typed).await;
        ada.get(&place).await.shows(200, "Refused.");
        assert_eq!(app.rows("SELECT id AS text FROM tickets").len(), 1);
    }
}
