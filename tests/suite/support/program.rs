//! The program itself, as operators run it: a process that can be killed, on a folder and a database of its own.
//!
//! The one rule: nothing sleeps for a fixed time; what is waited for is asked for until a deadline.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use rekey::clock::Clock;
use rekey::config::Config;
use serde_json::{Value, json};

use super::actors::PASSWORD;
use super::client::{Client, Reply, text};
use super::database::{Backend, Fresh};
use super::totp;

/// How long a start, or anything else that is waited for, may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A place where the program runs, and the process while it does.
pub struct Program {
    pub http: Client,
    pub database: Fresh,
    settings: Vec<(String, String)>,
    folder: tempfile::TempDir,
    child: Option<Child>,
    log: Option<&'static str>,
}

impl Program {
    /// A fresh place; nothing runs yet.
    pub async fn on(backend: Backend) -> Self {
        let database = Fresh::make(backend).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let http = Client::new(&format!("http://127.0.0.1:{port}"));
        let folder = tempfile::tempdir().unwrap();
        let mut program = Self { http, database, settings: Vec::new(), folder, child: None, log: None };
        let inside = |name: &str| program.path(name).display().to_string();
        let (keys, checkpoints, mail) = (inside("keys.toml"), inside("checkpoints.log"), inside("mail"));
        let url = program.database.url.clone();
        program.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"));
        program.set("HTTP__PUBLIC_URL", &format!("http://127.0.0.1:{port}"));
        program.set("DATABASE__URL", &url);
        program.set("KEYS__FILE", &keys);
        program.set("KEYS__CHECKPOINTS_FILE", &checkpoints);
        program.set("MAIL__FOLDER", &mail);
        program.set("LOG__LEVEL", "error");
        program
    }

    /// A setting, from the next start on: `MAIL__TRANSPORT`, `smtp`.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variable(&format!("REKEY__{name}"), value);
    }

    /// Another variable of the environment, from the next start on.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// From the next start on the log is kept, in that file of the place.
    pub fn keep_log(&mut self, name: &'static str) {
        self.log = Some(name);
    }

    /// A file of the place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings, as the program reads them.
    pub fn config(&self) -> Config {
        let all = self.settings.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Config::load(None, all).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// A command of the program, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekey"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Another program, with the settings of this place and our program on its path.
    pub fn other(&self, program: &str) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_rekey")).parent().unwrap().display().to_string();
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let inside = self.path("bin").display().to_string();
        command.env("PATH", format!("{inside}:{ours}:{}", std::env::var("PATH").unwrap()));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What a command printed as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str], input: &str) -> Value {
        let ended = self.run(arguments, input);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        serde_json::from_slice(&ended.stdout).unwrap()
    }

    /// A host with all scopes: its token.
    pub fn host(&self) -> String {
        text(
            &self.json(&["client", "add", "Shop", "--scope", "accounts,codes,tickets", "--json"], ""),
            "token",
        )
    }

    /// Starts serving, without waiting for it.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let mut serve = self.command(&["serve"]);
        if let Some(name) = &self.log {
            serve.stderr(std::fs::File::options().append(true).create(true).open(self.path(name)).unwrap());
        }
        self.child = Some(serve.stdin(Stdio::null()).spawn().unwrap());
    }

    /// Starts serving on a disk that is small: no file may grow beyond so many KiB, until there is [`Self::room`].
    pub async fn start_within(&mut self, kibibytes: u32) {
        let serve = self.command(&["serve"]);
        let limits = format!("trap '' XFSZ; ulimit -S -f {kibibytes}; exec \"$0\" serve");
        let mut small = self.other("bash");
        small.args(["-c", &limits]).arg(serve.get_program());
        self.child = Some(small.stdin(Stdio::null()).spawn().unwrap());
        self.ready().await;
    }

    /// The disk is small no more.
    pub fn room(&self) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status().unwrap();
        assert!(done.success());
    }

    /// Tells it to stop, and returns its exit code when it has.
    pub async fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        until("it has stopped", async || child.try_wait().unwrap()).await.code()
    }

    /// Starts serving, and returns when it does.
    pub async fn start(&mut self) {
        self.spawn();
        self.ready().await;
    }

    async fn ready(&self) {
        until("the program is ready", async || {
            let asked = self.http.request(reqwest::Method::GET, "/readyz").send().await;
            asked.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
    }

    /// How much memory it has at this moment, in KiB.
    pub fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.as_ref().unwrap().id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Whether it was started and has ended by itself.
    pub fn is_dead(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A member of the staff, signed in and stepped up.
    pub async fn agent(&self, name: &str) -> String {
        let email = format!("{name}@desk.example.com");
        let add = ["staff", "add", &email, "--name", name, "--role", "agent", "--json"];
        let key = text(&self.json(&add, &format!("{PASSWORD}\n")), "secret");
        let body = json!({"email": email, "password": PASSWORD, "code": totp::code(&key, now())});
        let session = text(&self.http.post("/api/v1/desk/session", "", body).await.expect(201), "token");
        let fresh = json!({"code": totp::code(&key, now() + 30)});
        self.http.post("/api/v1/desk/step-up", &session, fresh).await.expect(204);
        session
    }

    /// An account of that host.
    pub async fn account(&self, host: &str, external_id: &str, email: &str) -> Reply {
        let facts = json!({"email": email, "name": "Ada Lovelace", "phone": "+442079460000"});
        self.http.put(&format!("/api/v1/accounts/{external_id}"), host, facts).await
    }

    /// The one column, called `text`, of a query.
    pub fn query(&self, sql: &str) -> Vec<String> {
        rows(&self.database.url, sql)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The present, in seconds of Unix: these stories are told in real time.
pub fn now() -> i64 {
    Clock::system().now().and_utc().timestamp()
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The letters in a folder: each file's name without its ending, and the message.
pub fn letters_in(folder: &Path) -> Vec<(String, String)> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let read = |file: std::fs::DirEntry| {
        let path = file.path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Some((name, std::fs::read_to_string(path).ok()?))
    };
    files.filter_map(|file| read(file.ok()?)).collect()
}

/// The one column, called `text`, of a query on a database.
pub fn rows(url: &str, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let query = diesel::sql_query(sql);
    let lines: Vec<Line> = match url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            query.load(&mut conn).unwrap()
        }
        None => query.load(&mut PgConnection::establish(url).unwrap()).unwrap(),
    };
    lines.into_iter().map(|line| line.text).collect()
}
