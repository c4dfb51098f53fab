//! Letters that are deleted, redirected and opened by machines.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::text;
use crate::support::letters::Letter;

fn signals(seen: &Value) -> Vec<String> {
    let all = seen["risks"].as_array().unwrap();
    all.iter().map(|one| one["signal"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    /// B4: deletes every notice in the mailbox | the other addresses on file are told of the request, the key's end and
    /// the new authenticator, and can stop it
    async fn b4_other_addresses_are_told(app: TestApp) {
        let with_another = Facts { other_emails: vec!["ada@home.example".to_owned()], ..facts("ada@example.com") };
        app.account_with(with_another).await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        let mut letters = app.letters().await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let sent = app.letters().await;
        let key = TestApp::letter_of(&sent, "ada@example.com", "new key").key();
        letters.extend(sent);
        let body = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &ada.token, body).await.expect(200);
        letters.extend(app.letters().await);
        for words in ["was asked for", "is live"] {
            TestApp::letter_of(&letters, "ada@home.example", words);
        }
        // Key and codes go to the one address alone.
        let home: Vec<_> = letters.iter().filter(|letter| letter.to == "ada@home.example").collect();
        assert!(home.iter().all(|letter| !letter.raw.contains(&key) && !letter.text.contains("rk_act_") && !letter.text.contains(&code)));
        // After completion too, the other address stops it.
        let stop = TestApp::letter_of(&letters, "ada@home.example", "is live").token("rk_stop_");
        app.http.post("/api/v1/stop", "", json!({"token": stop})).await.expect(200);
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "frozen");
        let said = app.verdict(json!({"code": app.next_code(&key), "first_factor": "password"})).await;
        assert_ne!(said, "accepted");
        assert_eq!(app.state().await, "on");
    }

    /// B5: has the address on file changed first, then files a ticket | the tier is raised for 30 days, and the former
    /// address is told
    async fn b5_a_new_address_raises_the_tier_and_tells_the_former(app: TestApp) {
        app.account("ada@example.com").await;
        app.after(TimeDelta::days(60)).await;
        app.account("ada@evil.example").await;
        app.after(TimeDelta::days(29)).await;
        let ada = app.ask("ada@evil.example", "lost_device").await;
        let code = app.letter("ada@evil.example", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        let letters = app.letters().await;
        let stop = TestApp::letter_of(&letters, "ada@example.com", "was asked for").token("rk_stop_");
        let agent = app.staff("grace", "agent").await;
        let seen = app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        assert_eq!(seen["tier"], "privileged");
        assert!(signals(&seen).contains(&"address_changed".to_owned()), "{seen}");
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        app.step_up(&agent).await;
        let approval = json!({"account": ada.email, "reason": "sure"});
        app.desk(&agent, &ada, "/approve", approval).await.refused(403, "policy_not_met");
        app.http.post("/api/v1/stop", "", json!({"token": stop})).await.expect(200);
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "frozen");
        let admin = app.staff("root", "admin").await;
        app.step_up(&admin).await;
        app.desk(&admin, &ada, "/close", json!({"reason": "not_me"})).await.expect(200);

        // A month after the change, and a week after the trouble, it is an account as any other.
        app.after(TimeDelta::days(8)).await;
        let ada = app.asker("ada@evil.example").await;
        let agent = app.staff("alan", "agent").await;
        let seen = app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        assert_eq!(seen["tier"], "standard", "{seen}");
    }

    /// B6: a mail scanner opens every link of every letter with GET and HEAD, follows it, and sends the forms that a
    /// script would send by itself | nothing is used up, nothing is frozen; the person's click works
    async fn b6_scanners_use_nothing_up(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let mut letters = app.letters().await;
        scan(&app, &letters).await;
        let code = TestApp::letter_of(&letters, "ada@example.com", "code to confirm").digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &ada, "/vouch", json!({})).await.expect(202);
        letters = app.letters().await;
        scan(&app, &letters).await;
        let asked = TestApp::letter_of(&letters, "charles@example.com", "vouch");
        let vouch = json!({"token": asked.token("rk_vch_"), "code": asked.digits(6)});
        app.http.post("/api/v1/vouch", "", vouch).await.expect(200);
        let pin = text(&app.desk(&agent, &ada, "/pin", json!({})).await.expect(200), "pin");
        app.approve(&agent, &ada).await;
        letters = app.letters().await;
        scan(&app, &letters).await;
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "key_sent");

        let letter = TestApp::letter_of(&letters, "ada@example.com", "new key");
        let link = format!("https://rekey.example.com/activate#{}", letter.token("rk_act_"));
        let mut person = Browser::new(&app);
        let page = person.get("/activate").await;
        person.send(&page, &[("link", &link)]).await.goes_to("/activate/key");
        let page = person.get("/activate/key").await;
        let code = app.next_code(&letter.key());
        person.send(&page, &[("code", &code), ("pin", &pin)]).await.shows(200, "Your new key is live");
        letters = app.letters().await;
        scan(&app, &letters).await;
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "completed");
        let stop = TestApp::letter_of(&letters, "ada@example.com", "is live").token("rk_stop_");
        let page = person.get(&format!("/stop/{stop}")).await;
        person.send(&page, &[]).await.goes_to("/stopped");
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "frozen");
    }
}

/// Opens what a scanner opens. Scripts of ours put a link's token into the form; they send none.
async fn scan(app: &TestApp, letters: &[Letter]) {
    let mut links = 0;
    for letter in letters {
        for link in
            letter.text.split_whitespace().filter_map(|word| word.strip_prefix("https://rekey.example.com"))
        {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            for method in [Method::HEAD, Method::GET, Method::OPTIONS] {
                let mut scanner = Browser::new(app);
                let page = scanner.request(method.clone(), path).await;
                assert!(page.status < 500, "{method} {path}: {}", page.status);
                let next = page.header("location").to_owned();
                if !next.is_empty() {
                    scanner.request(method, &next).await;
                }
            }
            if path == "/activate" && !fragment.is_empty() {
                let mut scanner = Browser::new(app);
                let page = scanner.get(path).await;
                scanner.send(&page, &[("link", fragment)]).await.goes_to("/activate/key");
                scanner.get("/activate/key").await.shows(200, "");
            }
            links += 1;
        }
    }
    assert!(links >= letters.len(), "a letter without a link");
}
