//! What stands around the program: a pooler before the database, a server that cannot be used, a URL that is misread.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use rekey::clock::Clock;
use rekey::db::{Db, Error};

use crate::support::app::TestApp;
use crate::support::cluster::{Cluster, is_root};
use crate::support::database::{Backend, open};
use crate::support::program::{Program, rows, until};

/// pgbouncer before a story's database, gone with it.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start(program: &Program, mode: &str) -> Self {
        let url = url::Url::parse(&program.database.url).unwrap();
        let (host, port) = (url.host_str().unwrap(), url.port().unwrap_or(5432));
        let name = url.path().trim_start_matches('/');
        let folder = tempfile::tempdir().unwrap();
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = folder.path().join("pgbouncer.ini");
        // A session keeps its connection to the server, so there have to be as many as the program and a command open.
        let size = if mode == "session" { 20 } else { 4 };
        let text = format!(
            "[databases]\n{name} = host={host} port={port} user=rekey dbname={name}\n[pgbouncer]\nlisten_addr=127.0.0.1\n\
             listen_port={listen}\nunix_socket_dir=\nauth_type=any\npool_mode={mode}\ndefault_pool_size={size}\n"
        );
        std::fs::write(&settings, text).unwrap();
        open_up(folder.path());
        let mut command = Command::new("/usr/sbin/pgbouncer");
        if is_root() {
            // It refuses to run as root, and changes to a user who must read its settings.
            command.args(["--user", "nobody"]);
        }
        command.arg("--quiet").arg(&settings);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self { child: child.expect("pgbouncer is there: script/setup"), port: listen, _folder: folder }
    }

    async fn wait(&self) {
        until("the pooler listens", async || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok())
            .await;
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The program behind a pooler in that mode: it works, and leaves nothing behind on the server's connections.
async fn works_behind_a_pooler(mode: &str) {
    let mut program = Program::on(Backend::Postgres).await;
    let pooler = Pooler::start(&program, mode);
    pooler.wait().await;
    let direct = program.database.url.clone();
    let name = direct.rsplit('/').next().unwrap();
    program.set("DATABASE__URL", &format!("postgres://rekey@127.0.0.1:{}/{name}", pooler.port));
    for command in ["migrate", "check", "migrate"] {
        let ended = program.run(&[command], "");
        assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    }
    let locks = format!(
        "SELECT locktype AS text FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND d.datname = '{name}'"
    );
    assert_eq!(rows(&direct, &locks), Vec::<String>::new());
    let host = program.host();
    program.start().await;
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..40 {
        let request = program.http.request(reqwest::Method::PUT, &format!("/api/v1/accounts/p{number}"));
        let facts = serde_json::json!({"email": format!("p{number}@example.com"), "name": "Ada"});
        asked.spawn(request.bearer_auth(&host).json(&facts).send());
    }
    for answer in asked.join_all().await {
        assert_eq!(answer.unwrap().status(), 201);
    }
    if mode == "transaction" {
        // Another program gets the server's connections as they were, of whichever the pooler has.
        let shared = format!("postgres://rekey@127.0.0.1:{}/{name}", pooler.port);
        for setting in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
            for _ in 0..8 {
                assert_eq!(
                    rows(&shared, &format!("SELECT current_setting('{setting}') AS text")),
                    ["0"],
                    "{setting}"
                );
            }
        }
    }
    let verified = program.json(&["audit", "verify", "--json"], "");
    assert_eq!(verified["intact"], true, "{verified}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_pooler_in_session_mode_is_worked_with() {
    works_behind_a_pooler("session").await;
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_worked_with_and_left_as_it_was() {
    works_behind_a_pooler("transaction").await;
}

#[tokio::test]
async fn a_standby_is_refused_at_start_with_what_to_do() {
    let mut program = Program::on(Backend::Sqlite).await;
    let cluster = Cluster::start().await;
    program.set("DATABASE__URL", &cluster.url("rekey"));
    assert!(program.run(&["migrate"], "").status.success());
    program.host();
    cluster.stand_by();
    for command in ["check", "migrate", "serve"] {
        let ended = program.run(&[command], "");
        let said = text(&ended.stdout) + &text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("is a standby") && said.contains("target_session_attrs=read-write"), "{said}");
    }
    cluster.promote();
    assert!(program.run(&["check"], "").status.success());
}

#[tokio::test]
async fn a_database_that_cannot_keep_every_character_is_refused_at_start() {
    let mut program = Program::on(Backend::Sqlite).await;
    let cluster = Cluster::start().await;
    let make = "CREATE DATABASE old ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";
    crate::support::database::run(&cluster.url("postgres"), make);
    program.set("DATABASE__URL", &cluster.url("old"));
    let ended = program.run(&["migrate"], "");
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("keeps text as SQL_ASCII"), "{}", text(&ended.stderr));
}

#[tokio::test]
async fn no_part_of_a_password_in_the_database_s_url_is_printed() {
    let mut program = Program::on(Backend::Sqlite).await;
    for (password, is_refused) in [
        ("Winter%zoo-Lighthouse", true),
        ("Winter@Lighthouse", true),
        ("Winter/Lighthouse", true),
        ("Winter?Lighthouse", false),
        ("Winter&Lighthouse=1", false),
        ("Winter'Lighthouse\\", false),
    ] {
        program.set("DATABASE__URL", &format!("postgres://rekey:{password}@127.0.0.1:1/rekey"));
        for command in ["check", "migrate", "serve"] {
            let ended = program.run(&[command], "");
            let said = text(&ended.stdout) + &text(&ended.stderr);
            assert_eq!(ended.status.code(), Some(1), "{command}: {said}");
            assert!(!said.contains("Winter") && !said.contains("Lighthouse"), "{command}: {said}");
            assert_eq!(said.contains("special characters as %XX"), is_refused, "{command}: {said}");
        }
    }
}

/// A server that speaks German, which its role may change or not.
async fn german(role: &str) -> (tempfile::TempDir, Cluster, String) {
    let locales = tempfile::tempdir().unwrap();
    open_up(locales.path());
    let german = locales.path().join("de_DE.UTF-8");
    let made = Command::new("localedef").args(["-i", "de_DE", "-f", "UTF-8"]).arg(&german).status();
    assert!(made.expect("localedef is there: script/setup").success());
    let cluster = Cluster::start_with(vec![format!("LOCPATH={}", locales.path().display())]).await;
    let root = cluster.url("rekey");
    crate::support::database::run(&root, "ALTER DATABASE rekey SET lc_messages = 'de_DE.UTF-8'");
    crate::support::database::run(&root, "CREATE ROLE plain LOGIN; ALTER DATABASE rekey OWNER TO plain");
    let said = diesel::PgConnection::establish(&root).unwrap().batch_execute("SELECT 1 / 0").unwrap_err();
    assert!(said.to_string().contains("durch Null"), "the server has no German: {said}");
    let url = root.replace("rekey@", &format!("{role}@"));
    (locales, cluster, url)
}

async fn a_dead_lock_and_a_time_out_are_known(db: &Db) {
    let slow = db.write(|conn| {
        Ok::<_, Error>(conn.batch_execute("SET LOCAL statement_timeout = 50; SELECT pg_sleep(9)")?)
    });
    assert!(matches!(slow.await, Err(Error::Unavailable(_))));
    let meet = Arc::new(Barrier::new(2));
    let locks = |first: u8, second: u8| {
        let (db, meet, is_first) = (db.clone(), Arc::clone(&meet), AtomicBool::new(true));
        tokio::spawn(async move {
            db.write(move |conn| {
                conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({first})"))?;
                if is_first.swap(false, Ordering::SeqCst) {
                    meet.wait();
                }
                Ok::<_, Error>(conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({second})"))?)
            })
            .await
        })
    };
    let (one, other) = tokio::join!(locks(1, 2), locks(2, 1));
    assert!(one.unwrap().is_ok() && other.unwrap().is_ok(), "the one that was chosen is tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_speaks_german_is_asked_for_english() {
    let (_locales, _cluster, url) = german("rekey").await;
    let db = open(&url);
    db.migrate().await.unwrap();
    a_dead_lock_and_a_time_out_are_known(&db).await;
    assert_eq!(db.warnings(Clock::system().now()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_speaks_german_and_no_english_is_told_of_and_worked_with() {
    let (_locales, _cluster, url) = german("plain").await;
    let db = open(&url);
    db.migrate().await.unwrap();
    a_dead_lock_and_a_time_out_are_known(&db).await;
    let warnings = db.warnings(Clock::system().now());
    assert!(warnings.len() == 1 && warnings[0].contains("SET lc_messages = 'C'"), "{warnings:?}");
    let mut program = Program::on(Backend::Sqlite).await;
    program.set("DATABASE__URL", &url);
    let checked = program.run(&["check"], "");
    assert!(
        checked.status.success() && text(&checked.stdout).contains("(de_DE.UTF-8)"),
        "{}",
        text(&checked.stdout)
    );
}

on_both! {
    async fn what_is_looked_at_is_looked_at_with_head_too(app: TestApp) {
        let agent = app.staff("grace", "admin").await;
        app.account("ada@example.com").await;
        for (path, bearer) in [
            ("/healthz", ""),
            ("/readyz", ""),
            ("/.well-known/security.txt", ""),
            ("/api/v1/openapi.json", ""),
            ("/api/v1/docs", ""),
            ("/", ""),
            ("/api/v1/desk/tickets", agent.token.as_str()),
            ("/api/v1/desk/audit", agent.token.as_str()),
            ("/api/v1/accounts/ada", app.host_token.as_str()),
            ("/api/v1/accounts/nobody", app.host_token.as_str()),
            ("/api/v1/accounts/ada", ""),
        ] {
            let asked = async |method| {
                app.http.request(method, path).bearer_auth(bearer).send().await.unwrap()
            };
            let (got, head) = (asked(reqwest::Method::GET).await, asked(reqwest::Method::HEAD).await);
            assert_eq!(got.status(), head.status(), "{path}");
            assert_ne!(got.status(), 405, "{path}");
            assert_eq!(got.headers().get("content-type"), head.headers().get("content-type"), "{path}");
            assert!(head.bytes().await.unwrap().is_empty(), "{path}");
        }
    }
}
