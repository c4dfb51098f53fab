//! Too much of everything.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::actors::PASSWORD;
use crate::support::app::TestApp;
use crate::support::client::{Reply, send, text};
use crate::support::database::Backend;
use crate::support::program::Program;
use crate::support::totp::wrong_code;

/// What the flood writes into its tickets; a letter that quoted it would be theirs.
const TEXT: &str = "Win a prize at https://evil.example/now";
/// Networks of the flood, and tickets that each may open in an hour.
const NETWORKS: usize = 100;
const EACH: usize = 100;

async fn floods(app: &TestApp, network: usize, account: &str) -> Reply {
    let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets");
    let request = request.header("x-forwarded-for", format!("198.51.{network}.7"));
    send(request.json(&json!({"account": account, "problem": "other", "message": TEXT}))).await
}

/// How many letters each address got. None holds what the flood wrote.
async fn letters(app: &TestApp) -> HashMap<String, usize> {
    let mut count = HashMap::new();
    for letter in app.letters().await {
        assert!(!letter.raw.contains("evil.example") && !letter.text.contains("prize"), "{}", letter.text);
        *count.entry(letter.to).or_default() += 1;
    }
    count
}

/// A connection of the attacker's own; what the program said until it hung up.
async fn slowly(app: &TestApp, head: &str) -> String {
    let address = app.http.base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    // The program has 10 s for a body and 5 s for headers.
    let read = async {
        while stream.read_buf(&mut said).await.is_ok_and(|read| read > 0) && !said.ends_with(b"}") {}
    };
    tokio::time::timeout(Duration::from_secs(40), read).await.expect("it hangs up");
    String::from_utf8_lossy(&said).into_owned()
}

on_both! {
    /// L1: opens ten thousand tickets for one person, and for a hundred, from a hundred networks
    /// | one open ticket each; three letters a day; none of the requester's text in them; 429 for the network
    async fn l1_a_flood_of_tickets_is_three_letters_and_one_ticket(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.1")]).await;
        app.account("ada@example.com").await;
        let mut opened: Vec<Value> = Vec::new();
        for number in 0..NETWORKS * EACH {
            opened.push(floods(&app, number % NETWORKS, "ada@example.com").await.expect(202));
        }
        for network in 0..NETWORKS {
            let refused = floods(&app, network, "ada@example.com").await;
            refused.refused(429, "too_many_tries");
            assert!(!refused.header("retry-after").is_empty());
        }
        let arrived = app.letters().await;
        assert!(arrived.iter().all(|letter| letter.to == "ada@example.com" && !letter.raw.contains("evil.example")));
        assert_eq!(arrived.len(), 3);
        // Two are confirmed with what the letters say: the second is closed as a duplicate, and one is open.
        for letter in arrived.iter().take(2) {
            let code = json!({"code": letter.digits(6)});
            let of = opened.iter().find(|one| letter.subject.contains(one["reference"].as_str().unwrap())).unwrap();
            let path = format!("/api/v1/tickets/{}/confirm", text(of, "reference"));
            app.http.post(&path, &text(of, "token"), code).await.expect(200);
        }
        let open = "SELECT id AS text FROM tickets WHERE slot IS NOT NULL";
        assert_eq!(app.rows(open).len(), 1);
        letters(&app).await;

        let app = TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.1")]).await;
        for number in 0..EACH {
            app.account(&format!("p{number}@example.com")).await;
        }
        for number in 0..NETWORKS * EACH {
            floods(&app, number % NETWORKS, &format!("p{}@example.com", number % EACH)).await.expect(202);
        }
        let letters = letters(&app).await;
        assert!(letters.len() == EACH && letters.values().all(|count| *count == 3), "{letters:?}");
    }

    /// L1: asks for codes to come back, over and over, to a request that is there and to one for an unknown account
    /// | 202 each time; no more rows than the network may have tickets, and those go; the ticket ends
    async fn l1_a_flood_of_returns_leaves_nothing_behind(backend: Backend) {
        let settings = [("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.1"), ("REKEY__LIMITS__TICKETS_PER_HOUR", "20")];
        let app = TestApp::start(backend, &settings).await;
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        let eve = app.ask("eve@example.com", "other").await;
        for _ in 0..30 {
            for asker in [&ada, &eve] {
                let request = app.http.request(reqwest::Method::POST, &asker.path("/return"));
                let reply = send(request.header("x-forwarded-for", "198.51.100.7")).await;
                assert_eq!(reply.expect(202), json!({"status": "accepted"}));
            }
        }
        app.tick().await;
        let dropped = "SELECT id AS text FROM letters WHERE state = 'dropped'";
        let written = "SELECT id AS text FROM letters WHERE state <> 'dropped'";
        // Eve's first code beside those that the network may ask for; two of these were sent.
        assert_eq!(app.rows(dropped).len(), 1 + 20 - 2);
        let stops = "SELECT hash AS text FROM tokens WHERE kind = 'stop'";
        assert_eq!(app.rows(stops).len(), app.rows(written).len(), "a letter to nobody has no link");
        // Whoever comes from elsewhere has a share of their own.
        app.after(chrono::TimeDelta::days(1)).await;
        app.http.post(&ada.path("/return"), "", json!({})).await.expect(202);
        app.letter("ada@example.com", "code to confirm").await;
        app.after(chrono::TimeDelta::minutes(1)).await;
        assert!(app.rows(dropped).is_empty());
        let seen = app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
        assert_eq!(seen["status"], "closed");
    }

    /// L2: sends slow bodies, slow headers, big bodies, deep JSON, and floods of sign-ins
    /// | 408, 413, 422, 429; whoever else comes meanwhile is served
    async fn l2_what_is_slow_big_deep_or_too_much_is_refused(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let head = "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40\r\n";
        let body = format!("{head}\r\n{{\"account\":");
        let slow: Vec<_> = (0..40).map(|number| if number % 2 == 0 { slowly(&app, head) } else { slowly(&app, &body) }).collect();
        let served = async {
            for _ in 0..20 {
                assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
            }
            let big = json!({"account": "x".repeat(64 * 1024), "problem": "other", "message": ""});
            app.http.post("/api/v1/tickets", "", big).await.refused(413, "invalid");
            let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets");
            let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
            send(request.header("content-type", "application/json").body(deep)).await.refused(422, "invalid");

            let member = app.staff("grace", "agent").await;
            let wrong = json!({"email": member.email, "password": PASSWORD, "code": wrong_code(&app.shown(&member.key))});
            let mut refused = 0;
            for _ in 0..100 {
                let reply = app.http.post("/api/v1/desk/session", "", wrong.clone()).await;
                assert!([401, 429].contains(&reply.status), "{}", reply.text);
                assert_eq!(reply.status == 429, !reply.header("retry-after").is_empty());
                refused += usize::from(reply.status == 429);
            }
            assert!(refused >= 40, "{refused}");
            assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted", "hosts are no network");
        };
        let (said, ()) = tokio::join!(futures_of(slow), served);
        for said in said {
            assert!(said.starts_with("HTTP/1.1 408"), "{said:?}");
        }
    }

    /// L2: signs in over and over, each at the cost of a hash | forty take no more memory than the first ones
    async fn l2_sign_ins_one_after_another_take_the_memory_of_one(backend: Backend) {
        let mut program = Program::on(backend).await;
        program.start().await;
        let mut memory = Vec::new();
        for number in 0..40 {
            let email = format!("x{number}@example.com");
            let wrong = json!({"email": email, "password": PASSWORD, "code": "123456"});
            program.http.post("/api/v1/desk/session", "", wrong).await.refused(401, "unauthenticated");
            memory.push(program.memory());
        }
        // A hash works in 19 MiB.
        assert!(memory[39] < memory[0] + 19 * 1024, "KiB after each: {memory:?}");
    }

    /// L2: signs in with what is wrong, known address or not | the worker, who has letters to send, is not woken for it
    async fn l2_refused_sign_ins_wake_no_worker(app: TestApp) {
        app.staff("grace", "agent").await;
        let is_woken = async || {
            tokio::select! {
                biased;
                () = app.ctx.wake.notified() => true,
                () = std::future::ready(()) => false,
            }
        };
        app.ask("ada@example.com", "other").await;
        assert!(is_woken().await && !is_woken().await);
        for email in ["grace@desk.example.com", "x@example.com"] {
            let wrong = json!({"email": email, "password": PASSWORD, "code": "123456"});
            app.http.post("/api/v1/desk/session", "", wrong).await.refused(401, "unauthenticated");
        }
        assert!(!is_woken().await);
    }
}

/// All of them, side by side.
async fn futures_of<F: Future<Output = String>>(all: Vec<F>) -> Vec<String> {
    let mut waiting: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(said) => {
                done.push(said);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
