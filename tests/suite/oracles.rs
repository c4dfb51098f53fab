//! Other people's authenticators: a key that was mailed or shown works in programs that know nothing of ours.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::text;
use crate::support::totp::wrong_code;

impl TestApp {
    /// What a program prints that is given the time, a step later than the last.
    fn asked(&self, program: &str, arguments: impl FnOnce(i64) -> Vec<String>) -> String {
        self.ctx.clock.advance(std::time::Duration::from_secs(30));
        self.asked_now(program, arguments)
    }

    fn asked_now(&self, program: &str, arguments: impl FnOnce(i64) -> Vec<String>) -> String {
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
        self.ctx.clock.advance(std::time::Duration::from_secs(30));
        self.pyotp_now(authenticator, argument)
    }

    /// The codes of this second, by programs that show one.
    fn all_show(&self, key: &str) -> Vec<(&'static str, String)> {
        let oathtool =
            |now: i64| vec!["--totp".into(), "--base32".into(), format!("--now=@{now}"), key.to_owned()];
        let modules = std::env::var("REKEY_TEST_OTPLIB")
            .expect("REKEY_TEST_OTPLIB names the modules of otplib; script/test installs it and sets it");
        let script = format!(
            "const {{ authenticator }} = require('{modules}/otplib'); const [key, now] = process.argv.slice(1); \
             authenticator.options = {{ epoch: now * 1000 }}; console.log(authenticator.generate(key))"
        );
        vec![
            ("oathtool", self.asked_now("oathtool", oathtool)),
            ("pyotp", self.pyotp_now("pyotp.TOTP", key)),
            (
                "otplib",
                self.asked_now("node", |now| vec!["-e".into(), script, key.to_owned(), now.to_string()]),
            ),
        ]
    }

    fn pyotp_now(&self, authenticator: &str, argument: &str) -> String {
        let program = format!("import pyotp, sys; print({authenticator}(sys.argv[1]).at(int(sys.argv[2])))");
        self.asked_now(&python(), |now| vec!["-c".into(), program, argument.into(), now.to_string()])
    }
}

/// What a token of privacyIDEA with this key says of seconds and codes, a line each.
fn privacyidea(key: &str, asked: &str) -> Vec<String> {
    let oracle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/oracle.py");
    let mut program = Command::new(python());
    program.args([oracle, key]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    program.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let said = program.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn python() -> String {
    std::env::var("REKEY_TEST_PYTHON").expect(
        "REKEY_TEST_PYTHON names a Python with pyotp and privacyIDEA; script/test installs one and sets it",
    )
}

/// A service of PAM that asks for a code of one key, and goes with the story. Only root can set one up.
struct PamService {
    name: String,
    _folder: tempfile::TempDir,
}

impl PamService {
    fn of(key: &str) -> Option<Self> {
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        if id != b"0\n" {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        let mut file =
            std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&secret).unwrap();
        let window = "\" WINDOW_SIZE 3\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n";
        file.write_all(format!("{key}\n{window}").as_bytes()).unwrap();
        let name = format!("rekey-test-{}-{}", std::process::id(), key.to_lowercase());
        let service = Self { name, _folder: folder };
        let module = "pam_google_authenticator.so";
        let rules = format!("auth required {module} secret={} user=root\n", secret.display());
        std::fs::write(service.path(), rules).unwrap();
        Some(service)
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/etc/pam.d").join(&self.name)
    }

    fn accepts(&self, code: &str) -> bool {
        let mut asked = Command::new("pamtester");
        asked.args([&self.name, "root", "authenticate"]).stdin(Stdio::piped());
        let mut asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let asked = asked.as_mut().expect("pamtester is there: script/setup");
        asked.stdin.take().unwrap().write_all(format!("{code}\n").as_bytes()).unwrap();
        asked.wait().unwrap().success()
    }
}

impl Drop for PamService {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

on_both! {
    async fn all_of_them_show_and_take_the_same_code_at_the_same_second(app: TestApp) {
        // PAM has no clock but the machine's.
        app.ctx.clock.set(rekey::clock::Clock::system().now() - chrono::TimeDelta::seconds(30));
        let (key, _) = app.enrolled().await;
        let pam = PamService::of(&key);
        let shown = app.all_show(&key);
        let code = app.shown(&key);
        assert!(shown.iter().all(|(_, other)| *other == code), "{shown:?}, and ours is {code}");
        match &pam {
            Some(pam) => {
                assert!(pam.accepts(&code), "PAM's module takes it");
                assert!(!pam.accepts(&code), "once");
                assert!(!pam.accepts(&wrong_code(&code)));
            }
            None => eprintln!("PAM's module is left out: only root can add a service"),
        }
        app.ctx.clock.advance(std::time::Duration::from_secs(30));
        let next = app.all_show(&key);
        assert!(next.iter().all(|(_, other)| *other == next[0].1 && *other != code), "{next:?}");
        assert_eq!(app.verdict(json!({"code": next[0].1})).await, "accepted");
        assert_eq!(app.verdict(json!({"code": next[0].1})).await, "used");
    }

    async fn privacyidea_takes_the_same_codes_at_the_same_second(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let (mut asked, mut ours) = (String::new(), Vec::new());
        for minute in 0..3 {
            // The first and the last second of a step; and the codes of the steps around it, each of them twice.
            app.ctx.clock.advance(std::time::Duration::from_secs(90 + u64::from(minute == 1) * 29));
            let now = app.ctx.now().and_utc().timestamp();
            for (step, expected) in [(-2, "wrong"), (-1, "accepted"), (-1, "used"), (0, "accepted"), (0, "used"), (2, "wrong")] {
                let code = crate::support::totp::code(&key, now + 30 * step);
                assert_eq!(app.verdict(json!({"code": code})).await, expected, "step {step}");
                writeln!(asked, "{now} {code}").unwrap();
                ours.push(if expected == "accepted" { "accepted" } else { "refused" });
            }
        }
        assert_eq!(privacyidea(&key, &asked), ours, "{asked}");
    }

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
