//! The program itself, as another process, and calls to it.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use rekey::crypto::{Crypto, KeyRing};
use rekey::db::{DatabaseSettings, Db};
use reqwest::Client;
use serde_json::Value;

use crate::Outcome;

/// A place where the program runs, and the process while it does.
pub(crate) struct Program {
    pub(crate) url: String,
    pub(crate) client: Client,
    environment: HashMap<&'static str, String>,
    child: Option<Child>,
    home: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Program {
    /// A fresh place with a migrated database; nothing runs yet.
    pub(crate) fn new(database: Option<String>) -> Outcome<Self> {
        let home = tempfile::tempdir()?;
        let file = |name: &str| home.path().join(name).display().to_string();
        let environment = HashMap::from([
            ("REKEY__DATABASE__URL", database.unwrap_or_else(|| format!("sqlite://{}", file("rekey.db")))),
            ("REKEY__KEYS__FILE", file("keys.toml")),
            ("REKEY__KEYS__CHECKPOINTS_FILE", file("checkpoints.jsonl")),
            ("REKEY__MAIL__TRANSPORT", "folder".to_owned()),
            ("REKEY__MAIL__FOLDER", file("mail")),
            ("REKEY__LOG__LEVEL", "error".to_owned()),
            ("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("REKEY__POLICY__APPROVALS_PER_HOUR", "10000".to_owned()),
            ("REKEY__LIMITS__TICKETS_PER_HOUR", "1000000".to_owned()),
        ]);
        let client = Client::builder().pool_max_idle_per_host(128).build()?;
        let mut program = Self { url: String::new(), client, environment, child: None, home };
        program.move_to(free_port()?);
        program.run(&["migrate"], "")?;
        Ok(program)
    }

    /// Another replica of the same place.
    pub(crate) fn replica(&self) -> Outcome<Self> {
        let mut other = Self {
            url: String::new(),
            client: self.client.clone(),
            environment: self.environment.clone(),
            child: None,
            home: tempfile::tempdir()?,
        };
        other.move_to(free_port()?);
        Ok(other)
    }

    fn move_to(&mut self, port: u16) {
        self.url = format!("http://127.0.0.1:{port}");
        self.set("REKEY__HTTP__LISTEN", format!("127.0.0.1:{port}"));
        self.set("REKEY__HTTP__PUBLIC_URL", self.url.clone());
    }

    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.environment.insert(name, value);
    }

    pub(crate) fn database(&self) -> &str {
        &self.environment["REKEY__DATABASE__URL"]
    }

    /// Its database, with the key of its rows.
    pub(crate) fn rows(&self) -> Outcome<Db> {
        let ring = KeyRing::load(&self.path("keys.toml"))?;
        let url = self.database().to_owned().into();
        let db = Db::open(&DatabaseSettings { url, readers: 1, connections: 1 })?;
        db.sign_rows_with(Crypto::new(ring).row_key());
        Ok(db)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts serving; returns how long it took until it was ready.
    pub(crate) async fn start(&mut self) -> Outcome<Duration> {
        let started = Instant::now();
        let child = rekey()
            .arg("serve")
            .envs(&self.environment)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        self.child = Some(child);
        let ready = format!("{}/readyz", self.url);
        while !self.client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            if started.elapsed() > Duration::from_mins(1) {
                return Err("the program did not become ready".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(started.elapsed())
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Outcome<Value> {
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

    /// Runs a command of the program to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Outcome<String> {
        let mut child = rekey()
            .args(arguments)
            .envs(&self.environment)
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

    fn proc(&self, file: &str) -> Outcome<String> {
        let id = self.child.as_ref().ok_or("it does not run")?.id();
        Ok(std::fs::read_to_string(format!("/proc/{id}/{file}"))?)
    }

    /// Resident memory now, in MiB.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        Ok(field(&self.proc("status")?, "VmRSS:")? as f64 / 1024.0)
    }

    /// The most that it ever was, in MiB.
    pub(crate) fn most_memory(&self) -> Outcome<f64> {
        Ok(field(&self.proc("status")?, "VmHWM:")? as f64 / 1024.0)
    }

    /// Bytes that it has had written to the disk: by itself, or to the log of its PostgreSQL.
    pub(crate) fn written(&self) -> Outcome<u64> {
        if self.database().starts_with("sqlite") {
            return field(&self.proc("io")?, "write_bytes:");
        }
        let log = "SELECT (pg_current_wal_lsn() - '0/0')::bigint AS count";
        Ok(count(self.database(), log)?.try_into()?)
    }

    /// Processor time that it has used; the kernel counts in hundredths of a second.
    pub(crate) fn processor(&self) -> Outcome<Duration> {
        let stat = self.proc("stat")?;
        let behind = stat.rsplit_once(')').ok_or("no stat")?.1;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

fn field(text: &str, name: &str) -> Outcome<u64> {
    let line = text.lines().find(|line| line.starts_with(name)).ok_or("no such field")?;
    Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
}

fn rekey() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rekey"))
}

/// The `count` that a query gives.
pub(crate) fn count(database: &str, query: &str) -> Outcome<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = diesel::sql_query(query);
    let found: Count = match database.strip_prefix("sqlite://") {
        Some(path) => query.get_result(&mut SqliteConnection::establish(path)?)?,
        None => query.get_result(&mut PgConnection::establish(database)?)?,
    };
    Ok(found.count)
}
