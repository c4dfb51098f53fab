//! The forms of people who cannot sign in.

use super::{acts, shown_once, twice};
use crate::portal::{asked, key_sent};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::totp::wrong_code;

const ADA: &str = "ada@example.com";

/// The last page before a request is sent.
pub async fn checked(ada: &mut Browser) -> Page {
    let page = ada.get("/tickets/new").await;
    let path = ada.send(&page, &[("problem", "lost_device")]).await.location();
    let page = ada.get(&path).await;
    let path = ada.send(&page, &[("account", ADA)]).await.location();
    let page = ada.get(&path).await;
    ada.send(&page, &[("message", "My phone is gone.")]).await.form("/tickets/new/send")
}

on_both! {
    async fn a_request_that_is_sent_twice_is_one(app: TestApp) {
        app.account(ADA).await;
        let mut ada = Browser::new(&app);
        let send = checked(&mut ada).await;
        let mut lost = ada.clone();
        let place = twice(&app, &mut ada, &send, &[]).await;
        // The first answer never came, nor did its cookies.
        assert_eq!(lost.send(&send, &[]).await.location(), place);
        assert_eq!(app.rows("SELECT id AS text FROM tickets").len(), 1);
        assert_eq!(app.rows("SELECT id AS text FROM letters").len(), 1, "one code");
        assert!(!lost.cookies().contains("rekey_ticket_"), "the token was handed out once");
        // They go on all the same.
        let page = lost.get(&place).await.shows(200, "code from your mailbox");
        let code = app.letter(ADA, "code to confirm").await.digits(6);
        let path = lost.send(&page, &[("code", &code)]).await.location();
        lost.get(&path).await.shows(200, "My phone is gone.");
    }

    async fn what_is_done_on_a_request_is_done_once(app: TestApp) {
        app.account(ADA).await;
        let mut ada = Browser::new(&app);
        let send = checked(&mut ada).await;
        let path = ada.send(&send, &[]).await.location();
        let page = ada.get(&path).await;
        let code = app.letter(ADA, "code to confirm").await.digits(6);
        for _ in 0..2 {
            ada.send(&page, &[("code", &wrong_code(&code))]).await.shows(403, "This code is not right");
        }
        let tries = app.rows("SELECT CAST(tries AS TEXT) AS text FROM challenges");
        assert_eq!(tries, ["2"], "one wrong code, sent twice, is two tries");
        let path = twice(&app, &mut ada, &page, &[("code", &code)]).await;
        let page = ada.get(&path).await.form(&format!("{path}/reply"));
        assert_eq!(twice(&app, &mut ada, &page, &[("message", "Here.")]).await, format!("{path}#happened"));
        // Another message is another one.
        ada.send(&page, &[("message", "And there.")]).await.goes_to(&format!("{path}#happened"));
        ada.get(&path).await.shows(200, "And there.");
        let page = ada.get(&format!("{path}/check")).await;
        let codes = [("code", "123456"), ("code_2", "654321")];
        assert_eq!(twice(&app, &mut ada, &page, &codes).await, format!("{path}/finding"));
        let page = ada.get("/tickets").await.form("/tickets");
        let reference = path.trim_start_matches("/tickets/");
        assert_eq!(twice(&app, &mut ada, &page, &[("reference", reference)]).await, format!("{path}/code"));
        let page = ada.get(&format!("{path}/withdraw")).await;
        assert_eq!(twice(&app, &mut ada, &page, &[]).await, path);
    }

    async fn a_saved_code_is_burnt_once_and_its_second_sending_is_no_failure(app: TestApp) {
        let (_, saved) = app.enrolled().await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "").await;
        let page = ada.get(&format!("/tickets/{reference}/prove")).await;
        let codes = [("recovery_code", saved[0].as_str())];
        assert_eq!(twice(&app, &mut ada, &page, &codes).await, format!("/tickets/{reference}"));
    }

    async fn a_key_is_activated_once_and_its_codes_are_shown_once(app: TestApp) {
        app.account(ADA).await;
        let agent = app.staff("grace", "agent").await;
        for by_email in [true, false] {
            let mut ada = Browser::new(&app);
            let reference = asked(&app, &mut ada, "").await;
            let (pin, key, token) = key_sent(&app, &agent, &reference).await;
            let page = if by_email {
                let page = ada.get("/activate").await;
                let path = ada.send(&page, &[("link", &token)]).await.location();
                ada.get(&path).await
            } else {
                ada.get(&format!("/tickets/{reference}/activate")).await
            };
            let code = app.next_code(&key);
            let mut lost = ada.clone();
            let typed = [("code", &*code), ("pin", &*pin)];
            let (first, second) = shown_once(&app, &mut ada, &page, &typed).await;
            let listed = first.text.split("<li data-line>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            for page in [second, { let place = lost.send(&page, &typed).await.location(); lost.get(&place).await }] {
                let page = page.shows(200, "make new ones");
                assert!(!page.text.contains(&listed), "{}", page.text);
            }
            app.letters().await;
        }
    }

    async fn a_manager_answers_once(app: TestApp) {
        app.account(ADA).await;
        app.after(chrono::TimeDelta::days(60)).await;
        let agent = app.staff("grace", "agent").await;
        let asker = app.asker(ADA).await;
        app.desk(&agent, &asker, "/claim", serde_json::json!({})).await.expect(200);
        app.desk(&agent, &asker, "/vouch", serde_json::json!({})).await.expect(202);
        let letter = app.letter("charles@example.com", "vouch").await;
        let mut charles = Browser::new(&app);
        let page = charles.get("/vouch").await;
        let (link, code) = (letter.token("rk_vch_"), letter.digits(6));
        let right = [("link", &*link), ("code", &*code)];
        assert_eq!(twice(&app, &mut charles, &page, &right).await, "/vouch/thanks");
        // The same from another page: the link is used up.
        let page = charles.get("/vouch").await;
        let before = acts(&app);
        charles.send(&page, &right).await.shows(404, "does not work");
        assert_eq!(acts(&app), before);
    }
}
