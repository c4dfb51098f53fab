//! "Nothing was changed" is said only where it is known: commands that were carried out before something else failed, and
//! commits whose answer is lost.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::{Reply, send, text};
use crate::support::crowd::Crowd;
use crate::support::database::Backend;
use crate::support::program::Program;
use crate::twice::checked;

on_both! {
    async fn a_command_whose_ticket_cannot_be_shown_afterwards_is_not_denied(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let mut crowd = Crowd::on(&app.database.url, app.ctx.now());
        // The commands need none of it, and what they answer with does.
        crowd.run("ALTER TABLE looking RENAME TO looked");
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        for (call, body) in [
            ("/claim", json!({})), ("/note", json!({"message": "Nobody at home."})), ("/evidence", called),
            ("/vouch", json!({})),
        ] {
            let reply = app.desk(&agent, &ada, call, body).await;
            reply.refused(500, "unavailable");
            assert!(reply.text.contains("was carried out"), "{call}: {}", reply.text);
        }
        crowd.run("ALTER TABLE looked RENAME TO looking");
        let seen = app.http.get(&ada.desk(""), &agent.token).await.expect(200);
        assert!(seen.to_string().contains("Nobody at home.") && seen.to_string().contains("knew the voice"), "{seen}");
    }

    async fn a_fault_of_ours_claims_nothing(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        Crowd::on(&app.database.url, app.ctx.now()).run("ALTER TABLE messages RENAME TO gone");
        let reply = app.desk(&agent, &ada, "/note", json!({"message": "Nobody at home."})).await;
        reply.refused(500, "unavailable");
        assert!(!reply.text.contains("Nothing was changed") && reply.text.contains("not known"), "{}", reply.text);
    }
}

/// A way to the database that loses the answer of the commit that stores something, once.
struct Lossy {
    /// A statement; the commit behind it is let through, and its answer lost.
    wanted: watch::Sender<Option<&'static str>>,
    port: u16,
}

impl Lossy {
    async fn to(host: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wanted = watch::Sender::new(None);
        let kept = wanted.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (host, wanted) = (host.clone(), kept.clone());
                tokio::spawn(
                    async move { pass(near, TcpStream::connect(host).await.unwrap(), &wanted).await },
                );
            }
        });
        Self { wanted, port }
    }

    fn loses_the_commit_of(&self, statement: &'static str) {
        self.wanted.send_replace(Some(statement));
    }
}

async fn pass(mut near: TcpStream, mut far: TcpStream, wanted: &watch::Sender<Option<&'static str>>) {
    let (mut question, mut answer) = (vec![0; 65536], vec![0; 65536]);
    let mut was_said = false;
    loop {
        tokio::select! {
            asked = near.read(&mut question) => {
                let Ok(length @ 1..) = asked else { return };
                let asked = &question[..length];
                let says = |word: &str| asked.windows(word.len()).any(|found| found == word.as_bytes());
                was_said |= wanted.borrow().is_some_and(says);
                far.write_all(asked).await.unwrap();
                if was_said && says("COMMIT") {
                    wanted.send_replace(None);
                    // The server has done it when it has answered.
                    assert!(far.read(&mut answer).await.unwrap() > 0);
                    return;
                }
            }
            answered = far.read(&mut answer) => {
                let Ok(length @ 1..) = answered else { return };
                near.write_all(&answer[..length]).await.unwrap();
            }
        }
    }
}

/// A program, one host, and an account.
async fn behind_a_lossy_way() -> (Program, Lossy) {
    let mut program = Program::on(Backend::Postgres).await;
    let mut url = url::Url::parse(&program.database.url).unwrap();
    let way = Lossy::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(way.port)).unwrap();
    program.set("DATABASE__URL", url.as_str());
    let host = program.host();
    program.start().await;
    program.account(&host, "ada", "ada@example.com").await.expect(201);
    (program, way)
}

const TICKET: &str = "INSERT INTO \"tickets\"";

/// Opens a ticket whose commit is not answered.
async fn lost(key: Option<&str>) -> (Program, Reply) {
    let (program, way) = behind_a_lossy_way().await;
    way.loses_the_commit_of(TICKET);
    let body = json!({"account": "ada@example.com", "problem": "lost_device", "message": "Gone."});
    let mut request = program.http.request(reqwest::Method::POST, "/api/v1/tickets").json(&body);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let reply = send(request).await;
    assert_eq!(program.query("SELECT id AS text FROM tickets").len(), 1, "it was committed");
    (program, reply)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_said_to_be_unknown() {
    let (_, reply) = lost(None).await;
    reply.refused(503, "unavailable");
    assert!(reply.text.contains("not known whether"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_key_it_is_known_for_the_record_was_committed_with_it() {
    let (program, reply) = lost(Some("key")).await;
    let reference = text(&reply.expect(202), "reference");
    assert_eq!(program.query("SELECT reference AS text FROM tickets"), [reference]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_whose_commit_is_lost_leads_where_it_would_have_led() {
    let (program, way) = behind_a_lossy_way().await;
    let mut ada = Browser::of(&program.http);
    let page = checked(&mut ada).await;
    way.loses_the_commit_of(TICKET);
    let place = ada.send(&page, &[]).await.location();
    ada.send(&page, &[]).await.goes_to(&place);
    assert_eq!(program.query("SELECT id AS text FROM tickets").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_says_so_too() {
    let (mut program, way) = behind_a_lossy_way().await;
    program.kill();
    way.loses_the_commit_of("INSERT INTO \"clients\"");
    let ended = program.run(&["client", "add", "Wiki", "--scope", "tickets"], "");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("not known whether"), "{said}");
    assert_eq!(program.query("SELECT name AS text FROM clients WHERE name = 'Wiki'").len(), 1);
}
