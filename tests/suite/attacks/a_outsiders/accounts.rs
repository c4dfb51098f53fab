//! Which accounts are there, and how they are written.

use serde_json::json;

use super::prober::{CALLS, Prober, stage};
use super::seen::Seen;
use crate::names::LOOKALIKES;
use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::{send, text};

on_both! {
    /// A1: asks each public call about accounts that exist and accounts that do not | the same status, headers and
    /// bytes, after as many statements; the one letter goes to the address on file
    async fn a1_known_and_unknown_accounts_look_alike(app: TestApp) {
        stage(&app).await;
        let (mut known, mut unknown) = (Prober::new(&app, "ada"), Prober::new(&app, "eve"));
        // The first round opens the connections of the pool, which costs statements of its own.
        for round in 0..3 {
            for call in CALLS {
                app.ctx.db.statements().listen();
                let of_ada = known.call(call).await;
                let for_ada = app.ctx.db.statements().take();
                let of_nobody = unknown.call(call).await;
                assert_eq!(of_ada, of_nobody, "{call}");
                let costs = (for_ada.len(), app.ctx.db.statements().take().len());
                assert!(round == 0 || costs.0 == costs.1, "{call}: {costs:?}");
            }
        }
        let letters = app.letters().await;
        assert!(!letters.is_empty() && letters.iter().all(|letter| letter.to == "ada@example.com"));

        // On the pages too, from the first question to a wrong code.
        let mut walks = Vec::new();
        for account in ["ada@example.com", "eve@example.com"] {
            walks.push(walk(&app, account).await);
        }
        assert_eq!(walks[0], walks[1]);
    }

    /// A2: gives the account as a list, twice, with look-alike letters, with a header or a second address behind it |
    /// refused, or as unknown: no letter leaves but to the address on file
    async fn a2_no_spelling_sends_the_code_elsewhere(app: TestApp) {
        app.account("ada@example.com").await;
        for typed in LOOKALIKES {
            let body = json!({"account": typed, "problem": "lost_device", "message": ""});
            let asked = app.http.post("/api/v1/tickets", "", body).await;
            assert!(matches!(asked.status, 202 | 422), "{typed:?}: {}", asked.text);
            assert!(app.letters().await.is_empty(), "{typed:?}");
        }
        let raw = async |body: &str| {
            let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets");
            send(request.header("content-type", "application/json").body(body.to_owned())).await
        };
        for body in [
            r#"{"account":["ada@example.com","eve@evil.example"],"problem":"other","message":"x"}"#,
            r#"{"account":{"email":"ada@example.com"},"problem":"other","message":"x"}"#,
            r#"{"account":"ada@example.com","account":"eve@evil.example","problem":"other","message":"x"}"#,
            r#"{"account":"ada@example.com","email":"eve@evil.example","problem":"other","message":"x"}"#,
        ] {
            raw(body).await.refused(422, "invalid");
        }
        for typed in ["ada@example.com,eve@evil.example", "ada@example.com;eve@evil.example", "<ada@example.com>", "mailto:ada@example.com"] {
            let body = json!({"account": typed, "problem": "other", "message": "x"});
            let asked = app.http.post("/api/v1/tickets", "", body).await;
            assert!(matches!(asked.status, 202 | 422), "{typed:?}: {}", asked.text);
        }
        let mut eve = Browser::new(&app);
        let page = eve.get("/tickets/new").await;
        eve.send(&page, &[("problem", "lost_device")]).await.goes_to("/tickets/new/account");
        let page = eve.get("/tickets/new/account").await;
        for typed in [
            &[("account", "ada@example.com"), ("account", "eve@evil.example")][..],
            &[("account[]", "ada@example.com"), ("account[]", "eve@evil.example")],
            &[("account", "ada@example.com"), ("email", "eve@evil.example")],
        ] {
            eve.send(&page, typed).await.shows(422, "could not be understood");
        }
        assert!(app.letters().await.is_empty());
        app.ask("ADA@example.com", "lost_device").await;
        app.letter("ada@example.com", "code to confirm").await;
    }

    /// A4: sends other Host, X-Forwarded and Forwarded headers with the request for help | every link in every letter
    /// carries the configured public URL, and no word of the request is in them
    async fn a4_links_carry_the_configured_url_alone(app: TestApp) {
        app.account("ada@example.com").await;
        let body = json!({"account": "ada@example.com", "problem": "other", "message": "canary https://evil.example"});
        let forged = |method, path: &str| {
            let request = app.http.request(method, path).header("Host", "evil.example");
            let request = request.header("X-Forwarded-Host", "evil.example").header("X-Forwarded-Proto", "http");
            let request = request.header("X-Forwarded-For", "192.0.2.7").header("X-Original-URL", "https://evil.example/");
            request.header("Forwarded", "for=192.0.2.7;host=evil.example;proto=http")
        };
        let opened = send(forged(reqwest::Method::POST, "/api/v1/tickets").json(&body)).await.expect(202);
        let ada = Asker {
            email: "ada@example.com".to_owned(),
            reference: text(&opened, "reference"),
            token: text(&opened, "token"),
        };
        let mut letters = app.letters().await;
        let code = TestApp::letter_of(&letters, "ada@example.com", "code to confirm").digits(6);
        let confirm = forged(reqwest::Method::POST, &ada.path("/confirm")).bearer_auth(&ada.token);
        send(confirm.json(&json!({"code": code}))).await.expect(200);
        let agent = app.staff("grace", "agent").await;
        app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        letters.extend(app.letters().await);
        assert!(letters.len() >= 3 && letters.iter().any(|letter| letter.text.contains("rk_act_")));
        for letter in letters {
            assert!(!letter.raw.contains("canary") && !letter.raw.contains("evil.example"), "{}", letter.raw);
            for link in letter.text.split_whitespace().filter(|word| word.contains("://")) {
                assert!(link.starts_with("https://rekey.example.com/"), "{link}");
            }
        }
        for path in ["/", "/tickets", "/desk", "/account", "/activate", "/no-such-page", "/api/v1/openapi.json"] {
            let answer = send(forged(reqwest::Method::GET, path).header("accept", "text/html")).await;
            assert!(!answer.text.contains("evil.example") && !format!("{:?}", answer.headers).contains("evil"), "{path}");
        }
    }
}

/// Asks for help on the pages, types a wrong code, and comes back with the reference: every page that was seen.
async fn walk(app: &TestApp, account: &str) -> Vec<Seen> {
    let mut browser = Browser::new(app);
    let mut seen = Vec::new();
    let mut drawn = vec![account.to_owned(), account.replace('@', "&#64;")];
    let page = browser.get("/tickets/new").await;
    browser.send(&page, &[("problem", "lost_device")]).await.goes_to("/tickets/new/account");
    let page = browser.get("/tickets/new/account").await;
    browser.send(&page, &[("account", account)]).await.goes_to("/tickets/new/message");
    let page = browser.get("/tickets/new/message").await;
    let check = browser.send(&page, &[("message", "Help.")]).await.shows(200, "Check your answers");
    let sent = browser.send(&check.form("/tickets/new/send"), &[]).await;
    let path = sent.location();
    drawn.push(path.trim_start_matches("/tickets/").trim_end_matches("/code").to_owned());
    let drawn: Vec<&str> = drawn.iter().map(String::as_str).collect();
    seen.extend([Seen::page(&check, &drawn), Seen::page(&sent, &drawn)]);
    let page = browser.get(&path).await;
    seen.push(Seen::page(&page, &drawn));
    let wrong = browser.send(&page, &[("code", "000000")]).await.shows(403, "This code is not right");
    seen.push(Seen::page(&wrong, &drawn));
    let ticket = path.trim_end_matches("/code");
    for path in [
        ticket.to_owned(),
        format!("{ticket}/check"),
        format!("{ticket}/prove"),
        format!("{ticket}/activate"),
    ] {
        seen.push(Seen::page(&browser.get(&path).await, &drawn));
    }
    let mut elsewhere = Browser::new(app);
    let page = elsewhere.get("/tickets").await;
    let back = elsewhere.send(&page, &[("reference", drawn[2])]).await;
    seen.push(Seen::page(&back, &drawn));
    let page = elsewhere.get(&back.location()).await;
    seen.push(Seen::page(
        &elsewhere.send(&page, &[("code", "000000")]).await.shows(403, "not right"),
        &drawn,
    ));
    seen
}
