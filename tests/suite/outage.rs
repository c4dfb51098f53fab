//! The database goes away under the program that runs, and comes back; or the key ring is not what it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::client::{Reply, text};
use crate::support::database::Backend;
use crate::support::program::{Program, until};
use crate::support::smtp_server::{Act, Security, SmtpServer};

/// The program, its letters going to a server of ours, and a host's token.
async fn with_mail_server(backend: Backend) -> (SmtpServer, Program, String) {
    let server = SmtpServer::start(Security::None).await;
    let mut program = Program::on(backend).await;
    program.set("MAIL__TRANSPORT", "smtp");
    program.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port));
    let host = program.host();
    program.start().await;
    (server, program, host)
}

/// Said byte by byte it takes some eight seconds until the server will take a letter.
const SLOWLY: &str = "354 one moment, please, and then another, for here everything is looked at with great care, each letter \
    of it, before the word is given that may be waited for, and has to be, by whoever writes to us; go ahead";

/// What becomes of a connection to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Cut, and refused.
    Closed,
    /// Taken, and never answered.
    Silent,
}

/// A way to the database that can be closed.
struct Proxy {
    way: watch::Sender<Way>,
    port: u16,
}

impl Proxy {
    async fn to(host: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, watched) = watch::channel(Way::Open);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, host.clone(), watched.clone()));
            }
        });
        Self { way, port }
    }
}

async fn pass(mut near: TcpStream, host: String, mut way: watch::Receiver<Way>) {
    let now = *way.borrow_and_update();
    if now == Way::Open {
        let mut far = TcpStream::connect(host).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => {}
            _ = way.changed() => {}
        }
    }
    // What falls silent keeps the connection until the way changes again.
    if *way.borrow_and_update() == Way::Silent {
        let _ = way.changed().await;
    }
}

/// A program that reaches its PostgreSQL through a proxy, one host, and the host's token.
async fn behind_a_proxy() -> (Program, Proxy, String) {
    let mut program = Program::on(Backend::Postgres).await;
    let mut url = url::Url::parse(&program.database.url).unwrap();
    let proxy = Proxy::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    program.set("DATABASE__URL", url.as_str());
    let host = program.host();
    program.start().await;
    (program, proxy, host)
}

/// 503 in time, as problem details that say when to come back.
fn is_an_outage(reply: &Reply, since: Instant) {
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    reply.refused(503, "unavailable");
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
}

async fn gone_and_back(way: Way) {
    let (program, proxy, host) = behind_a_proxy().await;
    let program = Arc::new(program);
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (program, host) = (Arc::clone(&program), host.clone());
        writers.spawn(async move {
            let mut put = Vec::new();
            for n in 0.. {
                let name = format!("w{writer}n{n}");
                let since = Instant::now();
                let reply = program.account(&host, &name, &format!("{name}@example.com")).await;
                if reply.status != 201 {
                    is_an_outage(&reply, since);
                    break;
                }
                put.push(name.clone());
                let asks = json!({"account": name, "problem": "lost_device", "message": "Gone."});
                let since = Instant::now();
                let reply = program.http.post("/api/v1/tickets", "", asks).await;
                if reply.status != 202 {
                    is_an_outage(&reply, since);
                    break;
                }
            }
            put
        });
    }
    until("something is written", async || {
        let written = program.query("SELECT id AS text FROM tickets");
        (written.len() > 10).then_some(())
    })
    .await;
    proxy.way.send(way).unwrap();
    let put: Vec<String> = writers.join_all().await.into_iter().flatten().collect();

    let since = Instant::now();
    is_an_outage(&program.http.get("/api/v1/accounts/w0n0", &host).await, since);
    let since = Instant::now();
    let ready = program.http.get("/readyz", "").await;
    assert_eq!((ready.status, ready.json()["database"].as_str()), (503, Some("failed")), "{}", ready.text);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    assert_eq!(program.http.get("/healthz", "").await.status, 200);

    proxy.way.send(Way::Open).unwrap();
    until("it is ready again", async || (program.http.get("/readyz", "").await.status == 200).then_some(()))
        .await;
    for name in &put {
        program.http.get(&format!("/api/v1/accounts/{name}"), &host).await.expect(200);
    }
    assert_eq!(program.account(&host, "after", "after@example.com").await.status, 201);
    let half = "SELECT t.id AS text FROM tickets t WHERE
        NOT EXISTS (SELECT 1 FROM letters l WHERE l.ticket_id = t.id)
        OR NOT EXISTS (SELECT 1 FROM tokens k WHERE k.ticket_id = t.id)
        OR NOT EXISTS (SELECT 1 FROM challenges c WHERE c.ticket_id = t.id)";
    assert_eq!(program.query(half), Vec::<String>::new(), "tickets that are half there");
    until("letters go out again", async || {
        program.query("SELECT id AS text FROM letters WHERE state = 'queued'").is_empty().then_some(())
    })
    .await;
    let verified = program.json(&["audit", "verify", "--json"], "");
    assert_eq!(verified["intact"], true, "{verified}");
}

// Commands block their thread, and the proxy needs one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_cut_off_is_told_in_time_and_nothing_is_half_done() {
    gone_and_back(Way::Closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_falls_silent_is_told_in_time_and_nothing_is_half_done() {
    gone_and_back(Way::Silent).await;
}

on_both! {
    async fn a_mail_server_that_says_nothing_holds_up_letters_alone(backend: Backend) {
        let server = SmtpServer::start(Security::None).await;
        server.always("CONNECT", Act::Stall);
        let mut program = Program::on(backend).await;
        program.set("MAIL__TRANSPORT", "smtp");
        program.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port));
        let host = program.host();
        program.start().await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let asks = json!({"account": "ada", "problem": "lost_device", "message": "Gone."});
        program.http.post("/api/v1/tickets", "", asks).await.expect(202);
        until("the server is asked", async || (server.connections() > 0).then_some(())).await;
        let since = Instant::now();
        program.account(&host, "bob", "bob@example.com").await.expect(201);
        until("the log is sealed", async || {
            let waits = program.query("SELECT id AS text FROM audit_entries WHERE position IS NULL");
            waits.is_empty().then_some(())
        })
        .await;
        // The server has half a minute to greet us.
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    }

    async fn a_letter_that_the_mail_server_leaves_hanging_holds_up_no_other(backend: Backend) {
        let (server, program, host) = with_mail_server(backend).await;
        let ask = async |name: &str| {
            let email = format!("{name}@example.com");
            program.account(&host, name, &email).await.expect(201);
            let asks = json!({"account": email, "problem": "lost_device", "message": "My phone is gone."});
            program.http.post("/api/v1/tickets", "", asks).await.expect(202);
        };
        // It has two minutes to say whether it takes a letter.
        server.on("END", Act::Stall);
        ask("ada").await;
        until("the first letter is under way", async || {
            server.heard().iter().any(|line| line.starts_with("DATA")).then_some(())
        })
        .await;
        ask("bob").await;
        until("the second letter is taken", async || {
            server.taken().iter().any(|letter| letter.to == "bob@example.com").then_some(())
        })
        .await;
    }

    async fn a_key_that_dies_while_the_mail_server_takes_its_time_is_not_sent(backend: Backend) {
        let (server, program, host) = with_mail_server(backend).await;
        let agent = program.agent("grace").await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let asks = json!({"account": "ada", "problem": "lost_device", "message": "My phone is gone."});
        let opened = program.http.post("/api/v1/tickets", "", asks).await.expect(202);
        let reference = text(&opened, "reference");
        let desk = async |call: &str, body: serde_json::Value| {
            let path = format!("/api/v1/desk/tickets/{reference}{call}");
            program.http.post(&path, &agent, body).await.expect(200);
        };
        let met = json!({"method": "in_person", "outcome": "passed", "note": "badge seen"});
        desk("/claim", json!({})).await;
        desk("/evidence", met).await;
        let notices = server.taken().len();
        until("the other letters are taken", async || (server.taken().len() >= notices.max(2)).then_some(())).await;
        server.always("DATA", Act::Drip(SLOWLY));
        desk("/approve", json!({"account": "ada@example.com", "reason": "verified"})).await;
        until("the letter is under way", async || {
            server.heard().last().is_some_and(|line| line == "DATA").then_some(())
        })
        .await;
        let ended = server.ended();
        desk("/freeze", json!({"reason": "a strange call"})).await;
        until("the worker has hung up, or the letter is taken", async || {
            let has_key = server.taken().iter().any(|letter| letter.message.contains("rk_act_"));
            (server.ended() > ended || has_key).then_some(())
        })
        .await;
        assert!(!server.taken().iter().any(|letter| letter.message.contains("rk_act_")));
    }

    async fn a_key_ring_that_cannot_be_read_stops_the_start_and_is_not_replaced(backend: Backend) {
        let program = Program::on(backend).await;
        program.host();
        let ring = program.path("keys.toml");
        let kept = std::fs::read(&ring).unwrap();
        for broken in [&b""[..], b"\xff\xfe", b"no = \"ring\"", &kept[..kept.len() / 2]] {
            std::fs::write(&ring, broken).unwrap();
            let ended = program.run(&["serve"], "");
            let said = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(1), "{said}");
            assert!(said.contains("key ring") && said.contains("restore"), "{said}");
            assert_eq!(std::fs::read(&ring).unwrap(), broken);
        }
        std::fs::write(&ring, kept).unwrap();
        program.json(&["client", "list", "--json"], "");
    }
}
