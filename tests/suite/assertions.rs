//! What hosts sign for people: every wrong kind looks the same from outside, and its cause is in the log.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use rekey::workflow::accounts;
use rekey::workflow::clients::{self, Scope};
use rekey::workflow::import::{self, Encoding, Import};
use ring::hmac;
use ring::signature::KeyPair;
use serde_json::{Value, json};

use crate::accounts::Silent;
use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::assertion::{header, message, pair, pem, sealed, signed, signed_by, with};
use crate::support::client::{send, text};
use crate::support::log;
use crate::support::program::rows;

impl TestApp {
    /// Every kind of token that is wrong, and what the log says of it.
    fn wrong_kinds(&self) -> Vec<(&'static str, String, &'static str)> {
        let claims = self.claims();
        let now = claims["iat"].as_i64().unwrap();
        let claim = |name: &str, value: Value| signed(&with(&claims, name, value));
        let head = |name: &str, value: Value| signed_by(1, &with(&header(), name, value), &claims);
        let by_mac = |key: &[u8]| {
            let message = message(&with(&header(), "alg", json!("HS256")), &claims);
            sealed(&message, hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()))
        };
        let unsigned = message(&with(&header(), "alg", json!("none")), &claims);
        let mut timeless = claims.clone();
        timeless.as_object_mut().unwrap().remove("exp");
        let (no_key, malformed) = ("no key for the algorithm", "malformed");
        vec![
            ("alg none", format!("{unsigned}."), no_key),
            ("alg None, signed", head("alg", json!("None")), no_key),
            ("HMAC with the public key", by_mac(pair(1).public_key().as_ref()), no_key),
            ("HMAC with its PEM", by_mac(pem(1).as_bytes()), no_key),
            ("ES256 by an Ed25519 key", head("alg", json!("ES256")), no_key),
            ("another's key", signed_by(2, &header(), &claims), "signature is wrong"),
            (
                "another's key named by kid",
                signed_by(2, &with(&header(), "kid", json!("../../etc/passwd")), &claims),
                "signature is wrong",
            ),
            (
                "another's key named by a kid of SQL",
                signed_by(2, &with(&header(), "kid", json!("' UNION SELECT 'x")), &claims),
                "signature is wrong",
            ),
            ("a kid that is no name", head("kid", json!({"$ne": ""})), malformed),
            (
                "a key of its own",
                signed_by(2, &with(&header(), "jwk", json!({"kty": "OKP", "crv": "Ed25519"})), &claims),
                "signature is wrong",
            ),
            (
                "a key from elsewhere",
                signed_by(2, &with(&header(), "jku", json!("https://evil.example/keys")), &claims),
                "signature is wrong",
            ),
            ("what must be understood", head("crit", json!(["exp"])), malformed),
            ("another type", head("typ", json!("JWT")), "type"),
            ("another audience", claim("aud", json!("https://other.example.com")), "audience"),
            ("no number as end", claim("exp", json!((now + 60).to_string())), malformed),
            ("no end", signed(&timeless), "the claim exp is missing"),
            ("good for an hour", claim("exp", json!(now + 3600)), "too long"),
            (
                "over",
                signed(&with(&with(&claims, "iat", json!(now - 120)), "exp", json!(now - 60))),
                "expired",
            ),
            (
                "from the future",
                signed(&with(&with(&claims, "iat", json!(now + 60)), "exp", json!(now + 90))),
                "future",
            ),
            ("not yet good", claim("nbf", json!(now + 60)), "future"),
            ("of somebody else", claim("sub", json!("eve")), "another account"),
        ]
    }
}

on_both! {
    async fn every_wrong_kind_gets_the_same_answer_and_its_cause_is_logged(app: TestApp) {
        log::listen();
        app.vouched_for().await;
        let nonsense = app.opens("nonsense").await;
        nonsense.refused(401, "unauthenticated");
        for (kind, token, cause) in app.wrong_kinds() {
            let before = log::lines_with(app.host.as_str()).len();
            let refused = app.opens(&token).await;
            assert_eq!((refused.status, &refused.text), (401, &nonsense.text), "{kind}");
            let lines = log::lines_with(app.host.as_str());
            assert!(lines.len() > before && lines.last().unwrap().contains(cause), "{kind}: {:?}", lines.last());
            assert!(!lines.concat().contains(&token), "{kind}: the token is in the log");
        }
        let unknown = signed(&with(&app.claims(), "iss", json!("nobody")));
        assert_eq!(app.opens(&unknown).await.text, nonsense.text);
        // All the while a good one was good.
        assert_eq!(app.opens(&signed(&app.claims())).await.expect(202)["status"], "open");
    }

    async fn a_host_without_the_scope_for_tickets_signs_in_vain(app: TestApp) {
        log::listen();
        app.vouched_for().await;
        let narrow = clients::add(&app.ctx, "Narrow", &[Scope::Accounts, Scope::Codes], Some(pem(1))).await.unwrap().id;
        let claims = with(&app.claims(), "iss", json!(narrow.as_str()));
        app.opens(&signed(&claims)).await.refused(401, "unauthenticated");
        assert!(log::lines_with(narrow.as_str()).concat().contains("the scope tickets was not given"));
    }

    async fn an_account_that_no_host_has_put_is_unknown_to_each(app: TestApp) {
        clients::set_keys(&app.ctx, "Example", pem(1)).await.unwrap();
        let unknown = app.opens(&signed(&app.claims())).await;
        unknown.refused(401, "unauthenticated");
        // With one host alone the import would be that host's.
        clients::add(&app.ctx, "Other", &[Scope::Accounts], None).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.csv");
        std::fs::write(&file, "external_id,email,name\nada,ada@example.com,Ada\n").unwrap();
        let what = Import { file, separator: b',', encoding: Encoding::Utf8, client: None, skip_bad: false };
        import::import(&app.ctx, &what, &Silent).await.unwrap();
        assert_eq!(app.opens(&signed(&app.claims())).await.text, unknown.text);
        app.account("ada@example.com").await;
        app.opens(&signed(&app.claims())).await.expect(202);
    }

    async fn an_assertion_is_about_its_own_host_s_account_where_two_have_the_name(app: TestApp) {
        app.vouched_for().await;
        let other = clients::add(&app.ctx, "Other", Scope::ALL, Some(pem(2))).await.unwrap().id;
        let theirs = || with(&app.claims(), "iss", json!(other.as_str()));
        app.opens(&signed_by(2, &header(), &theirs())).await.refused(401, "unauthenticated");
        accounts::put(&app.ctx, &other, "ada", facts("ada@other.example")).await.unwrap();
        assert_eq!(app.opens(&signed_by(2, &header(), &theirs())).await.expect(202)["status"], "open");
        let opened = rows(&app.database.url, "SELECT clients.name AS text FROM tickets \
            JOIN accounts ON accounts.id = tickets.account_id JOIN clients ON clients.id = accounts.client_id");
        assert_eq!(opened, ["Other"]);
        let named = async |application: &str| {
            let body = json!({"account": "ada", "application": application, "problem": "other", "message": "x"});
            let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets");
            send(request.header("Rekey-Assertion", signed_by(2, &header(), &theirs())).json(&body)).await
        };
        named("Example").await.refused(401, "unauthenticated");
        named("Other").await.expect(202);
    }

    async fn while_keys_are_changed_each_of_the_two_is_good(app: TestApp) {
        app.vouched_for().await;
        clients::set_keys(&app.ctx, "Example", format!("{}{}", pem(1), pem(2))).await.unwrap();
        for seed in [1, 2] {
            let opened = app.opens(&signed_by(seed, &header(), &app.claims())).await.expect(202);
            assert_eq!(opened["status"], "open", "{seed}");
            let path = format!("/api/v1/tickets/{}/withdraw", text(&opened, "reference"));
            app.http.post(&path, &text(&opened, "token"), json!({})).await.expect(200);
        }
        app.opens(&signed_by(3, &header(), &app.claims())).await.refused(401, "unauthenticated");
        clients::set_keys(&app.ctx, "Example", pem(2)).await.unwrap();
        app.opens(&signed(&app.claims())).await.refused(401, "unauthenticated");
        app.opens(&signed_by(2, &header(), &app.claims())).await.expect(202);
    }

    async fn one_assertion_is_good_once_over_two_replicas(app: TestApp) {
        app.vouched_for().await;
        let other = app.replica();
        let token = signed(&app.claims());
        let calls: Vec<_> = (0..10)
            .map(|n| {
                let http = if n % 2 == 0 { app.http.clone() } else { other.http.clone() };
                let body = json!({"account": "ada", "problem": "lost_device", "message": ""});
                let request = http.request(reqwest::Method::POST, "/api/v1/tickets").json(&body);
                tokio::spawn(send(request.header("Rekey-Assertion", &token)))
            })
            .collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap().status);
        }
        answers.sort_unstable();
        assert_eq!(answers, [vec![202], vec![401; 9]].concat());
        // The same jti in another token is a replay as well, later and at the other replica too.
        app.ctx.clock.advance(std::time::Duration::from_secs(30));
        let again: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        let again = with(&app.claims(), "jti", again["jti"].clone());
        other.opens(&signed(&again)).await.refused(401, "unauthenticated");
    }

    async fn a_sign_in_of_long_ago_is_no_fresh_password(app: TestApp) {
        app.enrolled().await;
        app.vouched_for().await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        app.approve(&agent, &ada).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        let activate = async |changes: &[(&str, Value)]| {
            let code = app.next_code(&key);
            let claims = changes.iter().fold(app.claims(), |all, (name, value)| with(&all, name, value.clone()));
            let request = app.http.request(reqwest::Method::POST, &ada.path("/activate")).bearer_auth(&ada.token);
            send(request.header("Rekey-Assertion", signed(&claims)).json(&json!({"code": code}))).await
        };
        let now = app.ctx.now().and_utc().timestamp();
        activate(&[("auth_time", json!(now - 301))]).await.refused(403, "proof_required");
        activate(&[("amr", json!(["otp"]))]).await.refused(403, "proof_required");
        activate(&[("pwd_at", json!(now - 60))]).await.refused(403, "proof_required");
        app.after(TimeDelta::seconds(1)).await;
        assert_eq!(activate(&[]).await.expect(200)["status"], "completed");
    }
}
