//! Whoever reads what the program tells its operators, and the answers and letters that others get.

use serde_json::{Value, json};

use super::canary::Canary;
use crate::support::actors::PASSWORD;
use crate::support::client::{Client, Reply, send, text};
use crate::support::database::Backend;
use crate::support::letters::{Letter, unquoted};
use crate::support::program::{Program, now, until};
use crate::support::smtp_server::{Authority, Security, SmtpServer};
use crate::support::totp::{code, wrong_code};

const MAIL_PASSWORD: &str = "mail-server-s3cret";

/// A story told to a program that says all it can.
struct Story {
    program: Program,
    server: SmtpServer,
    host: String,
    /// Every secret, with the letter that may carry it, by words of its subject.
    secrets: Vec<(&'static str, String, &'static str)>,
}

impl Story {
    fn note(&mut self, what: &'static str, secret: &str, letter: &'static str) {
        self.secrets.push((what, secret.to_owned(), letter));
    }

    async fn letter(&self, to: &str, words: &str) -> Letter {
        until("a letter", async || {
            let taken: Vec<Letter> = self.server.taken().iter().map(Letter::taken).collect();
            taken.into_iter().find(|one| one.to == to && one.subject.contains(words))
        })
        .await
    }

    async fn posts(&self, path: &str, token: &str, body: Value) -> Reply {
        self.program.http.post(path, token, body).await
    }

    /// Two-factor authentication is set up, and used once.
    async fn enrols(&mut self) {
        let path = |call: &str| format!("/api/v1/accounts/ada{call}");
        let key =
            text(&self.posts(&path("/authenticator"), &self.host, json!({})).await.expect(201), "secret");
        self.note("a key", &key, "none");
        let right = code(&key, now());
        self.note("a typed code", &right, "none");
        let done =
            self.posts(&path("/authenticator/confirm"), &self.host, json!({"code": right})).await.expect(200);
        for one in done["recovery_codes"].as_array().unwrap() {
            self.note("a recovery code", one.as_str().unwrap(), "none");
        }
        let typed = code(&key, now() + 30);
        self.note("a typed code", &typed, "none");
        self.posts(&path("/codes/verify"), &self.host, json!({"code": typed})).await.expect(200);
        let used = done["recovery_codes"][0].clone();
        self.posts(&path("/codes/verify"), &self.host, json!({"recovery_code": used})).await.expect(200);
    }

    /// A ticket is opened, verified, approved and stopped.
    async fn asks_for_help(&mut self) {
        let agent = self.program.agent("grace").await;
        self.note("a session", &agent, "none");
        let asks = json!({"account": "ada", "problem": "lost_device", "message": "My phone is gone."});
        let opened = self.posts("/api/v1/tickets", "", asks).await.expect(202);
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        self.note("a ticket's token", &token, "none");
        let mailbox = self.letter("ada@example.com", "code to confirm").await.digits(6);
        self.note("a mailbox code", &mailbox, "code to confirm");
        let own = |call: &str| format!("/api/v1/tickets/{reference}{call}");
        let desk = |call: &str| format!("/api/v1/desk/tickets/{reference}{call}");
        self.posts(&own("/confirm"), &token, json!({"code": wrong_code(&mailbox)}))
            .await
            .refused(403, "wrong_code");
        self.posts(&own("/confirm"), &token, json!({"code": mailbox})).await.expect(200);
        self.posts(&desk("/claim"), &agent, json!({})).await.expect(200);
        self.posts(&desk("/vouch"), &agent, json!({})).await.expect(202);
        let asked = self.letter("charles@example.com", "vouch").await;
        let answer = json!({"token": asked.token("rk_vch_"), "code": asked.digits(6)});
        self.note("a manager's token", &asked.token("rk_vch_"), "vouch");
        self.note("a manager's code", &asked.digits(6), "vouch");
        self.posts("/api/v1/vouch", "", answer).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        self.posts(&desk("/evidence"), &agent, called).await.expect(200);
        let pin = text(&self.posts(&desk("/pin"), &agent, json!({})).await.expect(200), "pin");
        self.note("a PIN", &pin, "none");
        let approves = json!({"account": "ada@example.com", "reason": "verified by telephone"});
        self.posts(&desk("/approve"), &agent, approves).await.expect(200);
        let letter = self.letter("ada@example.com", "new key").await;
        let key = letter.key();
        self.note("a mailed key", &key, "new key");
        self.note("an activation token", &letter.token("rk_act_"), "new key");
        self.note("a stop token", &letter.token("rk_stop_"), "new key");
        let right = code(&key, now());
        self.note("a typed code", &right, "none");
        let guess = json!({"code": right, "pin": "00000000"});
        self.posts(&own("/activate"), &token, guess).await.refused(403, "wrong_code");
        let right = json!({"code": right, "pin": pin});
        let done = self.posts(&own("/activate"), &letter.token("rk_act_"), right).await.expect(200);
        for one in done["recovery_codes"].as_array().unwrap() {
            self.note("a new recovery code", one.as_str().unwrap(), "none");
        }
        self.posts("/api/v1/stop", "", json!({"token": letter.token("rk_stop_")})).await.expect(200);
    }

    /// Every secret is put where it does not belong: the answers.
    async fn misplaced(&self) -> Vec<(String, String)> {
        let http = &self.program.http;
        let mut answers = Vec::new();
        for (what, secret, _) in &self.secrets {
            let in_path = http.get(&format!("/api/v1/tickets/{secret}"), secret).await;
            let in_query = http.get(&format!("/tickets/{secret}?code={secret}"), secret).await;
            let in_body =
                http.post("/api/v1/tickets", secret, json!({secret: secret, "account": secret})).await;
            let as_type = http
                .request(reqwest::Method::POST, &format!("/activate/{secret}"))
                .header("content-type", secret);
            let as_cookie = http
                .request(reqwest::Method::GET, "/desk")
                .header("cookie", format!("__Host-rekey_desk={secret}"));
            for reply in [in_path, in_query, in_body, send(as_type).await, send(as_cookie).await] {
                answers
                    .push((format!("the answer to {what}"), format!("{:?} {}", reply.headers, reply.text)));
            }
        }
        answers
    }
}

on_both! {
    /// F3: reads logs at their most talkative, metrics, answers to errors, and other people's letters
    /// | no canary of any secret is in them; a secret is in the one letter that is made for it
    async fn f3_nothing_that_is_told_holds_a_secret(backend: Backend) {
        let authority = Authority::new();
        let server = SmtpServer::start(Security::Implicit(authority.acceptor("localhost", 2099))).await;
        let mut program = Program::on(backend).await;
        let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        program.set("MAIL__TRANSPORT", "smtp");
        program.set("MAIL__URL", &format!("smtps://desk:{MAIL_PASSWORD}@localhost:{}", server.port));
        program.set("MAIL__CA_FILE", authority.file().to_str().unwrap());
        program.set("METRICS__LISTEN", &metrics.to_string());
        program.set("LOG__LEVEL", "trace");
        program.keep_log("log");
        let host = program.host();
        program.start().await;
        let facts = json!({"email": "ada@example.com", "name": "Ada", "phone": "+442079460000", "manager_email": "charles@example.com"});
        program.http.put("/api/v1/accounts/ada", &host, facts).await.expect(201);
        let mut story = Story { program, server, host: host.clone(), secrets: Vec::new() };
        story.note("a host's token", &host, "none");
        story.note("a member's password", PASSWORD, "none");
        story.note("the mail server's password", MAIL_PASSWORD, "none");
        let ring = std::fs::read_to_string(story.program.path("keys.toml")).unwrap();
        let secret = ring.split('"').find(|part| part.len() > 30 && !part.contains(char::is_whitespace)).unwrap();
        story.note("the key ring", secret, "none");
        story.enrols().await;
        story.asks_for_help().await;

        let mut places = story.misplaced().await;
        places.push(("the metrics".to_owned(), Client::new(&format!("http://{metrics}")).get("/metrics", "").await.text));
        let answer = story.posts("/api/v1/desk/session", "", json!({"email": "x", "password": PASSWORD, "code": "1"})).await;
        places.push(("the answer to a sign-in".to_owned(), answer.text));
        story.program.kill();
        let log = std::fs::read_to_string(story.program.path("log")).unwrap();
        assert!(log.contains("/api/v1/tickets/{reference}/activate"), "the log says something: {log}");
        places.push(("the log".to_owned(), log));
        assert!(story.secrets.len() > 35 && places.len() > 150, "{} {}", story.secrets.len(), places.len());
        for (what, secret, letter) in &story.secrets {
            let canary = Canary::new(what, secret);
            for (place, text) in &places {
                canary.is_not_in(place, text.as_bytes());
            }
            for taken in story.server.taken() {
                let subject = Letter::taken(&taken).subject;
                if !subject.contains(letter) {
                    canary.is_not_in(&subject, unquoted(&taken.message).as_bytes());
                }
            }
        }
    }
}
