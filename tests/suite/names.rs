//! Names as people write them: one account whatever was typed, and never another one.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::totp::wrong_code;

const SPELLINGS: [&str; 5] =
    ["ada@example.com", "  ada@EXAMPLE.COM ", "Ada@Example.Com", "\tADA@example.com\n", "ada"];

/// Each looks like Ada's address or name, or is made to be taken for it.
pub const LOOKALIKES: [&str; 14] = [
    "ada\0",
    "ada@example.com\0",
    "\u{430}da@example.com",
    "ada@ex\u{430}mple.com",
    "ada@example.com\u{200b}",
    "\u{202e}ada@example.com",
    "\u{ff41}da@example.com",
    "ada@example.com.",
    "ada+1@example.com",
    "a.da@example.com",
    "ada@example.com,eve@example.org",
    "ada@example.com\r\nBcc: eve@example.org",
    "ada@example.com@evil.example",
    "\u{430}da",
];

on_both! {
    async fn whatever_spelling_is_typed_the_account_is_found(app: TestApp) {
        app.account("ada@example.com").await;
        for spelling in SPELLINGS {
            let ada = app.ask(spelling, "lost_device").await;
            let letter = app.letter("ada@example.com", "code to confirm").await;
            let code = json!({"code": letter.digits(6)});
            app.http.post(&ada.path("/confirm"), &ada.token, code).await.expect(200);
            app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
            app.after(chrono::TimeDelta::days(1)).await;
            app.letters().await;
        }
    }

    async fn another_spelling_is_no_other_counter(app: TestApp) {
        app.account("ada@example.com").await;
        let mut letters = 0;
        for spelling in SPELLINGS.iter().chain(&SPELLINGS) {
            app.ask(spelling, "lost_device").await;
            letters += app.letters().await.iter().filter(|one| one.subject.contains("code to confirm")).count();
        }
        assert_eq!(letters, 3, "a day and address");

        let (key, _) = app.enrolled().await;
        let wrong = wrong_code(&app.next_code(&key));
        let (first, last) = wrong.split_at(3);
        for round in 0..10 {
            let typed = [wrong.clone(), format!(" {first} {last} "), format!("{first}-{last}")];
            let path = ["/api/v1/accounts/ada", "/api/v1/accounts/%61da", "/api/v1/accounts/%61%64%61"][round % 3];
            let code = json!({"code": if round % 2 == 0 { &typed[0] } else { &typed[1] }});
            let verdict = app.http.post(&format!("{path}/codes/verify"), &app.host_token, code).await.expect(200);
            assert_eq!(verdict["reason"], "wrong", "{round}: {path}");
        }
        assert_eq!(app.verdict(json!({"code": app.shown(&key)})).await, "locked");
        // Paths are compared as they are written, once unescaped.
        for other in ["ADA", "ada%20", "%C3%A4da", "ada%00"] {
            let path = format!("/api/v1/accounts/{other}/codes/verify");
            let reply = app.http.post(&path, &app.host_token, json!({"code": wrong})).await;
            reply.refused(404, "not_found");
        }
    }

    async fn one_code_in_two_spellings_is_accepted_once(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let code = app.next_code(&key);
        let (first, last) = code.split_at(3);
        assert_eq!(app.verdict(json!({"code": format!(" {first} {last}")})).await, "accepted");
        assert_eq!(app.verdict(json!({"code": code})).await, "used");
        let wide: String = code.chars().map(|one| char::from_u32(u32::from(one) + 0xfee0).unwrap()).collect();
        app.host_posts("/codes/verify", json!({"code": wide})).await.refused(422, "invalid");
    }

    async fn an_account_with_a_lookalike_address_is_another_or_none(app: TestApp) {
        app.account("ada@example.com").await;
        for (at, typed) in LOOKALIKES.iter().enumerate() {
            let facts = json!({"email": typed, "name": "Eve"});
            let put = app.http.put(&format!("/api/v1/accounts/eve-{at}"), &app.host_token, facts).await;
            if put.status == 422 {
                continue;
            }
            let stored = put.expect(201)["email"].as_str().unwrap().to_owned();
            assert_ne!(stored, "ada@example.com", "{typed:?}");
            app.ask(typed, "lost_device").await;
            assert!(app.letters().await.iter().all(|letter| letter.to == stored), "{typed:?}");
        }
        app.ask("ada@example.com", "lost_device").await;
        app.letter("ada@example.com", "code to confirm").await;
        for same in ["ADA@example.com", " ada@EXAMPLE.com"] {
            let facts = json!({"email": same, "name": "Eve"});
            app.http.put("/api/v1/accounts/eve", &app.host_token, facts).await.refused(409, "conflict");
        }
    }
}
