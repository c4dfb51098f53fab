//! What people write stays text, wherever it is read.

use std::fs::File;
use std::process::Stdio;

use chrono::TimeDelta;
use rekey::domain::actor::Roles;
use rekey::workflow::staff::{self, NewMember};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::desk;
use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::text;
use crate::support::database::Backend;
use crate::support::program::{Program, letters_in, until};

/// Markup, template syntax, bidi controls and a terminal's escape.
const HOSTILE: &str = "</textarea><script>alert(1)</script>\"onload=x {{7*7}}{%if%} ${7*7} \u{202e}\u{2066}\u{1b}[31m\u{7}%0d%0a";
/// The same as far as a name may hold it.
const NAME: &str = "<script>alert(1)</script>\"x {{7*7}} ${7*7}";

/// Insists that nothing of it has come to life.
#[track_caller]
fn is_inert(what: &str, text: &str) {
    for living in ["<script>alert", "\"onload=x", "{{49", "$49", ">49<", "</textarea><script"] {
        assert!(!text.contains(living), "{living:?} in {what}: {text}");
    }
    for control in ['\u{202e}', '\u{2066}', '\u{1b}', '\u{7}'] {
        assert!(!text.contains(control), "{control:?} in {what}");
    }
}

/// A member whose name is hostile.
async fn member(app: &TestApp, email: &str, roles: &str) -> Member {
    let new = NewMember {
        email: email.to_owned(),
        name: NAME.to_owned(),
        roles: Roles::parse(roles).unwrap(),
        account: None,
        password: PASSWORD.into(),
    };
    let key = staff::add(&app.ctx, new).await.unwrap().secret.expose_secret().to_owned();
    let token = text(&app.sign_in(email, &app.next_code(&key)).await.expect(201), "token");
    Member { email: email.to_owned(), key, token }
}

on_both! {
    /// A6: writes markup, template syntax, bidi controls and terminal escapes into every text field | it stands there
    /// as text, in every page and every letter, and no control is left
    async fn a6_what_is_written_stays_text(app: TestApp) {
        let put = json!({"email": "ada@example.com", "name": NAME, "phone": "+442079460000", "manager_email": "charles@example.com"});
        app.http.put("/api/v1/accounts/ada", &app.host_token, put).await.expect(201);
        for name in [HOSTILE, "Ada\r\nBcc: eve@evil.example", "Ada\u{202e}"] {
            let put = json!({"email": "eve@example.com", "name": name});
            let answer = app.http.put("/api/v1/accounts/eve", &app.host_token, put).await;
            is_inert("an answer", &answer.text.replace("<script>", ""));
        }
        app.after(TimeDelta::days(31)).await;
        let (agent, auditor) = (member(&app, "g@desk.example.com", "agent,admin").await, member(&app, "i@desk.example.com", "auditor").await);
        let body = json!({"account": "ada@example.com", "problem": "other", "message": HOSTILE});
        let opened = app.http.post("/api/v1/tickets", "", body).await.expect(202);
        let ada = Asker { email: "ada@example.com".to_owned(), reference: text(&opened, "reference"), token: text(&opened, "token") };
        let mut letters = app.letters().await;
        let code = TestApp::letter_of(&letters, "ada@example.com", "code to confirm").digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        for (call, body) in [
            ("/note", json!({"message": HOSTILE})),
            ("/reply", json!({"message": HOSTILE})),
            ("/vouch", json!({})),
            ("/evidence", json!({"method": "callback", "outcome": "passed", "note": HOSTILE})),
            ("/ask", json!({"message": HOSTILE})),
        ] {
            let reply = app.desk(&agent, &ada, call, body).await;
            assert!(reply.status < 300, "{call}: {}", reply.text);
        }
        app.http.post(&ada.path("/reply"), &ada.token, json!({"message": HOSTILE})).await.expect(200);
        app.step_up(&agent).await;
        let approval = json!({"account": "ada@example.com", "reason": HOSTILE});
        app.desk(&agent, &ada, "/approve", approval).await.expect(200);
        app.desk(&agent, &ada, "/freeze", json!({"reason": HOSTILE})).await.expect(200);
        app.desk(&agent, &ada, "/flag", json!({"reason": HOSTILE})).await.refused(409, "conflict");

        let mut requester = Browser::new(&app);
        requester.set_cookie(&format!("__Host-rekey_ticket_{}", ada.reference), &ada.token);
        let (seat, mut reader) = (desk::seat(&app, &agent).await, Browser::new(&app));
        let page = reader.get("/desk/sign-in").await;
        let code = app.next_code(&auditor.key);
        reader.send(&page, &[("email", &auditor.email), ("password", PASSWORD), ("code", &code)]).await.location();
        let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        let ticket = format!("/tickets/{}", ada.reference);
        let mut browsers = [requester, seat, reader];
        for (browser, path, shown) in [
            (0, ticket.clone(), true),
            (0, format!("/tickets/{query}"), false),
            (0, format!("/tickets/{query}/code"), false),
            (0, format!("/stop/{query}"), false),
            (1, format!("/desk{ticket}"), true),
            (1, "/desk?queue=open".to_owned(), true),
            (1, format!("/desk?q={query}"), true),
            (1, format!("/desk?queue={query}"), false),
            (1, format!("/desk/audit?ticket={}", ada.reference), true),
            (1, format!("/desk/audit?ticket={query}"), false),
            (1, format!("/desk/tickets/{query}"), false),
            (1, format!("/desk/sign-in?next={query}"), false),
            (2, format!("/desk/audit?ticket={}", ada.reference), true),
        ] {
            let page = browsers[browser].get(&path).await;
            is_inert(&path, &page.text);
            is_inert(&path, &format!("{:?}", page.headers));
            assert!(!shown || page.text.contains("&#60;script&#62;alert(1)"), "{path}: {}", page.text);
        }
        // What is refused comes back into its field.
        for (path, field) in [("/tickets", "reference"), ("/activate", "link"), ("/vouch", "link")] {
            let mut browser = Browser::new(&app);
            let page = browser.get(path).await;
            is_inert(path, &browser.send(&page, &[(field, HOSTILE)]).await.text);
        }
        letters.extend(app.letters().await);
        assert!(letters.len() >= 6, "{}", letters.len());
        for letter in &letters {
            is_inert(&letter.subject, &letter.raw);
            assert!(!letter.text.contains("textarea") && !letter.text.contains("[31m"), "{}", letter.text);
            assert!(!letter.raw.to_lowercase().contains("\nbcc:"), "{}", letter.raw);
        }
    }

    /// A6: writes the same where a log might repeat it, with the log at its most talkative | no line of it, no control,
    /// no line broken
    async fn a6_what_is_written_stays_out_of_the_log(backend: Backend) {
        let mut program = Program::on(backend).await;
        program.set("LOG__LEVEL", "trace");
        if backend == Backend::Sqlite {
            program.run(&["migrate"], "");
        }
        let host = program.host();
        let path = program.path("log");
        let log = File::create(&path).unwrap();
        let serving = program.command(&["serve"]).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        let mut serving = serving.unwrap();
        until("the program is ready", async || {
            let asked = program.http.request(reqwest::Method::GET, "/readyz").send().await;
            asked.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let body = json!({"account": "ada@example.com", "problem": "other", "message": HOSTILE});
        program.http.post("/api/v1/tickets", "", body).await.expect(202);
        let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        for path in [format!("/tickets/{query}"), format!("/stop/{query}"), format!("/{query}?x={query}"), format!("/desk?q={query}")] {
            let request = program.http.request(reqwest::Method::GET, &path).header("accept", "text/html");
            let request = request.header("user-agent", format!("{NAME} canary")).header("referer", format!("https://evil.example/{query}"));
            request.header("x-forwarded-for", NAME).header("cookie", format!("rekey_desk={query}")).send().await.unwrap();
        }
        for body in [json!({"account": HOSTILE, "problem": "other"}), json!({HOSTILE: HOSTILE})] {
            program.http.post("/api/v1/tickets", "", body).await.refused(422, "invalid");
        }
        program.http.post("/api/v1/desk/session", "", json!({"email": HOSTILE, "password": HOSTILE, "code": HOSTILE})).await;
        program.http.get("/api/v1/accounts/ada", &query).await.refused(401, "unauthenticated");
        until("the letter is there", async || (!letters_in(&program.path("mail")).is_empty()).then_some(())).await;
        serving.kill().unwrap();
        serving.wait().unwrap();
        let log = std::fs::read_to_string(&path).unwrap();
        assert!(log.lines().count() > 5, "{log}");
        for trace in ["alert(1)", "script", "7*7", "canary", "evil.example", "\u{202e}", "\u{1b}[31m", "onload"] {
            assert!(!log.contains(trace), "{trace:?} in {log}");
        }
    }
}
