//! Two applications, and people and staff who deal with both.

use rekey::domain::account::Facts;
use rekey::domain::ids::ClientId;
use rekey::workflow::accounts;
use rekey::workflow::applications::Named;
use rekey::workflow::clients::{self, Scope};
use serde_json::{Value, json};

use crate::desk::seat;
use crate::support::actors::{Asker, facts};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::text;

const ADA: &str = "ada@example.com";

/// Another application.
async fn shop(app: &TestApp) -> ClientId {
    clients::add(&app.ctx, "Shop", &[Scope::Accounts], None).await.unwrap().id
}

/// Ada's account there has the same id and address as the one at the first application.
async fn both(app: &TestApp) -> ClientId {
    let shop = shop(app).await;
    app.account(ADA).await;
    accounts::put(&app.ctx, &shop, "ada", Facts { name: "Ada of Shop".into(), ..facts(ADA) }).await.unwrap();
    shop
}

/// A confirmed ticket for Ada's account at that application.
async fn asker_at(app: &TestApp, application: &str) -> Asker {
    let body = json!({"account": ADA, "application": application, "problem": "lost_device", "message": ""});
    let opened = app.http.post("/api/v1/tickets", "", body).await.expect(202);
    let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
    let code = app.letter(ADA, "code to confirm").await.digits(6);
    let asker = Asker { email: ADA.to_owned(), reference, token };
    app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
    asker
}

/// Answers the first question, and says which one follows.
async fn after_problem(browser: &mut Browser) -> String {
    let page = browser.get("/tickets/new").await.shows(200, "What is wrong?");
    browser.send(&page, &[("problem", "lost_device")]).await.location()
}

on_both! {
    async fn everybody_is_asked_which_application_where_two_are_set_up(app: TestApp) {
        app.account(ADA).await;
        let mut ada = Browser::new(&app);
        assert_eq!(after_problem(&mut ada).await, "/tickets/new/account", "one alone: no question");
        ada.get("/tickets/new/account").await.shows(200, "question 2 of 3");
        ada.get("/tickets/new/application").await.goes_to("/tickets/new/account");
        clients::add(&app.ctx, "Checks only", &[Scope::Codes], None).await.unwrap();
        assert_eq!(after_problem(&mut ada).await, "/tickets/new/account", "it has no accounts and puts none");

        let shop = shop(&app).await;
        // Whoever asks, and where the name fits one account alone too.
        for account in [ADA, "nobody@example.com"] {
            let mut browser = Browser::new(&app);
            assert_eq!(after_problem(&mut browser).await, "/tickets/new/application");
            browser.get("/tickets/new/account").await.goes_to("/tickets/new/application");
            let page = browser.get("/tickets/new/application").await.shows(200, "question 2 of 4");
            for wrong in ["", "Checks only", "Nowhere"] {
                browser.send(&page, &[("application", wrong)]).await.shows(422, "Choose the application");
            }
            browser.send(&page, &[("application", "Shop")]).await.goes_to("/tickets/new/account");
            let page = browser.get("/tickets/new/account").await.shows(200, "question 3 of 4");
            browser.send(&page, &[("account", account)]).await.goes_to("/tickets/new/message");
            let page = browser.get("/tickets/new/message").await.shows(200, "question 4 of 4");
            let page = browser.send(&page, &[("message", "Help.")]).await.shows(200, "<dd>Shop</dd>");
            browser.send(&page.form("/tickets/new/send"), &[]).await.location();
            assert!(app.letters().await.is_empty(), "{account} has no account there");
        }

        accounts::put(&app.ctx, &shop, "1", facts(ADA)).await.unwrap();
        let page = ada.get("/tickets/new/application").await.shows(200, "Shop");
        ada.send(&page, &[("application", "Shop")]).await.location();
        let page = ada.get("/tickets/new/account").await;
        ada.send(&page, &[("account", ADA)]).await.location();
        let page = ada.get("/tickets/new/message").await;
        let page = ada.send(&page, &[("message", "Help.")]).await.shows(200, "<dd>Shop</dd>");
        let path = ada.send(&page.form("/tickets/new/send"), &[]).await.location();
        let code = app.letter(ADA, "code to confirm").await.digits(6);
        let page = ada.get(&path).await;
        ada.send(&page, &[("code", &code)]).await.location();
        let agent = app.staff("grace", "approver").await;
        let listed = app.http.get("/api/v1/desk/tickets?queue=unassigned", &agent.token).await.expect(200);
        assert_eq!(listed["items"][0]["account"]["application"], "Shop");

        clients::disable(&app.ctx, "Shop").await.unwrap();
        assert_eq!(after_problem(&mut ada).await, "/tickets/new/account", "one alone again");
        // The account at the disabled one does not stand in the way of the other.
        app.ask(ADA, "lost_device").await;
        app.letter(ADA, "code to confirm").await;
    }

    async fn the_built_in_application_is_called_as_the_one_of_the_settings(app: TestApp) {
        app.account(ADA).await;
        let shop = shop(&app).await;
        accounts::put(&app.ctx, &shop, "1", facts(ADA)).await.unwrap();
        let page = {
            let mut browser = Browser::new(&app);
            after_problem(&mut browser).await;
            browser.get("/tickets/new/application").await
        };
        assert!(!page.text.contains("value=\"local\""), "it has no accounts");
        rekey::workflow::account_move::move_account(&app.ctx, Named { external_id: "1".into(), client: None }, "local").await.unwrap();
        let mut browser = Browser::new(&app);
        after_problem(&mut browser).await;
        let page = browser.get("/tickets/new/application").await.shows(200, "value=\"local\"");
        assert!(page.text.contains("<b>local</b>"), "the settings' name is another application's: {}", page.text);
        clients::disable(&app.ctx, "Example").await.unwrap();
        browser.get("/tickets/new/application").await.shows(200, "<b>Example</b>");
    }

    async fn the_sign_in_at_rekey_asks_too_and_takes_each_password_for_its_own_account(app: TestApp) {
        both(&app).await;
        for (client, password) in [("Example", "the first password"), ("Shop", "the other password")] {
            let named = Named { external_id: "ada".into(), client: Some(client.into()) };
            accounts::set_password(&app.ctx, named, &password.into()).await.unwrap();
        }
        let signs_in = async |application: &str, password: &str| {
            let mut browser = Browser::new(&app);
            let page = browser.get("/account").await.shows(200, "<option value=\"Shop\">");
            let typed = [("application", application), ("account", ADA), ("password", password)];
            browser.send(&page.form("/account"), &typed).await.status
        };
        assert_eq!(signs_in("Example", "the first password").await, 303);
        assert_eq!(signs_in("Shop", "the other password").await, 303);
        assert_eq!(signs_in("Shop", "the first password").await, 401);
        assert_eq!(signs_in("", "the first password").await, 401, "it fits two");
        assert_eq!(signs_in("Nowhere", "the first password").await, 401);
        // Who is guessed at there is locked there.
        for _ in 0..12 {
            signs_in("Shop", "wrong password").await;
        }
        assert_eq!(signs_in("Shop", "the other password").await, 429);
        assert_eq!(signs_in("Example", "the first password").await, 303);
    }

    async fn the_desk_finds_the_accounts_of_both_and_says_whose_each_is(app: TestApp) {
        app.account(ADA).await;
        let alone = app.asker(ADA).await;
        let agent = app.staff("grace", "approver").await;
        let seen = app.http.get(&alone.desk(""), &agent.token).await.expect(200);
        assert!(seen["account"].get("application").is_none(), "one alone: {seen}");
        app.http.post(&alone.path("/withdraw"), &alone.token, json!({})).await.expect(200);

        both(&app).await;
        let (first, second) = (asker_at(&app, "Example").await, asker_at(&app, "Shop").await);
        for words in [ADA, "ada"] {
            let found = app.http.get(&format!("/api/v1/desk/tickets?q={words}"), &agent.token).await.expect(200);
            let mut rows: Vec<(String, &str)> = found["items"].as_array().unwrap().iter()
                .map(|row| (text(row, "reference"), row["account"]["application"].as_str().unwrap())).collect();
            rows.sort_by_key(|row| row.1);
            let all = |of: &str| rows.iter().filter(|row| row.1 == of).map(|row| row.0.clone()).collect::<Vec<_>>();
            assert!(all("Example").contains(&first.reference), "{words}: {rows:?}");
            assert_eq!(all("Shop"), std::slice::from_ref(&second.reference), "{words}");
        }
        let mut browser = seat(&app, &agent).await;
        browser.get(&format!("/desk?q={ADA}")).await.shows(200, "Shop");
        browser.get(&format!("/desk/tickets/{}", second.reference)).await.shows(200, "<dt>Application</dt><dd>Shop</dd>");
    }

    async fn a_member_of_the_staff_owns_the_accounts_of_their_address_at_every_application(app: TestApp) {
        let email = "grace@desk.example.com";
        let shop = shop(&app).await;
        for client in [&app.host, &shop] {
            accounts::put(&app.ctx, client, "grace", facts(email)).await.unwrap();
        }
        let mut askers = Vec::new();
        for application in ["Example", "Shop"] {
            let body = json!({"account": email, "application": application, "problem": "other", "message": "x"});
            let opened = app.http.post("/api/v1/tickets", "", body).await.expect(202);
            let asker = Asker { email: email.into(), reference: text(&opened, "reference"), token: text(&opened, "token") };
            let code = app.letter(email, "code to confirm").await.digits(6);
            app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
            askers.push(asker);
        }
        // Both tickets were open when she was hired.
        let grace = app.staff("grace", "agent").await;
        let root = app.staff("root", "admin").await;
        for asker in &askers {
            app.desk(&grace, asker, "/claim", json!({})).await.refused(403, "forbidden");
            let seen: Value = app.http.get(&asker.desk(""), &root.token).await.expect(200);
            assert_eq!(seen["tier"], "privileged");
        }
    }
}
