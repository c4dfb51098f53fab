//! Forms that another site sends with the cookies of somebody who is signed in here.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::account_pages;
use crate::desk;
use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::client::send;

/// What every refusal of a forged form says.
const FORGED: &str = "was not sent from a page of this site";

/// A stop link of nobody's: the form of a good one would stop the story.
const STOP: &str = "rk_stop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The route tables of all pages, as they are written.
const TABLES: [&str; 3] = [
    include_str!("../../../../src/http/desk/mod.rs"),
    include_str!("../../../../src/http/portal/mod.rs"),
    include_str!("../../../../src/http/account/mod.rs"),
];

/// Every path that the route tables of the pages name. A line that registers one and is not understood fails.
fn paths() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for table in TABLES {
        let constant = |name: &str| {
            let (_, rest) =
                table.split_once(&format!("const {name}: &str = \"")).unwrap_or_else(|| panic!("{name}"));
            rest.split('"').next().unwrap().to_owned()
        };
        for line in table.lines().filter(|line| line.contains("service(")) {
            let (_, call) = line.split_once("service(").unwrap();
            let (_, argument) = call.split_once('(').unwrap();
            let first = argument.trim_start_matches("&one(").trim_start();
            let path = match first.strip_prefix('"') {
                Some(rest) => rest.split('"').next().unwrap().to_owned(),
                None => constant(first.split(',').next().unwrap()),
            };
            let prefix = if argument.starts_with("&one(") { "/tickets/{reference}" } else { "" };
            all.insert(format!("{prefix}{path}"));
        }
    }
    all
}

/// Those of them that take a form, with what stands in braces filled in: the program itself says which they are.
pub async fn posted(app: &TestApp, ada: &Asker) -> Vec<String> {
    let mut all = Vec::new();
    for path in paths() {
        let path = path.replace("{reference}", &ada.reference).replace("{token}", STOP);
        let asked = send(app.http.request(Method::PATCH, &path.replace("{verb}", "release"))).await;
        asked.refused(405, "invalid");
        if !asked.header("allow").contains("POST") {
            continue;
        }
        // A path without the braces is itself, however often.
        let verbs = ["claim", "release", "ask", "reject", "close", "freeze", "flag"];
        all.extend(verbs.map(|verb| path.replace("{verb}", verb)));
        all.dedup();
    }
    all
}

/// One who is everything at once: at the desk, at the account pages, and holder of a ticket.
pub async fn signed_in(app: &TestApp) -> (Browser, Asker, String) {
    account_pages::stage(app).await;
    let agent = app.staff("grace", "agent,approver,admin").await;
    let ada = app.asker("ada@example.com").await;
    let mut browser = desk::seat(app, &agent).await;
    account_pages::password(&mut browser, "ada@example.com", account_pages::PASSWORD)
        .await
        .goes_to("/account");
    browser.set_cookie(&format!("__Host-rekey_ticket_{}", ada.reference), &ada.token);
    app.desk(&agent, &ada, "/claim", serde_json::json!({})).await.expect(200);
    (browser, ada, agent.token)
}

on_both! {
    /// A7: has another site send every form that there is, with the cookies of one who is signed in everywhere |
    /// 403 by Origin, by Sec-Fetch-Site and by the form's token; nothing is changed
    async fn a7_no_form_of_another_site_is_taken(app: TestApp) {
        let (mut victim, ada, session) = signed_in(&app).await;
        let paths = posted(&app, &ada).await;
        assert!(paths.len() >= 40, "{}", paths.len());
        let before = app.http.get(&ada.desk(""), &session).await.text;
        let own = victim.get("/tickets").await;
        let mut eve = Browser::new(&app);
        let of_eve = eve.get("/tickets").await;
        for path in &paths {
            let form = Page { path: path.clone(), hidden: Vec::new(), ..own.clone() };
            for headers in [
                &[("origin", "https://evil.example")][..],
                &[("origin", "null")],
                &[("origin", "https://rekey.example.com.evil.example")],
                &[("origin", "http://rekey.example.com")],
                &[("sec-fetch-site", "cross-site")],
                &[("sec-fetch-site", "same-site")],
                &[("sec-fetch-site", "none"), ("origin", "https://evil.example")],
                &[("sec-fetch-site", "cross-site"), ("origin", "https://rekey.example.com")],
            ] {
                let answer = victim.send_with(&form, &[], headers).await;
                assert!(answer.status == 403 && answer.text.contains(FORGED), "{path} {headers:?}: {}", answer.status);
            }
            for token in ["", "a.b", &of_eve.token, own.token.split('.').next().unwrap(), &format!("{}A", own.token)] {
                let form = Page { token: token.to_owned(), ..form.clone() };
                let answer = victim.send(&form, &[]).await;
                assert!(answer.status == 403 && answer.text.contains(FORGED), "{path} {token:?}: {}", answer.status);
            }
            // JSON, and the type that needs no leave of the browser.
            for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
                let plain = app.http.request(Method::POST, path).header("content-type", kind).body("{}");
                let answer = send(plain.header("origin", "https://evil.example")).await;
                assert!(matches!(answer.status, 401 | 403 | 415), "{path} {kind}: {}", answer.status);
            }
        }
        assert_eq!(app.http.get(&ada.desk(""), &session).await.text, before);
        victim.get("/account/profile").await.shows(200, "aria-checked=\"false\"");
        victim.get("/desk").await.shows(200, "grace");
        victim.get("/desk/keys").await.shows(200, "");
        // The same form from a page of ours is taken.
        let home = [("origin", "https://rekey.example.com"), ("sec-fetch-site", "same-origin")];
        let page = victim.get("/tickets").await;
        victim.send_with(&page, &[("reference", "RK-2222-3333")], &home).await.goes_to("/tickets/RK-2222-3333/code");
        for path in ["/account/turn-on", "/account/recovery-codes/saved"] {
            assert_eq!(victim.request(Method::GET, path).await.status, 303, "looking changes nothing");
        }
    }
}
