//! Recovery codes: eighty bits each, kept as sealed hashes, each good once, all replaced on request.

use rekey::crypto::Purpose;
use rekey::db::Conn;
use rekey::db::ring_uses::RingUses;
use rekey::workflow::accounts;
use serde_json::{Value, json};

use crate::account_pages::{ADA, PASSWORD, code, password};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::Reply;
use crate::support::program::rows;
use crate::support::totp::wrong_code;

impl TestApp {
    async fn replaces(&self, body: Value) -> Reply {
        self.host_posts("/recovery-codes", body).await
    }
}

fn codes(answer: &Value) -> Vec<String> {
    let codes = answer["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn a_code_has_eighty_bits_and_none_is_kept(app: TestApp) {
        let (_, codes) = app.enrolled().await;
        let kept = rows(&app.database.url, "SELECT digest AS text FROM recovery_codes");
        assert_eq!((codes.len(), kept.len()), (10, 10));
        for code in &codes {
            // Sixteen letters of an alphabet of thirty-two.
            let letters: String = code.split('-').collect();
            assert!(letters.len() == 16 && letters.bytes().all(|one| matches!(one, b'A'..=b'Z' | b'2'..=b'7')));
            assert!(kept.iter().all(|digest| !digest.contains(&letters) && !digest.contains(code.as_str())));
        }
        // Sealed by the ring, which the database does not have.
        assert!(kept.iter().all(|one| one.starts_with("sealed:") && one.len() > 120), "{kept:?}");
    }

    async fn codes_of_a_former_version_work_until_their_key_is_retired(app: TestApp) {
        let (key, codes) = app.enrolled().await;
        // As former versions kept them: an HMAC under the ring's key of that time.
        let account = rows(&app.database.url, "SELECT id AS text FROM accounts").pop().unwrap();
        let ids = rows(&app.database.url, "SELECT id AS text FROM recovery_codes ORDER BY id");
        for (id, code) in ids.iter().zip(&codes) {
            let code: String = code.split('-').collect();
            let digest = app.ctx.crypto.code_digest(Purpose::RecoveryCode, &[&account], &code);
            app.tamper(&format!("UPDATE recovery_codes SET digest = '{digest}', mac = NULL WHERE id = '{id}'"));
        }
        app.sign_rows().await;
        let old = app.ctx.crypto.primary_key_id();
        app.rotates();
        assert_eq!(app.verdict(json!({"recovery_code": codes[0]})).await, "accepted");
        assert_eq!(app.verdict(json!({"recovery_code": codes[0]})).await, "used");
        accounts::set_password(&app.ctx, "ada", &PASSWORD.into()).await.unwrap();
        let mut ada = Browser::new(&app);
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut ada, &app.next_code(&key)).await.goes_to("/account");
        ada.get("/account").await.shows(200, "Make new recovery codes");

        let now = app.ctx.now();
        let count = move |conn: &mut Conn| Ok::<_, rekey::db::Error>(RingUses::count(conn, old, now)?.recovery_accounts);
        assert_eq!(app.ctx.db.read(count).await.unwrap(), 1);
        let right = json!({"code": app.next_code(&key)});
        app.replaces(right).await.expect(200);
        assert_eq!(app.ctx.db.read(count).await.unwrap(), 0);
        let page = ada.get("/account").await.shows(200, "Recovery codes");
        assert!(!page.text.contains("Make new recovery codes"), "{}", page.text);
    }

    async fn each_use_is_one_and_is_told(app: TestApp) {
        let (_, codes) = app.enrolled().await;
        app.letters().await;
        for (left, code) in [(9, &codes[0]), (8, &codes[1])] {
            assert_eq!(app.verdict(json!({"recovery_code": code})).await, "accepted");
            let letter = app.letter("ada@example.com", "recovery code was used").await;
            assert!(letter.text.contains(&format!("{left} codes are left")), "{}", letter.text);
            assert_eq!(app.verdict(json!({"recovery_code": code})).await, "used");
        }
        assert!(app.letters().await.is_empty());
    }

    async fn all_are_replaced_with_a_code_of_the_app(app: TestApp) {
        let (key, former) = app.enrolled().await;
        assert_eq!(app.verdict(json!({"recovery_code": former[0]})).await, "accepted");
        app.letters().await;

        let right = json!({"code": app.next_code(&key)});
        let new = codes(&app.replaces(right.clone()).await.expect(200));
        assert_eq!(new.len(), 10);
        assert!(new.iter().all(|code| !former.contains(code)));
        let letter = app.letter("ada@example.com", "New recovery codes").await;
        assert!(new.iter().chain(&former).all(|code| !letter.text.contains(code.as_str())));
        let logged = rows(
            &app.database.url,
            "SELECT action AS text FROM audit_entries WHERE subject_kind = 'account' ORDER BY subject_version DESC LIMIT 1",
        );
        assert_eq!(logged, ["recovery_codes_made"]);

        app.replaces(right).await.refused(403, "wrong_code");
        assert_eq!(app.verdict(json!({"recovery_code": former[1]})).await, "wrong");
        assert_eq!(app.verdict(json!({"recovery_code": new[0]})).await, "accepted");
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted", "the app goes on");
    }

    async fn nothing_else_replaces_them(app: TestApp) {
        app.account("ada@example.com").await;
        app.replaces(json!({"code": "123456"})).await.refused(404, "not_found");
        let (key, former) = app.enrolled().await;
        app.replaces(json!({})).await.refused(403, "proof_required");
        app.replaces(json!({"code": former[0]})).await.refused(422, "invalid");
        app.replaces(json!({"recovery_code": former[0]})).await.refused(422, "invalid");
        for _ in 0..10 {
            app.replaces(json!({"code": wrong_code(&app.next_code(&key))})).await.refused(403, "wrong_code");
        }
        // Counted with every other wrong code of the account.
        app.replaces(json!({"code": app.next_code(&key)})).await.refused(429, "too_many_tries");
        assert_eq!(app.verdict(json!({"code": app.shown(&key)})).await, "locked");
        app.ctx.clock.advance(std::time::Duration::from_mins(1));
        assert_eq!(app.verdict(json!({"recovery_code": former[0]})).await, "accepted");
    }
}
