//! Mail servers that are down, that leave it open whether they took a letter, and that refuse it for good.

use std::collections::HashMap;

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};

use super::stage::Pair;
use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::client::text;
use crate::support::database::Backend;
use crate::support::letters::Letter;
use crate::support::smtp_server::{Act, Security, SmtpServer};

const WAITS: &str = "SELECT DISTINCT CAST(next_at AS TEXT) AS text FROM letters WHERE purpose = 'setup_key' AND next_at IS NOT NULL";
const TRIES: &str = "SELECT CAST(attempts AS TEXT) AS text FROM letters WHERE purpose = 'setup_key'";

/// A pair whose letters go to a server of ours.
async fn with_server(backend: Backend) -> (Pair, SmtpServer) {
    let server = SmtpServer::start(Security::None).await;
    let mut app = Pair::on(backend).await.app;
    app.writes_to(&format!("smtp://127.0.0.1:{}", server.port), None);
    (Pair::of(app), server)
}

fn letters(server: &SmtpServer) -> Vec<Letter> {
    server.taken().iter().map(Letter::taken).collect()
}

/// A ticket that was verified, and its PIN.
async fn verified(app: &TestApp, server: &SmtpServer, agent: &Member, number: usize) -> (Asker, String) {
    let email = format!("p{number}@example.com");
    app.account(&email).await;
    let asker = app.ask(&email, "lost_device").await;
    app.tick().await;
    let code = TestApp::letter_of(&letters(server), &email, "code to confirm").digits(6);
    app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
    app.tick().await;
    let pin = app.verified(agent, &asker).await;
    (asker, pin)
}

async fn seen(app: &TestApp, agent: &Member, asker: &Asker) -> Value {
    app.http.get(&asker.desk(""), &agent.token).await.expect(200)
}

/// Where the letter with the key stands, as the agent sees it.
fn key_letter(seen: &Value) -> String {
    let all = seen["letters"].as_array().unwrap();
    text(all.iter().rev().find(|one| one["purpose"] == "setup_key").unwrap(), "state")
}

on_both! {
    /// J1: the mail server is down for a day
    /// | retries with growing pauses, one replica at a time; then the key expires unsent, its plaintext is gone, and the
    /// agent sees it
    async fn j1_a_server_that_is_down_for_a_day_gets_no_expired_key(backend: Backend) {
        let (Pair { mut app, .. }, up) = with_server(backend).await;
        let agent = app.staff("grace", "agent").await;
        let tickets = if app.is_shared() { 4 } else { 1 };
        let mut askers = Vec::new();
        for number in 0..tickets {
            askers.push(verified(&app, &up, &agent, number).await.0);
        }
        for asker in &askers {
            app.approve(&agent, asker).await;
        }
        let down = SmtpServer::start(Security::None).await;
        down.always("CONNECT", Act::HangUp);
        app.writes_to(&format!("smtp://127.0.0.1:{}", down.port), None);
        let pair = Pair::of(app);
        let app = &pair.app;
        let (mut tried_at, mut rounds) = (Vec::new(), 0);
        while let Some(next) = app.rows(WAITS).iter().map(|at| time(at)).min() {
            app.ctx.clock.set(next.max(app.ctx.now()));
            pair.tick().await;
            rounds += 1;
            tried_at.push(app.ctx.now());
            if rounds == 3 {
                assert_eq!(key_letter(&seen(app, &agent, &askers[0]).await), "deferred");
            }
        }
        assert!(rounds >= 25, "{rounds}");
        let tries: usize = app.rows(TRIES).iter().map(|count| count.parse::<usize>().unwrap()).sum();
        let others = app.rows("SELECT CAST(attempts AS TEXT) AS text FROM letters WHERE purpose <> 'setup_key' AND state = 'deferred'");
        let others: usize = others.iter().map(|count| count.parse::<usize>().unwrap()).sum();
        assert_eq!(down.connections(), tries + others, "each try is one replica's");
        if tickets == 1 {
            let pauses: Vec<TimeDelta> = tried_at.windows(2).map(|two| two[1] - two[0]).collect();
            assert!(pauses[..pauses.len() - 1].is_sorted() && pauses[0] < TimeDelta::minutes(2), "{pauses:?}");
            assert_eq!(pauses.iter().max(), Some(&TimeDelta::hours(1)));
        }

        app.after(TimeDelta::hours(1)).await;
        let left = "SELECT id AS text FROM letters WHERE purpose = 'setup_key' AND (payload IS NOT NULL OR state = 'accepted')";
        assert_eq!(app.rows(left), Vec::<String>::new(), "the plaintext is gone");
        let agent = text(&app.sign_in(&agent.email, &app.next_code(&agent.key)).await.expect(201), "token");
        for asker in &askers {
            let seen = app.http.get(&asker.desk(""), &agent).await.expect(200);
            assert_eq!((seen["status"].as_str(), seen["reason"].as_str()), (Some("closed"), Some("expired")));
        }
        let alive = "SELECT id AS text FROM authenticators WHERE origin = 'ticket' AND state <> 'revoked'";
        assert_eq!(app.rows(alive), Vec::<String>::new());
    }

    /// J2: the server accepts, then the connection drops
    /// | the same letter, with the same Message-ID, at most 3 times, over all replicas
    async fn j2_a_letter_in_doubt_is_sent_three_times_at_most(backend: Backend) {
        let (pair, server) = with_server(backend).await;
        let app = &pair.app;
        for number in 0..pair.rounds {
            app.account(&format!("p{number}@example.com")).await;
            app.ask(&format!("p{number}@example.com"), "lost_device").await;
        }
        server.always("END", Act::HangUp);
        // While its code is good a letter would be tried oftener: its end alone must not be what stops it.
        for _ in 0..9 {
            pair.tick().await;
            app.ctx.clock.set(app.ctx.now() + TimeDelta::minutes(1));
        }
        let mut copies: HashMap<String, Vec<String>> = HashMap::new();
        for taken in server.taken() {
            let (_, id) = taken.message.split_once("Message-ID: <").unwrap();
            copies.entry(id.split('>').next().unwrap().to_owned()).or_default().push(taken.message);
        }
        assert_eq!(copies.len(), pair.rounds, "each letter has a Message-ID of its own");
        for (id, copies) in &copies {
            assert!(copies.len() == 3 && copies.iter().all(|copy| *copy == copies[0]), "{id}: {}", copies.len());
        }
        let open = "SELECT id AS text FROM letters WHERE next_at IS NOT NULL OR payload IS NOT NULL";
        assert_eq!(app.rows(open), Vec::<String>::new(), "after that it is given up");
    }

    /// J3: the server refuses the letter for good
    /// | the key is dead, the ticket is back with the agent, and the desk is told
    async fn j3_a_hard_bounce_kills_the_key(backend: Backend) {
        let (pair, server) = with_server(backend).await;
        let app = &pair.app;
        let agent = app.staff("grace", "agent").await;
        for round in 0..pair.rounds {
            let (asker, pin) = verified(app, &server, &agent, round).await;
            app.approve(&agent, &asker).await;
            // The server reads the letter before it refuses it, so its reader has the key.
            let end = if round % 2 == 0 { "RCPT" } else { "END" };
            server.on(end, Act::Say("550 5.1.1 no such user here"));
            pair.tick().await;
            let seen = seen(app, &agent, &asker).await;
            assert_eq!((seen["status"].as_str(), &*key_letter(&seen)), (Some("in_review"), "bounced"), "{round}");
            let guess = json!({"code": "123456", "pin": pin});
            app.http.post(&asker.path("/activate"), &asker.token, guess).await.refused(409, "conflict");
        }
        let keys = app.rows("SELECT state AS text FROM authenticators");
        assert!(keys.len() == pair.rounds && keys.iter().all(|state| state == "revoked"), "{keys:?}");
        app.tick().await;
        let told = letters(&server).iter().filter(|one| one.to == "desk@example.com").count();
        assert_eq!(told, pair.rounds);
    }

    /// J4: the mail server refuses us, at the recipient or behind the message, as if it were the recipient's fault
    /// | no key is lost: emails wait, the log, `/readyz` and an alarm say so, and they go out by themselves once it is mended
    async fn j4_a_refusal_about_us_costs_no_key(backend: Backend) {
        let (Pair { app, .. }, server) = with_server(backend).await;
        let (agent, admin) = (app.staff("grace", "agent").await, app.staff("root", "admin").await);
        let unwelcome = [
            ("RCPT", "554 5.7.1 <p0@example.com>: Relay access denied"),
            ("RCPT", "553 5.7.1 <bounces@example.com>: Sender address rejected: not owned by user desk"),
            ("RCPT", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using list.example"),
            ("END", "554 5.2.252 SendAsDenied; desk@example.com not allowed to send as security@example.com"),
        ];
        for (number, (word, line)) in unwelcome.into_iter().enumerate() {
            let (asker, pin) = verified(&app, &server, &agent, number).await;
            app.approve(&agent, &asker).await;
            server.always(word, Act::Say(line));
            app.tick().await;
            let waiting = seen(&app, &agent, &asker).await;
            assert_eq!((waiting["status"].as_str(), &*key_letter(&waiting)), (Some("key_sent"), "deferred"), "{line}");
            let ready = app.http.get("/readyz", "").await.expect(200);
            assert_eq!(ready["outbox"], "refused", "{line}");

            let good = if word == "END" { "250 2.0.0 queued" } else { "250 2.1.5 ok" };
            server.always(word, Act::Say(good));
            app.after(TimeDelta::minutes(2)).await;
            let key = TestApp::letter_of(&letters(&server), &asker.email, "new key").key();
            let code = json!({"code": app.next_code(&key), "pin": pin});
            app.http.post(&asker.path("/activate"), &asker.token, code).await.expect(200);
            assert_eq!(app.http.get("/readyz", "").await.expect(200)["outbox"], "ok");
        }
        let alarms = letters(&server).iter().filter(|one| one.to == admin.email && one.subject.contains("does not take")).count();
        assert_eq!(alarms, 1, "one a day");
    }
}

fn time(text: &str) -> NaiveDateTime {
    let text = text.replace('T', " ");
    NaiveDateTime::parse_from_str(text.split('.').next().unwrap(), "%Y-%m-%d %H:%M:%S").unwrap()
}
