//! What hosts call: accounts, setting two-factor authentication up, and codes at sign-in.

use std::time::Duration;

use chrono::TimeDelta;
use rekey::workflow::clients::{self, Scope};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::{send, text};
use crate::support::host::ADA;
use crate::support::totp::wrong_code;

/// A ticket of Ada's, up to the letter with the key.
async fn sent_key(app: &TestApp, with_pin: bool) -> String {
    let agent = app.staff("grace", "agent").await;
    let ada = app.asker("ada@example.com").await;
    if with_pin {
        app.verified(&agent, &ada).await;
    } else {
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
    }
    app.approve(&agent, &ada).await;
    app.letter("ada@example.com", "new key").await.key()
}

on_both! {
    async fn a_wrong_code_costs_no_more_than_a_right_one(app: TestApp) {
        let (key, _) = app.enrolled().await;
        // The first one opens the connections of the pool.
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
        app.ctx.db.statements().listen();
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
        let right = app.ctx.db.statements().take().len();
        assert_eq!(app.verdict(json!({"code": "000000"})).await, "wrong");
        let wrong = app.ctx.db.statements().take().len();
        assert!(wrong <= right, "{wrong} statements against {right}");
    }

    async fn an_account_is_put_read_and_removed(app: TestApp) {
        let body = json!({"email": "ada@example.com", "name": "Ada", "other_emails": ["ada@home.example"]});
        let account = app.http.put(ADA, &app.host_token, body.clone()).await.expect(201);
        assert_eq!(
            account,
            json!({
                "external_id": "ada", "email": "ada@example.com", "name": "Ada", "phone": null,
                "other_emails": ["ada@home.example"], "manager_email": null, "tier": "standard",
                "locale": null, "two_factor": {"state": "off"},
            })
        );
        assert_eq!(app.http.put(ADA, &app.host_token, body.clone()).await.expect(200), account);
        assert_eq!(app.http.get(ADA, &app.host_token).await.expect(200), account);
        let same_address = app.http.put("/api/v1/accounts/eve", &app.host_token, body).await;
        same_address.refused(409, "conflict");
        app.http.delete(ADA, &app.host_token).await.expect(204);
        app.http.get(ADA, &app.host_token).await.refused(404, "not_found");
        app.http.delete(ADA, &app.host_token).await.refused(404, "not_found");
    }

    async fn an_id_may_hold_what_paths_may_not(app: TestApp) {
        let path = "/api/v1/accounts/a%2Fb%25%3Fc";
        let body = json!({"email": "ada@example.com", "name": "Ada"});
        let put = app.http.put(path, &app.host_token, body).await.expect(201);
        assert_eq!(put["external_id"], "a/b%?c");
        app.http.post(&format!("{path}/authenticator"), &app.host_token, json!({})).await.expect(201);
    }

    async fn two_factor_authentication_is_set_up_replaced_and_turned_off(app: TestApp) {
        app.account("ada@example.com").await;
        assert_eq!(app.state().await, "off");
        assert_eq!(app.verdict(json!({"code": "123456"})).await, "off");
        let request = app.http.request(Method::POST, &format!("{ADA}/authenticator"));
        let begun = send(request.bearer_auth(&app.host_token)).await.expect(201);
        let key = text(&begun, "secret");
        assert!(text(&begun, "otpauth_uri").starts_with(&format!("otpauth://totp/Example:ada?secret={key}&")));
        assert!(text(&begun, "qr_svg").starts_with("<svg "));
        assert_eq!(app.state().await, "pending");

        let wrong = json!({"code": wrong_code(&app.shown(&key))});
        app.host_posts("/authenticator/confirm", wrong.clone()).await.refused(403, "wrong_code");
        let right = json!({"code": app.next_code(&key)});
        let confirmed = app.host_posts("/authenticator/confirm", right.clone()).await.expect(200);
        assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
        assert_eq!(app.state().await, "on");
        app.host_posts("/authenticator/confirm", right).await.refused(404, "not_found");

        app.host_posts("/authenticator", json!({})).await.refused(403, "proof_required");
        app.host_posts("/authenticator", wrong).await.refused(403, "wrong_code");
        let again = json!({"code": app.next_code(&key)});
        let new = text(&app.host_posts("/authenticator", again).await.expect(201), "secret");
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
        let right = json!({"code": app.next_code(&new)});
        app.host_posts("/authenticator/confirm", right).await.expect(200);
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "wrong");

        app.http.delete(&format!("{ADA}/authenticator"), &app.host_token).await.refused(403, "proof_required");
        app.host_turns_off(json!({"code": app.shown(&key)})).await.refused(403, "wrong_code");
        let right = json!({"code": app.next_code(&new)});
        app.host_turns_off(right.clone()).await.expect(204);
        assert_eq!(app.state().await, "off");
        app.host_turns_off(right).await.refused(404, "not_found");
    }

    async fn codes_of_another_program_and_recovery_codes_let_in_once(app: TestApp) {
        let (key, recovery) = app.enrolled().await;
        app.ctx.clock.advance(Duration::from_secs(30));
        let now = format!("--now=@{}", app.ctx.now().and_utc().timestamp());
        let said = std::process::Command::new("oathtool").args(["--totp", "--base32", &now, &key]).output();
        let shown = String::from_utf8(said.expect("oathtool is there: script/setup").stdout).unwrap();
        let (first, last) = shown.trim().split_at(3);
        let spaced = json!({"code": format!("{first} {last}"), "first_factor": "password"});
        assert_eq!(app.verdict(spaced).await, "accepted");
        assert_eq!(app.verdict(json!({"code": shown.trim()})).await, "used");
        let typed = recovery[0].to_lowercase().replace('-', " ");
        assert_eq!(app.verdict(json!({"recovery_code": typed})).await, "accepted");
        assert_eq!(app.verdict(json!({"recovery_code": recovery[0]})).await, "used");
    }

    async fn what_can_be_no_code_is_never_looked_at(app: TestApp) {
        let (key, recovery) = app.enrolled().await;
        let right = app.next_code(&key);
        for body in [
            json!({}),
            json!({"code": ""}),
            json!({"code": "12345"}),
            json!({"code": "١٢٣٤٥٦"}),
            json!({"code": 123_456}),
            json!({"recovery_code": "AAAA"}),
            json!({"code": right, "recovery_code": recovery[0]}),
            json!({"code": right, "first_factor": "birthday"}),
            json!({"code": right, "password_changed_at": "yesterday"}),
            json!({"code": right, "tier": "standard"}),
        ] {
            for _ in 0..2 {
                app.host_posts("/codes/verify", body.clone()).await.refused(422, "invalid");
            }
        }
        assert_eq!(app.verdict(json!({"code": right})).await, "accepted");
    }

    async fn a_host_needs_its_token_its_scope_and_its_own_account(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let member = app.staff("grace", "agent").await;
        let scoped = clients::add(&app.ctx, "Reader", &[Scope::Accounts], None).await.unwrap().token;
        let other = clients::add(&app.ctx, "Other", Scope::ALL, None).await.unwrap().token;
        let body = json!({"code": app.next_code(&key)});
        for path in ["/codes/verify", "/authenticator", "/authenticator/confirm"] {
            let path = format!("{ADA}{path}");
            for token in ["", "rk_cli_", &member.token, &format!("{}a", app.host_token)] {
                app.http.post(&path, token, json!({"no": "body"})).await.refused(401, "unauthenticated");
            }
            app.http.post(&path, scoped.expose_secret(), body.clone()).await.refused(403, "forbidden");
            app.http.post(&path, other.expose_secret(), body.clone()).await.refused(404, "not_found");
        }
        app.http.get(ADA, other.expose_secret()).await.refused(404, "not_found");
        app.http.delete(ADA, other.expose_secret()).await.refused(404, "not_found");
        app.http.get(ADA, &member.token).await.refused(401, "unauthenticated");
        assert_eq!(app.verdict(body).await, "accepted");
    }

    async fn ten_wrong_codes_lock_and_a_hundred_switch_off_but_never_let_in(app: TestApp) {
        let (key, recovery) = app.enrolled().await;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60, 60, 0] {
            let wrong = json!({"code": wrong_code(&app.next_code(&key))});
            for _ in 0..10 {
                assert_eq!(app.verdict(wrong.clone()).await, "wrong");
            }
            let refused = if minutes == 0 { "off" } else { "locked" };
            // One second before the lock ends: the next code takes thirty.
            app.ctx.clock.advance(Duration::from_secs((minutes * 60_u64).saturating_sub(31)));
            assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, refused);
            assert_eq!(app.verdict(json!({"recovery_code": recovery[0]})).await, refused);
            let locked = app.host_turns_off(json!({"code": app.shown(&key)})).await;
            locked.refused(429, "too_many_tries");
            assert!(!locked.header("retry-after").is_empty());
            assert_eq!(app.state().await, "on");
            app.ctx.clock.advance(Duration::from_secs(1));
        }
        app.after(TimeDelta::days(30)).await;
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "off");
    }

    async fn the_first_sign_in_with_a_sent_key_makes_it_live(app: TestApp) {
        let (former, _) = app.enrolled().await;
        let key = sent_key(&app, false).await;
        let right = json!({"code": app.next_code(&key)});
        assert_eq!(app.verdict(right.clone()).await, "inactive", "without a first factor");
        app.host_posts("/authenticator/confirm", right).await.refused(404, "not_found");
        let today = app.ctx.now().and_utc().to_rfc3339();
        let lately =
            json!({"code": app.next_code(&key), "first_factor": "password", "password_changed_at": today});
        assert_eq!(app.verdict(lately).await, "inactive", "with a password of today");
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted");

        let right = json!({"code": app.next_code(&key), "first_factor": "password",
            "password_changed_at": "2026-10-01T12:00:00Z"});
        let verdict = app.host_posts("/codes/verify", right).await.expect(200);
        assert_eq!(verdict["result"], "accepted");
        assert_eq!(verdict["recovery_codes"].as_array().unwrap().len(), 10);
        assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "wrong");
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
    }
}
