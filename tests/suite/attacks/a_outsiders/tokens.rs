//! Tokens that are guessed, cut, stretched and taken for others; references that are walked through.

use serde_json::json;

use super::seen::Seen;
use crate::account_pages;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

/// One token of every kind, all good.
struct Tokens {
    ada: Asker,
    agent: Member,
    /// `rk_act_…`, of the letter with the key.
    link: String,
    key: String,
    pin: String,
    stop: String,
    /// The manager's, and the code that goes with it.
    vouch: (String, String),
    owner: Browser,
}

const PREFIXES: [&str; 7] = ["rk_tkt_", "rk_act_", "rk_ses_", "rk_cli_", "rk_stop_", "rk_vch_", "rk_acc_"];

async fn all_kinds(app: &TestApp) -> Tokens {
    account_pages::stage(app).await;
    app.account_with(facts("bob@example.com")).await;
    let agent = app.staff("grace", "agent").await;
    let bob = app.asker("bob@example.com").await;
    app.desk(&agent, &bob, "/claim", json!({})).await.expect(200);
    app.desk(&agent, &bob, "/vouch", json!({})).await.expect(202);
    let asked = app.letter("charles@example.com", "vouch").await;
    let ada = app.asker("ada@example.com").await;
    let pin = app.verified(&agent, &ada).await;
    app.approve(&agent, &ada).await;
    let letter = app.letter("ada@example.com", "new key").await;
    let mut owner = Browser::new(app);
    account_pages::password(&mut owner, "ada@example.com", account_pages::PASSWORD).await.location();
    Tokens {
        ada,
        agent,
        link: letter.token("rk_act_"),
        key: letter.key(),
        pin,
        stop: letter.token("rk_stop_"),
        vouch: (asked.token("rk_vch_"), asked.digits(6)),
        owner,
    }
}

impl Tokens {
    fn all(&self, app: &TestApp) -> [String; 7] {
        [
            self.ada.token.clone(),
            self.link.clone(),
            self.agent.token.clone(),
            app.host_token.clone(),
            self.stop.clone(),
            self.vouch.0.clone(),
            self.owner.cookie("__Host-rekey_account").to_owned(),
        ]
    }

    /// Whether a token opens the door that is for its kind, the number of which is given.
    async fn is_refused(&self, app: &TestApp, door: usize, token: &str) -> bool {
        match door {
            0 => app.http.get(&self.ada.path(""), token).await.status == 404,
            1 => {
                let body = json!({"code": app.shown(&self.key), "pin": self.pin});
                app.http.post(&self.ada.path("/activate"), token, body).await.status == 404
            }
            2 => app.http.get("/api/v1/desk/tickets", token).await.status == 401,
            3 => app.http.get("/api/v1/accounts/ada", token).await.status == 401,
            4 => app.http.post("/api/v1/stop", "", json!({"token": token})).await.status == 404,
            5 => {
                let body = json!({"token": token, "code": self.vouch.1});
                app.http.post("/api/v1/vouch", "", body).await.status == 404
            }
            _ => {
                let mut browser = Browser::new(app);
                browser.set_cookie("__Host-rekey_account", token);
                let page = browser.get("/account/profile").await;
                page.status == 303 && page.header("location") == "/account"
            }
        }
    }
}

/// What is made of a good token by one who does not have it whole.
fn spoilt(good: &str) -> Vec<String> {
    // The first: further letters may spell the same.
    let body = &good[good.find("rk_").unwrap() + 3..].split_once('_').unwrap().1;
    let (all_but_one, last) = good.split_at(good.len() - 1);
    let mut spoilt = vec![
        all_but_one.to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        format!("{good}{good}"),
        format!("{good},{good}"),
        format!("x{good}"),
        good.to_uppercase(),
        (*body).to_owned(),
        good.replace(body, ""),
        good.replace(body, &"A".repeat(43)),
        good.replace(body, "' OR 1=1 --"),
        good.replace(body, &body.chars().rev().collect::<String>()),
    ];
    // Of the last character only some bits count: another one with the same bits is another token.
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    spoilt.extend(alphabet.filter(|one| !last.starts_with(*one)).map(|one| format!("{all_but_one}{one}")));
    spoilt.extend(PREFIXES.iter().map(|prefix| format!("{prefix}{body}")).filter(|other| other != good));
    spoilt.retain(|one| one != good);
    spoilt
}

on_both! {
    /// A3: guesses tokens of every kind; cuts them, stretches them, and shows each at the doors of the others |
    /// refused as unknown; the owner's own tokens still work
    async fn a3_only_the_whole_token_at_its_own_door(app: TestApp) {
        let tokens = all_kinds(&app).await;
        for (door, good) in tokens.all(&app).iter().enumerate() {
            for bad in spoilt(good) {
                assert!(tokens.is_refused(&app, door, &bad).await, "{bad} instead of {good}");
            }
        }
        for (kind, token) in tokens.all(&app).iter().enumerate() {
            for door in 0..PREFIXES.len() {
                // A requester's own token activates too.
                if door != kind && (door, kind) != (1, 0) {
                    assert!(tokens.is_refused(&app, door, token).await, "{token} at door {door}");
                }
            }
        }
        for door in [0, 2, 3, 6] {
            assert!(!tokens.is_refused(&app, door, &tokens.all(&app)[door]).await, "door {door}");
        }
        let body = json!({"token": tokens.vouch.0, "code": tokens.vouch.1});
        app.http.post("/api/v1/vouch", "", body).await.expect(200);
        let body = json!({"code": app.next_code(&tokens.key), "pin": tokens.pin});
        app.http.post(&tokens.ada.path("/activate"), &tokens.link, body).await.expect(200);
        app.http.post("/api/v1/stop", "", json!({"token": tokens.stop})).await.expect(200);
    }

    /// A5: walks through references, and asks for other people's tickets with a token of their own | 404 with the same
    /// bytes as for references that do not exist, in the API and on the pages
    async fn a5_references_and_other_tickets_are_as_unknown(app: TestApp) {
        app.account("ada@example.com").await;
        app.account("eve@example.com").await;
        let (ada, eve) = (app.asker("ada@example.com").await, app.asker("eve@example.com").await);
        let nobody = Asker { reference: "RK-2222-3333".to_owned(), ..ada.clone() };
        for call in ["/confirm", "/diagnose", "/reply", "/withdraw", "/prove", "/activate"] {
            let body = match call {
                "/diagnose" => json!({"codes": ["123456", "654321"]}),
                "/reply" => json!({"message": "It is me."}),
                "/withdraw" => json!({}),
                "/prove" => json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"}),
                _ => json!({"code": "123456"}),
            };
            let of_ada = app.http.post(&ada.path(call), &eve.token, body.clone()).await;
            of_ada.refused(404, "not_found");
            let of_nobody = app.http.post(&nobody.path(call), &eve.token, body).await;
            assert_eq!(Seen::of(&of_ada, &[]), Seen::of(&of_nobody, &[]), "{call}");
        }
        let of_ada = app.http.get(&ada.path(""), &eve.token).await;
        of_ada.refused(404, "not_found");
        assert_eq!(Seen::of(&of_ada, &[]), Seen::of(&app.http.get(&nobody.path(""), &eve.token).await, &[]));
        // Without a token there is a single answer to a code, and a single one to who wants to come back.
        for (call, body) in [("/confirm", json!({"code": "000000"})), ("/return", json!({}))] {
            let of_ada = app.http.post(&ada.path(call), "", body.clone()).await;
            let of_nobody = app.http.post(&nobody.path(call), "", body).await;
            assert_eq!(Seen::of(&of_ada, &[]), Seen::of(&of_nobody, &[]), "{call}");
        }
        // In the middle of a name there is no other ticket, however it is written.
        for written in [format!("../{}", ada.reference), format!("{}%2f..", ada.reference), ada.reference.to_lowercase()] {
            let path = format!("/api/v1/tickets/{written}");
            assert_eq!(app.http.get(&path, &eve.token).await.status, 404, "{path}");
        }
        let mut browser = Browser::new(&app);
        browser.get("/tickets").await;
        for call in ["", "/code", "/check", "/finding", "/prove", "/withdraw", "/activate"] {
            let of_ada = browser.get(&format!("/tickets/{}{call}", ada.reference)).await;
            let of_nobody = browser.get(&format!("/tickets/{}{call}", nobody.reference)).await;
            assert!(of_ada.status == 404 || call == "/code", "{call}: {}", of_ada.status);
            let drawn = |one: &Asker| vec![one.reference.clone()];
            let (of_ada, of_nobody) = (
                Seen::page(&of_ada, &drawn(&ada).iter().map(String::as_str).collect::<Vec<_>>()),
                Seen::page(&of_nobody, &drawn(&nobody).iter().map(String::as_str).collect::<Vec<_>>()),
            );
            assert_eq!(of_ada, of_nobody, "{call}");
        }
        app.http.get(&ada.path(""), &ada.token).await.expect(200);
    }
}
