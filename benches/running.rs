//! Measures the running program from a second process: start, memory, verification of codes, approve to letter.
//!
//! `script/bench` calls it with a PostgreSQL that syncs. Every figure is printed with what it was measured on.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a measuring that fails says so and ends"
)]

use std::collections::HashMap;
use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::{Value, json};
use sha1::Sha1;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Connections, and how many accounts each round may use up.
const LEVELS: [(usize, usize); 3] = [(1, 1_500), (8, 6_000), (64, 16_000)];
const APPROVALS: usize = 30;

struct Program {
    child: Child,
    url: String,
    environment: HashMap<&'static str, String>,
    client: Client,
    _home: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn rekey() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rekey"))
}

impl Program {
    async fn start(database: Option<String>) -> Outcome<(Self, Duration)> {
        let home = tempfile::tempdir()?;
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let file = |name: &str| home.path().join(name).display().to_string();
        let environment = HashMap::from([
            ("REKEY__HTTP__LISTEN", format!("127.0.0.1:{port}")),
            ("REKEY__HTTP__PUBLIC_URL", url.clone()),
            ("REKEY__DATABASE__URL", database.unwrap_or_else(|| format!("sqlite://{}", file("rekey.db")))),
            ("REKEY__KEYS__FILE", file("keys.toml")),
            ("REKEY__KEYS__CHECKPOINTS_FILE", file("checkpoints.jsonl")),
            ("REKEY__MAIL__TRANSPORT", "folder".to_owned()),
            ("REKEY__MAIL__FOLDER", file("mail")),
            ("REKEY__LOG__LEVEL", "warn".to_owned()),
            ("REKEY__POLICY__APPROVALS_PER_HOUR", "10000".to_owned()),
            ("REKEY__LIMITS__TICKETS_PER_HOUR", "100000".to_owned()),
        ]);
        run(&environment, &["migrate"], "")?;
        let started = Instant::now();
        let child =
            rekey().arg("serve").envs(&environment).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        let client = Client::builder().pool_max_idle_per_host(128).build()?;
        let program = Self { child, url, environment, client, _home: home };
        while program.client.get(format!("{}/readyz", program.url)).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((program, started.elapsed()))
    }

    async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Outcome<Value> {
        let url = format!("{}/api/v1/{path}", self.url);
        let mut request = self.client.request(method.parse()?, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(format!("{method} {path}: {status} {text}").into());
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    fn memory_kib(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
    }
}

fn run(environment: &HashMap<&'static str, String>, arguments: &[&str], input: &str) -> Outcome<String> {
    use std::io::Write;
    let mut child = rekey()
        .args(arguments)
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("rekey {}: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A code of RFC 6238 (SHA-1, 6 digits, 30 s), by an arithmetic that is not the program's.
fn code(secret: &str, ahead: i64) -> String {
    let key = base32(secret);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let step = (now / 30).saturating_add_signed(ahead);
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("any length is a key");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let word = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let mut bits = 0_u64;
    let (mut held, mut bytes) = (0, Vec::new());
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 255) as u8);
        }
    }
    bytes
}

fn percentile(sorted: &[Duration], of: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * of) as usize]
}

/// Enrols accounts `from..to`, and returns their secrets in order.
async fn enrol(program: &Arc<Program>, token: &str, from: usize, to: usize) -> Outcome<Vec<String>> {
    let next = Arc::new(AtomicUsize::new(from));
    let mut tasks = Vec::new();
    for _ in 0..32 {
        let (program, token, next) = (Arc::clone(program), token.to_owned(), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= to {
                    return made;
                }
                let account = json!({"email": format!("p{n}@example.com"), "name": format!("Person {n}")});
                let path = format!("accounts/p{n}");
                program.call("PUT", &path, &token, Some(account)).await.expect("an account");
                let key = program
                    .call("POST", &format!("{path}/authenticator"), &token, None)
                    .await
                    .expect("an enrolment");
                let secret = key["secret"].as_str().expect("a secret").to_owned();
                let body = json!({"code": code(&secret, 0)});
                program
                    .call("POST", &format!("{path}/authenticator/confirm"), &token, Some(body))
                    .await
                    .expect("a confirmation");
                made.push((n, secret));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await?);
    }
    all.sort_unstable();
    Ok(all.into_iter().map(|(_, secret)| secret).collect())
}

async fn verify(
    program: &Arc<Program>,
    token: &str,
    secrets: &[String],
    from: usize,
    connections: usize,
) -> Outcome<()> {
    let jobs: Vec<(usize, String)> =
        secrets.iter().enumerate().map(|(n, secret)| (from + n, code(secret, 1))).collect();
    let jobs = Arc::new(jobs);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let until = started + Duration::from_secs(4);
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (program, token) = (Arc::clone(program), token.to_owned());
        let (jobs, next) = (Arc::clone(&jobs), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while let Some((n, code)) =
                jobs.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| Instant::now() < until)
            {
                let begun = Instant::now();
                let body = json!({"code": code, "first_factor": "password"});
                let answer = program
                    .call("POST", &format!("accounts/p{n}/codes/verify"), &token, Some(body))
                    .await
                    .expect("an answer");
                assert_eq!(answer["result"], "accepted", "account p{n}");
                times.push(begun.elapsed());
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?);
    }
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    times.sort_unstable();
    println!(
        "  verify, {connections:>2} connections   {rate:>8.0} accepted/s   p50 {:>7.2?}   p99 {:>7.2?}   ({} codes)",
        percentile(&times, 0.5),
        percentile(&times, 0.99),
        times.len()
    );
    Ok(())
}

fn mailbox_code(folder: &Path, to: &str) -> Option<String> {
    let letters = std::fs::read_dir(folder).ok()?;
    for letter in letters.flatten() {
        let text = std::fs::read_to_string(letter.path()).unwrap_or_default();
        if !text.contains(to) {
            continue;
        }
        let plain = text.split("text/plain").nth(1)?;
        let digits = plain.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        if let Some(code) = digits {
            return Some(code.to_owned());
        }
    }
    None
}

/// From sending the approval until the desk sees the letter with the key accepted.
async fn approvals(program: &Program, staff: &Value, host: &str) -> Outcome<()> {
    let secret = staff["secret"].as_str().ok_or("no secret")?;
    let sign_in = json!({"email": "agnes@desk.example", "password": "correct horse battery staple", "code": code(secret, -1)});
    let session = program.call("POST", "desk/session", "", Some(sign_in)).await?;
    let session = session["token"].as_str().ok_or("no session")?.to_owned();
    program.call("POST", "desk/step-up", &session, Some(json!({"code": code(secret, 0)}))).await?;
    let folder = program.environment["REKEY__MAIL__FOLDER"].clone();
    let mut times = Vec::new();
    for n in 0..APPROVALS {
        let address = format!("road{n}@example.com");
        let account = json!({"email": address, "name": "Road", "phone": "+44 20 7946 0991"});
        program.call("PUT", &format!("accounts/road{n}"), host, Some(account)).await?;
        let opened = program
            .call(
                "POST",
                "tickets",
                "",
                Some(json!({"account": address, "problem": "lost_device", "message": ""})),
            )
            .await?;
        let (reference, token) = (
            opened["reference"].as_str().ok_or("no reference")?,
            opened["token"].as_str().ok_or("no token")?,
        );
        let typed = loop {
            if let Some(code) = mailbox_code(Path::new(&folder), &address) {
                break code;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        program
            .call("POST", &format!("tickets/{reference}/confirm"), token, Some(json!({"code": typed})))
            .await?;
        let desk = format!("desk/tickets/{reference}");
        program.call("POST", &format!("{desk}/claim"), &session, Some(json!({}))).await?;
        let evidence = json!({"method": "callback", "outcome": "passed", "note": "bench"});
        program.call("POST", &format!("{desk}/evidence"), &session, Some(evidence)).await?;
        let begun = Instant::now();
        let approval = json!({"account": address, "reason": "bench"});
        program.call("POST", &format!("{desk}/approve"), &session, Some(approval)).await?;
        loop {
            let seen = program.call("GET", &desk, &session, None).await?;
            let letters = seen["letters"].as_array().ok_or("no letters")?;
            if letters.iter().any(|one| one["purpose"] == "setup_key" && one["state"] == "accepted") {
                break;
            }
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!(
        "  approve to letter accepted    p50 {:.2?}   p99 {:.2?}   ({APPROVALS} tickets, mail to a folder)",
        percentile(&times, 0.5),
        percentile(&times, 0.99)
    );
    Ok(())
}

async fn measure(name: &str, database: Option<String>) -> Outcome<()> {
    let (program, ready) = Program::start(database).await?;
    println!("{name}");
    println!("  start to ready                {ready:.1?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("  resident, idle                {:.1} MiB", program.memory_kib()? as f64 / 1024.0);
    let staff = run(
        &program.environment,
        &["staff", "add", "agnes@desk.example", "--name", "Agnes", "--role", "agent", "--json"],
        "correct horse battery staple\n",
    )?;
    let staff: Value = serde_json::from_str(&staff)?;
    let host = run(
        &program.environment,
        &["client", "add", "bench", "--scope", "accounts,codes,tickets", "--json"],
        "",
    )?;
    let host: Value = serde_json::from_str(&host)?;
    let host = host["token"].as_str().ok_or("no token")?.to_owned();
    approvals(&program, &staff, &host).await?;
    let program = Arc::new(program);
    let mut from = 0;
    for (connections, accounts) in LEVELS {
        let secrets = enrol(&program, &host, from, from + accounts).await?;
        verify(&program, &host, &secrets, from, connections).await?;
        from += accounts;
    }
    println!("  resident, after the load      {:.1} MiB", program.memory_kib()? as f64 / 1024.0);
    Ok(())
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let cores = std::thread::available_parallelism()?;
        println!("{cores} cores, shared by the program, its load and its database\n");
        measure("SQLite", None).await?;
        if let Ok(server) = std::env::var("REKEY_BENCH_POSTGRES") {
            println!();
            measure("PostgreSQL", Some(server)).await?;
        }
        Ok(())
    })
}
