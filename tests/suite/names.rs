//! Names as people write them: one account whatever was typed, and never another one.

use serde_json::json;

use crate::support::app::TestApp;

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
