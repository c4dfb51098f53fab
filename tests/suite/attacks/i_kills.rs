//! `kill -9` at any moment, and at each commit. What was answered is there; no key without approval and audit entry; no
//! letter lost, none more than twice, and then with the same Message-ID.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use rekey::app;
use rekey::clock::Clock;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::{Client, text};
use crate::support::database::Backend;
use crate::support::letters::Letter;
use crate::support::program::{self, Program, letters_in, until};
use crate::support::smtp_server::{Security, SmtpServer};
use crate::support::totp;

const ROUNDS: u64 = 6;
/// Another seed kills at other moments.
const SEED: u64 = 0x5eed_0006;

/// What one worker was told before the program died.
#[derive(Debug, Default)]
struct Told {
    /// External ids of accounts that were put.
    accounts: Vec<String>,
    roads: Vec<Road>,
    /// External id, and a code of it that was accepted.
    codes: Vec<(String, String)>,
}

impl Told {
    fn count(&self) -> usize {
        let steps = self.roads.iter().map(|road| 1 + road.answered);
        self.accounts.len() + self.codes.len() + steps.sum::<usize>()
    }
}

/// How far one ticket came.
#[derive(Debug, Default)]
struct Road {
    reference: String,
    token: String,
    answered: usize,
}

type Shared = Arc<Mutex<Told>>;

/// Where all workers of a round knock.
#[derive(Clone)]
struct Door {
    http: Client,
    host: String,
    agent: String,
    told: Shared,
}

impl Door {
    /// The answer to a POST, unless the program is gone; whatever it refuses fails the story.
    async fn post(&self, path: &str, token: &str, body: Value) -> Option<Value> {
        let request = self.http.request(reqwest::Method::POST, path).json(&body);
        self.send(if token.is_empty() { request } else { request.bearer_auth(token) }, path).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> Option<Value> {
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body = answer.text().await.ok()?;
        assert!(status.is_success(), "{path}: {status} {body}");
        Some(serde_json::from_str(&body).unwrap_or_default())
    }

    async fn account(&self, name: &str) -> Option<()> {
        let facts = json!({"email": format!("{name}@example.com"), "name": "Ada", "phone": "+442079460000"});
        let path = format!("/api/v1/accounts/{name}");
        let request = self.http.request(reqwest::Method::PUT, &path).bearer_auth(&self.host).json(&facts);
        self.send(request, &path).await?;
        self.told.lock().unwrap().accounts.push(name.to_owned());
        Some(())
    }

    /// One ticket from the first word to the key, as far as it gets.
    /// Returns the PIN.
    async fn road(&self, name: &str) -> Option<String> {
        self.account(name).await?;
        let asks =
            json!({"account": format!("{name}@example.com"), "problem": "lost_device", "message": "Gone."});
        let opened = self.post("/api/v1/tickets", "", asks).await?;
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        let at = {
            let mut told = self.told.lock().unwrap();
            told.roads.push(Road { reference: reference.clone(), token, answered: 0 });
            told.roads.len() - 1
        };
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        let approves = json!({"account": format!("{name}@example.com"), "reason": "recognised on the call"});
        let steps = [
            ("claim", json!({})),
            ("evidence", called),
            ("pin", json!({})),
            ("reply", json!({"message": format!("Hello {name}")})),
            ("approve", approves),
        ];
        let mut pin = String::new();
        for (step, body) in steps {
            let path = format!("/api/v1/desk/tickets/{reference}/{step}");
            let answer = self.post(&path, &self.agent, body).await?;
            if step == "pin" {
                pin = text(&answer, "pin");
            }
            self.told.lock().unwrap().roads[at].answered += 1;
        }
        Some(pin)
    }

    /// Everything that there is to do, for one person: from the first sign-in to the stopped ticket.
    async fn everything(&self, name: &str, server: &SmtpServer) -> Option<()> {
        self.sign_in(&format!("{name}s")).await?;
        let pin = self.road(name).await?;
        let letter = self.letter(&format!("{name}@example.com"), server).await?;
        let token = letter.token("rk_act_");
        let reference = self.told.lock().unwrap().roads.last().unwrap().reference.clone();
        let activates = json!({"code": totp::code(&letter.key(), program::now()), "pin": pin});
        self.post(&format!("/api/v1/tickets/{reference}/activate"), &token, activates).await?;
        self.post("/api/v1/stop", "", json!({"token": letter.token("rk_stop_")})).await?;
        // The worker goes round once a second: it lives on for as long as that takes.
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.send(self.http.request(reqwest::Method::GET, "/readyz"), "/readyz").await?;
        }
        Some(())
    }

    /// The letter with the key, unless the program dies before.
    async fn letter(&self, to: &str, server: &SmtpServer) -> Option<Letter> {
        loop {
            let taken: Vec<Letter> = server.taken().iter().map(Letter::taken).collect();
            let found = taken.into_iter().find(|one| one.to == to && one.subject.contains("new key"));
            if found.is_some() {
                return found;
            }
            self.send(self.http.request(reqwest::Method::GET, "/healthz"), "/healthz").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The program may die before it is ready.
    async fn until_ready_or_dead(&self, program: &mut Program) {
        until("it is ready, or dead", async || {
            let ready = self.http.request(reqwest::Method::GET, "/readyz").send().await;
            (program.is_dead() || ready.is_ok_and(|answer| answer.status().is_success())).then_some(())
        })
        .await;
    }

    /// One person sets two-factor authentication up, and signs in with the next code.
    async fn sign_in(&self, name: &str) -> Option<()> {
        self.account(name).await?;
        let path = |call: &str| format!("/api/v1/accounts/{name}{call}");
        let key = text(&self.post(&path("/authenticator"), &self.host, json!({})).await?, "secret");
        let right = json!({"code": totp::code(&key, program::now())});
        self.post(&path("/authenticator/confirm"), &self.host, right).await?;
        let next = totp::code(&key, program::now() + 30);
        let attempt = json!({"code": next, "first_factor": "password"});
        let verdict = self.post(&path("/codes/verify"), &self.host, attempt).await?;
        assert_eq!(verdict["result"], "accepted");
        self.told.lock().unwrap().codes.push((name.to_owned(), next));
        Some(())
    }
}

/// Everybody at once, until the program dies: in the middle of something, after it has answered so much.
async fn work_until_it_dies(program: &mut Program, door: &Door, round: u64, random: u64) {
    let mut workers = JoinSet::new();
    for worker in 0..5 {
        let door = door.clone();
        workers.spawn(async move {
            for n in 0.. {
                let name = format!("r{round}w{worker}n{n}");
                let went_on = match worker {
                    0 => door.account(&name).await,
                    1 => door.sign_in(&name).await,
                    _ => door.road(&name).await.map(drop),
                };
                if went_on.is_none() {
                    break;
                }
            }
        });
    }
    let enough = usize::try_from(10 + random % 60).unwrap();
    // In every other round a key must have been sent, however slow the machine hashes its PIN.
    let roads = usize::from(round % 2 == 1);
    until("it answers", async || {
        let told = door.told.lock().unwrap();
        let whole = told.roads.iter().filter(|road| road.answered == 5).count();
        (told.count() >= enough && whole >= roads).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(random % 97)).await;
    program.kill();
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}

/// Whatever was answered before the program died is there.
async fn nothing_was_lost(door: &Door) -> usize {
    let told = std::mem::take(&mut *door.told.lock().unwrap());
    for name in &told.accounts {
        door.http.get(&format!("/api/v1/accounts/{name}"), &door.host).await.expect(200);
    }
    for (name, used) in &told.codes {
        let again = json!({"code": used, "first_factor": "password"});
        let path = format!("/api/v1/accounts/{name}/codes/verify");
        let verdict = door.http.post(&path, &door.host, again).await.expect(200);
        assert_eq!(verdict["result"], "refused", "a code is accepted once: {name}");
    }
    for road in &told.roads {
        let path = format!("/api/v1/tickets/{}", road.reference);
        door.http.get(&path, &road.token).await.expect(200);
        let path = format!("/api/v1/desk/tickets/{}", road.reference);
        let seen = door.http.get(&path, &door.agent).await.expect(200);
        let there = [
            seen["status"] != "unconfirmed",
            seen["evidence"].as_array().unwrap().iter().any(|one| one["method"] == "callback"),
            seen["pin_made"] == true,
            seen["timeline"].to_string().contains("Hello "),
            seen["status"] == "key_sent",
        ];
        // Whoever has come further needs no PIN any more.
        let is_further = seen["status"] == "completed" || seen["status"] == "frozen";
        assert!(
            is_further || there.iter().take(road.answered).all(|step| *step),
            "{} {there:?} {seen}",
            road.answered
        );
    }
    told.count()
}

/// What is due, a minute later, when no letter is held by a worker that died.
async fn a_minute_later(program: &Program) {
    let clock = Clock::set_to(Clock::system().now() + TimeDelta::minutes(1));
    let ctx = app::build_at(program.config(), clock).await.unwrap();
    rekey::worker::tick(&ctx).await.unwrap();
}

fn every_letter_arrived(program: &Program, server: &SmtpServer) -> usize {
    let mut arrived: HashMap<String, usize> = HashMap::new();
    for (id, message) in letters_in(&program.path("mail")) {
        assert!(message.contains(&format!("Message-ID: <{id}@")), "{id}: {message}");
        *arrived.entry(id).or_default() += 1;
    }
    for taken in server.taken() {
        let (_, id) = taken.message.split_once("Message-ID: <").unwrap();
        *arrived.entry(id.split('@').next().unwrap().to_owned()).or_default() += 1;
    }
    let mut halves = std::fs::read_dir(program.path("mail")).into_iter().flatten().flatten();
    assert!(halves.all(|file| file.path().extension().is_some_and(|ending| ending == "eml")));
    let rows =
        program.query("SELECT state || ' ' || message_id AS text FROM letters WHERE state <> 'dropped'");
    for row in &rows {
        let (state, id) = row.split_once(' ').unwrap();
        let times = arrived.remove(id).unwrap_or_default();
        assert!(state == "accepted" && (1..=2).contains(&times), "{row} arrived {times} times");
    }
    assert!(arrived.is_empty(), "letters of things that never happened: {arrived:?}");
    rows.len()
}

const KEYS: &str = "SELECT a.id AS text FROM authenticators a
    WHERE a.origin = 'ticket' AND a.state IN ('pending', 'active') ORDER BY a.id";
const GROUNDED_KEYS: &str = "SELECT a.id AS text FROM authenticators a
    WHERE a.origin = 'ticket' AND a.state IN ('pending', 'active')
    AND EXISTS (SELECT 1 FROM approvals p WHERE p.ticket_id = a.ticket_id AND p.voided_at IS NULL)
    AND EXISTS (SELECT 1 FROM letters l WHERE l.authenticator_id = a.id)
    AND EXISTS (SELECT 1 FROM audit_entries e WHERE e.subject_id = a.id AND e.action = 'key_created')
    AND EXISTS (SELECT 1 FROM audit_entries e WHERE e.subject_id = a.ticket_id AND e.action = 'approved')
    AND EXISTS (SELECT 1 FROM audit_entries e WHERE e.subject_id = a.ticket_id AND e.action = 'key_sent') ORDER BY a.id";

/// A place whose letters go to a server of ours; the agent is not there yet.
async fn stage(backend: Backend) -> (Program, SmtpServer, Door) {
    let mut program = Program::on(backend).await;
    let server = SmtpServer::start(Security::None).await;
    program.set("POLICY__APPROVALS_PER_HOUR", "10000");
    program.set("LIMITS__TICKETS_PER_HOUR", "10000");
    program.set("MAIL__TRANSPORT", "smtp");
    program.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port));
    let door = Door {
        http: program.http.clone(),
        host: program.host(),
        agent: String::new(),
        told: Shared::default(),
    };
    (program, server, door)
}

/// A minute later every letter has arrived, each key has what it needs, and the log verifies. How many of both.
async fn all_is_whole(program: &Program, server: &SmtpServer) -> (usize, usize) {
    a_minute_later(program).await;
    let letters = every_letter_arrived(program, server);
    let keys = program.query(KEYS);
    assert_eq!(keys, program.query(GROUNDED_KEYS), "each key has its approval, its letter and its entries");
    let verified = program.json(&["audit", "verify", "--json"], "");
    assert_eq!(verified["intact"], true, "{verified}");
    (letters, keys.len())
}

on_both! {
    /// I6: `kill -9` at any moment, while many are at work
    /// | after the restart what was answered is there; no key without approval and audit entry, no letter lost; one
    /// duplicate at most, with the same Message-ID
    async fn i6_a_program_that_is_killed_at_any_moment_keeps_what_it_said(backend: Backend) {
        let (mut program, server, mut door) = stage(backend).await;
        program.start().await;
        door.agent = program.agent("grace").await;
        let (mut random, mut answered) = (SEED, 0);
        for round in 0..ROUNDS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            work_until_it_dies(&mut program, &door, round, random >> 33).await;
            // Letters go by both ways, and those that one way left behind by the other.
            program.set("MAIL__TRANSPORT", if round % 2 == 0 { "smtp" } else { "folder" });
            program.start().await;
            answered += nothing_was_lost(&door).await;
        }
        program.kill();
        let (letters, keys) = all_is_whole(&program, &server).await;
        assert!(answered >= 60 && letters > 10 && keys > 0, "{answered} {letters} {keys}");
    }

    /// I6: `kill -9` before and after each single commit of the road
    /// | the same
    async fn i6_a_program_that_is_killed_at_each_commit_keeps_what_it_said(backend: Backend) {
        let (mut program, server, mut door) = stage(backend).await;
        let points = program.path("points");
        program.variable("REKEY_CRASH_POINTS", points.to_str().unwrap());
        program.start().await;
        door.agent = program.agent("grace").await;
        assert!(door.everything("first", &server).await.is_some(), "nobody dies yet");
        program.kill();
        let passed = std::fs::read_to_string(&points).unwrap();
        let points: BTreeSet<&str> = passed.lines().filter(|point| !point.contains("cli")).collect();
        let mut died = Vec::new();
        for (number, point) in points.iter().enumerate() {
            program.variable("REKEY_CRASH_AT", point);
            program.spawn();
            door.until_ready_or_dead(&mut program).await;
            if door.everything(&format!("p{number}"), &server).await.is_none() {
                died.push(*point);
            }
            program.kill();
            program.variable("REKEY_CRASH_AT", "nowhere");
            program.start().await;
            nothing_was_lost(&door).await;
            program.kill();
        }
        for road in ["workflow::open", "workflow::approve", "workflow::deliver::end", "workflow::activate", "workflow::freeze"] {
            let both = died.iter().filter(|point| point.contains(road)).count();
            assert!(both >= 2, "{road}: {died:?}");
        }
        assert!(died.len() >= 30 && died.len() + 8 >= points.len(), "{died:?} of {points:?}");
        all_is_whole(&program, &server).await;
    }
}

/// I6: `kill -9` during the very first start
/// | the next start works
#[tokio::test]
async fn i6_a_first_start_that_is_killed_at_any_moment_is_followed_by_one_that_works() {
    let mut program = Program::on(Backend::Sqlite).await;
    let path = program.database.url.strip_prefix("sqlite://").unwrap().to_owned();
    let mut random = SEED;
    for _ in 0..12 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for file in [path.clone(), format!("{path}-wal"), format!("{path}-shm"), format!("{path}-mark")] {
            let _ = std::fs::remove_file(file);
        }
        for file in std::fs::read_dir(program.path("keys.toml").parent().unwrap()).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("keys.toml") || name.contains("checkpoints") {
                std::fs::remove_file(file).unwrap();
            }
        }
        program.spawn();
        tokio::time::sleep(Duration::from_millis((random >> 33) % 150)).await;
        program.kill();
        program.start().await;
        program.kill();
    }
    program.start().await;
    until("the log is sealed", async || {
        let verified = program.json(&["audit", "verify", "--json"], "");
        (verified["intact"] == true).then_some(())
    })
    .await;
}
