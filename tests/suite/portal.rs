//! The portal, as a browser sees it: forms with their tokens, cookies kept, redirects followed by hand.

use reqwest::Method;

use crate::support::actors::Member;
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};

/// Asks for help on the pages, up to the page that wants the mailbox code. Returns the reference.
async fn ask(browser: &mut Browser, account: &str, message: &str) -> String {
    let page = browser.get("/tickets/new").await.shows(200, "What is wrong?");
    let page = browser.send(&page, &[("problem", "lost_device")]).await.goes_to("/tickets/new/account");
    let page = browser.get(&page).await.shows(200, "Which account is it?");
    let page = browser.send(&page, &[("account", account)]).await.goes_to("/tickets/new/message");
    let page = browser.get(&page).await.shows(200, "anything else");
    let page = browser.send(&page, &[("message", message)]).await.shows(200, "Check your answers");
    let path = browser.send(&page.form("/tickets/new/send"), &[]).await.location();
    path.trim_start_matches("/tickets/").trim_end_matches("/code").to_owned()
}

/// The same, with the code typed: the request is in the queue.
pub async fn asked(app: &TestApp, browser: &mut Browser, message: &str) -> String {
    let reference = ask(browser, "ada@example.com", message).await;
    let page = browser.get(&format!("/tickets/{reference}/code")).await.shows(200, &reference);
    let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    browser.send(&page, &[("code", &spaced)]).await.goes_to(&format!("/tickets/{reference}"));
    reference
}

/// Verified by telephone and approved: the PIN, and the letter's key and token.
pub async fn key_sent(app: &TestApp, agent: &Member, reference: &str) -> (String, String, String) {
    let asker = crate::support::actors::Asker {
        email: "ada@example.com".to_owned(),
        reference: reference.to_owned(),
        token: String::new(),
    };
    let pin = app.verified(agent, &asker).await;
    app.approve(agent, &asker).await;
    let letter = app.letter("ada@example.com", "new key").await;
    (pin, letter.key(), letter.token("rk_act_"))
}

on_both! {
    async fn the_whole_road_is_walked_on_pages_without_scripts(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "My phone is gone.").await;
        let path = format!("/tickets/{reference}");
        ada.get(&path).await.shows(200, "number 1").shows(200, "My phone is gone.");

        let (pin, key, token) = key_sent(&app, &agent, &reference).await;
        ada.get(&path).await.shows(200, "Key sent: your turn");

        // The letter is read on another device: the link is pasted, as there are no scripts.
        let mut phone = Browser::new(&app);
        let page = phone.get("/activate").await.shows(200, "Make your new key live");
        let link = format!("https://rekey.example.com/activate#{token}");
        phone.send(&page, &[("link", &link)]).await.goes_to("/activate/key");
        let page = phone.get("/activate/key").await.shows(200, &reference);
        let code = app.next_code(&key);
        let page = phone.send(&page, &[("code", &code)]).await.shows(403, "Type the PIN");
        let done = phone.send(&page, &[("code", &code), ("pin", &pin)]).await.shows(200, "Your new key is live");
        assert_eq!(done.text.matches("data-line").count(), 10);

        // The codes were shown once; the used link is explained like an unknown one.
        phone.get("/activate/key").await.shows(404, "does not work");
        ada.get(&path).await.shows(200, "The new key went live");
        ada.get(&format!("{path}/activate")).await.goes_to(&path);
    }

    async fn the_person_and_the_agent_see_the_same_two_words_and_nobody_else_does(app: TestApp) {
        let words = |page: &str, before: &str, behind: &str| {
            let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
            rest.split(behind).next().unwrap().to_owned()
        };
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let mut ada = Browser::new(&app);
        let before = ask(&mut ada, "ada@example.com", "Gone.").await;
        let page = ada.get(&format!("/tickets/{before}")).await;
        assert!(!page.text.contains("If we call you"), "not before the code from the mailbox was typed");

        let mut ada = Browser::new(&app);
        app.letters().await;
        let reference = asked(&app, &mut ada, "Gone.").await;
        let page = ada.get(&format!("/tickets/{reference}")).await.shows(200, "If we call you");
        let hers = words(&page.text, "these two words first:<br><strong class=\"reference\">", "</strong>");
        assert_eq!(hers.split(' ').count(), 2, "{hers}");

        let mut desk = crate::desk::seat(&app, &agent).await;
        let path = format!("/desk/tickets/{reference}");
        assert!(!desk.get(&path).await.text.contains("Say first"), "not for those who may not see the account");
        let asker = crate::support::actors::Asker { email: String::new(), reference: reference.clone(), token: String::new() };
        app.desk(&agent, &asker, "/claim", serde_json::json!({})).await.expect(200);
        let page = desk.get(&path).await.shows(200, "Say first");
        assert_eq!(words(&page.text, "Say first: <b>", "</b>"), hers);
        ada.get(&format!("/tickets/{reference}")).await.shows(200, &hers);
    }

    async fn a_form_takes_its_own_fields_each_once(app: TestApp) {
        let mut ada = Browser::new(&app);
        let page = ada.get("/tickets").await;
        for fields in [&[("reference", "a"), ("reference", "b")][..], &[("reference", "a"), ("role", "admin")]] {
            ada.send(&page, fields).await.shows(422, "could not be understood");
        }
        ada.send(&page, &[]).await.shows(422, "Enter the reference");
        let long = "a".repeat(65 * 1024);
        ada.send(&page, &[("reference", &long)]).await.shows(413, "too much");
        let page = ada.get("/tickets/new").await;
        ada.send(&page, &[]).await.shows(422, "Choose what describes it best");
        ada.send(&page, &[("problem", "none")]).await.shows(422, "Error: What is wrong?");
    }

    async fn one_comes_back_from_another_device_with_a_new_code(app: TestApp) {
        app.account("ada@example.com").await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "").await;
        let mut tablet = Browser::new(&app);
        let page = tablet.get(&format!("/tickets/{reference}")).await.shows(404, &reference);
        let written = reference.replace('-', " ").to_lowercase();
        let path = tablet.send(&page, &[("reference", &written)]).await.location();
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        let page = tablet.get(&path).await.shows(200, "code from your mailbox");
        let path = tablet.send(&page, &[("code", &code)]).await.location();
        tablet.get(&path).await.shows(200, "Opened in another browser");
        tablet.get("/tickets").await.shows(200, &format!("href=\"{path}\""));
        ada.get(&path).await.shows(404, "Come back");
    }

    async fn looking_changes_nothing_and_pressing_the_button_stops_everything(app: TestApp) {
        app.account("ada@example.com").await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "").await;
        let letters = app.letters().await;
        let token = TestApp::letter_of(&letters, "ada@example.com", "was asked for").token("rk_stop_");
        let path = format!("/stop/{token}");

        let mut scanner = Browser::new(&app);
        let page = scanner.get(&path).await.shows(200, "This wasn’t me: stop everything");
        let other = scanner.get("/stop/rk_stop_unknown").await.shows(200, "This wasn’t me: stop everything");
        assert_eq!(page.without_token(), other.without_token());
        assert_eq!(scanner.request(Method::HEAD, &path).await.text, "");
        for path in ["/activate", "/vouch", "/stopped"] {
            scanner.request(Method::HEAD, path).await.shows(200, "");
        }
        ada.get(&format!("/tickets/{reference}")).await.shows(200, "Received");

        // Nothing but the link is needed; pressing twice is pressing once.
        for _ in 0..2 {
            scanner.send(&page, &[]).await.goes_to("/stopped");
        }
        ada.get(&format!("/tickets/{reference}")).await.shows(200, "Stopped").shows(200, "desk@example.com");
        scanner.send(&Page { path: "/stop/rk_stop_unknown".to_owned(), ..page }, &[]).await.shows(404, "does not work");
    }

    async fn codes_are_checked_and_the_finding_outlives_a_reload(app: TestApp) {
        app.account("ada@example.com").await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "").await;
        let page = ada.get(&format!("/tickets/{reference}/check")).await.shows(200, "Check your codes");
        ada.send(&page, &[("code", "12")]).await.shows(422, "Type the code that your app shows next");
        let fields = [("code", "123 456"), ("code_2", "654321")];
        let path = ada.send(&page, &fields).await.location();
        for _ in 0..2 {
            ada.get(&path).await.shows(200, "These codes do not fit");
        }
        app.after(chrono::TimeDelta::days(1)).await;
        ada.send(&page, &fields).await.shows(422, "Get a new one first").shows(422, "Get a new code");
        let prove = ada.get(&format!("/tickets/{reference}/prove")).await.shows(200, "Prove that it is you");
        ada.send(&prove, &[("recovery_code", "AAAA-BBBB-CCCC-DDDD")]).await.shows(403, "This is not right");
    }

    async fn one_answers_and_withdraws(app: TestApp) {
        app.account("ada@example.com").await;
        let mut ada = Browser::new(&app);
        let reference = asked(&app, &mut ada, "").await;
        let path = format!("/tickets/{reference}");
        let page = ada.get(&path).await;
        let reply = page.form(&format!("{path}/reply"));
        ada.send(&reply, &[("message", " ")]).await.shows(422, "Write your message first");
        ada.send(&reply, &[("message", "Here I am.")]).await.goes_to(&format!("{path}#happened"));
        ada.get(&path).await.shows(200, "Here I am.");
        let page = ada.get(&format!("{path}/withdraw")).await.shows(200, "Withdraw your request?");
        ada.send(&page, &[]).await.goes_to(&path);
        ada.get(&path).await.shows(200, "The request was withdrawn");
        ada.send(&page, &[]).await.goes_to(&path);
    }

    async fn a_manager_vouches_with_link_and_code(app: TestApp) {
        app.account("ada@example.com").await;
        app.after(chrono::TimeDelta::days(60)).await;
        let agent = app.staff("grace", "agent").await;
        let asker = app.asker("ada@example.com").await;
        app.desk(&agent, &asker, "/claim", serde_json::json!({})).await.expect(200);
        app.desk(&agent, &asker, "/vouch", serde_json::json!({})).await.expect(202);
        let letter = app.letter("charles@example.com", "vouch").await;
        let mut charles = Browser::new(&app);
        let page = charles.get("/vouch").await.shows(200, "Be sure first");
        charles.send(&page, &[("code", "12")]).await.shows(422, "Paste the whole link");
        let link = letter.token("rk_vch_");
        let page = charles.send(&page, &[("link", &link), ("code", "000000")]).await.shows(403, "not right");
        let code = letter.digits(6);
        charles.send(&page, &[("link", &link), ("code", &code)]).await.goes_to("/vouch/thanks");
        charles.send(&page, &[("link", &link), ("code", &code)]).await.goes_to("/vouch/thanks");
        let page = charles.get("/vouch").await;
        charles.send(&page, &[("link", &link), ("code", &code)]).await.shows(404, "does not work");
    }

    async fn every_page_carries_its_headers_and_cookies_are_locked_in(app: TestApp) {
        let mut ada = Browser::new(&app);
        for path in ["/", "/tickets", "/tickets/new", "/activate", "/vouch", "/stop/x", "/no-such-page"] {
            let page = ada.get(path).await;
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
            assert!(!page.header("content-security-policy").contains("unsafe"), "{path}");
            assert!(page.text.starts_with("<!DOCTYPE html>") && page.text.contains("<html lang=\"en\">"), "{path}");
            for forbidden in ["style=", "onclick", "javascript:", "data:", "http://"] {
                assert!(!page.text.contains(forbidden), "{path} {forbidden}");
            }
        }
        let cookie = Browser::new(&app).get("/tickets").await.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Host-rekey_form="), "{cookie}");
        for word in ["; HttpOnly", "; Secure", "; Path=/", "; SameSite=Lax"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        let page = ada.get("/").await;
        let style = page.text.split('"').find(|part| part.starts_with("/assets/rekey.")).unwrap();
        let style = ada.get(style).await;
        assert!(style.header("cache-control").contains("immutable") && style.status == 200);
        ada.get("/assets/rekey.css").await.shows(404, "nothing here");
        // Programs are still answered as programs.
        let problem = app.http.get("/no-such-page", "").await;
        assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"));
    }
}
