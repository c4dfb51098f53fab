//! Other people's authenticators: a key that was mailed or shown works in programs that know nothing of ours.

use std::process::Command;

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::text;

impl TestApp {
    /// What a program prints that is given the time, a step later than the last.
    fn asked(&self, program: &str, arguments: impl FnOnce(i64) -> Vec<String>) -> String {
        self.ctx.clock.advance(std::time::Duration::from_secs(30));
        let arguments = arguments(self.ctx.now().and_utc().timestamp());
        let said = Command::new(program).args(arguments).output();
        let said = said.unwrap_or_else(|error| panic!("{program}: {error}: run script/test"));
        assert!(said.status.success(), "{}: run script/test", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    fn oathtool(&self, key: &str) -> String {
        self.asked("oathtool", |now| {
            ["--totp", "--base32", &format!("--now=@{now}"), key].map(str::to_owned).to_vec()
        })
    }

    /// The code by pyotp, which is given an expression for the authenticator.
    fn pyotp(&self, authenticator: &str, argument: &str) -> String {
        let python = std::env::var("REKEY_TEST_PYTHON")
            .expect("REKEY_TEST_PYTHON names a Python with pyotp; script/test installs one and sets it");
        let program = format!("import pyotp, sys; print({authenticator}(sys.argv[1]).at(int(sys.argv[2])))");
        self.asked(&python, |now| vec!["-c".into(), program, argument.into(), now.to_string()])
    }
}

on_both! {
    async fn a_mailed_key_works_in_other_programs(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        // As it stands in the letter, and as somebody types it from the groups of four.
        let key = app.letter("ada@example.com", "new key").await.key();

        let proven = json!({"code": app.oathtool(&key), "pin": pin});
        let done = app.http.post(&ada.path("/activate"), &ada.token, proven).await.expect(200);
        assert_eq!(done["status"], "completed");
        for code in [app.pyotp("pyotp.TOTP", &key), app.oathtool(&key.to_lowercase())] {
            let attempt = json!({"code": code, "first_factor": "password"});
            let verdict = app.http.post("/api/v1/accounts/ada/codes/verify", &app.host_token, attempt).await.expect(200);
            assert_eq!(verdict["result"], "accepted", "{code}");
        }
    }

    async fn an_enrolment_works_in_other_programs(app: TestApp) {
        app.account("ada@example.com").await;
        let path = |call: &str| format!("/api/v1/accounts/ada{call}");
        let begun = app.http.post(&path("/authenticator"), &app.host_token, json!({})).await.expect(201);
        // An app that scans the QR code reads the URI.
        let right = json!({"code": app.pyotp("pyotp.parse_uri", &text(&begun, "otpauth_uri"))});
        app.http.post(&path("/authenticator/confirm"), &app.host_token, right).await.expect(200);
        let attempt = json!({"code": app.oathtool(&text(&begun, "secret")), "first_factor": "password"});
        let verdict = app.http.post(&path("/codes/verify"), &app.host_token, attempt).await.expect(200);
        assert_eq!(verdict["result"], "accepted");
    }
}
