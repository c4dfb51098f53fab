//! The command line, as operators call it: the program itself, on a folder and a database of its own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::Value;

use crate::support::database::{Backend, Fresh};

/// A place to run the program in.
struct Place {
    folder: tempfile::TempDir,
    database: Option<Fresh>,
    port: u16,
}

/// How a command ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}", self.out))
    }

    #[track_caller]
    fn failed(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }
}

impl Place {
    async fn on(backend: Backend) -> Self {
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Fresh::make(backend).await),
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder: tempfile::tempdir().unwrap(), database, port }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekey"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("REKEY__HTTP__LISTEN", format!("127.0.0.1:{}", self.port));
        if let Some(database) = &self.database {
            command.env("REKEY__DATABASE__URL", &database.url);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A command that refuses its arguments reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ended::of(&child.wait_with_output().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn add_ada(&self) -> Ended {
        let add = ["staff", "add", "ada@example.com", "--name", "Ada", "--role", "agent,approver", "--json"];
        self.run_with(&add, "correct horse battery staple\n")
    }
}

/// A server of the program's own, ended with the test.
struct Serving(Child);

impl Serving {
    fn start(place: &Place) -> Self {
        Self(place.command(&["serve"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn terminate(&mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA+fZq3FTILKJEubwlM5kTFB5TOoAd0Y5wde2pJT+vPFE=\n\
                   -----END PUBLIC KEY-----\n";

#[tokio::test]
async fn wrong_settings_are_all_told_at_once_and_wrong_usage_is_no_failure_of_ours() {
    let place = Place::on(Backend::Sqlite).await;
    let ended = Ended::of(
        &place.command(&["serve"]).env("REKEY__FOO", "1").env("REKEY__LOG__LEVEL", "=[").output().unwrap(),
    );
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("REKEY__FOO") && ended.err.contains("log.level"), "{}", ended.err);
    place.write("bad.toml", "[http]\nlisten = 5\nmisten = \"x\"\n");
    let ended = place.run(&["--config", "bad.toml", "check"]);
    assert!(
        ended.code == 2 && ended.err.contains("http.listen") && ended.err.contains("misten"),
        "{}",
        ended.err
    );
    place.run(&["staff", "add", "ada@example.com"]).failed(2, "--name");
    place.run(&["staff", "set", "ada@example.com", "--role", "king"]).failed(2, "roles are");
    place.run(&["fly"]).failed(2, "unrecognized");
    assert!(!place.path().join("var/rekey.db").exists(), "nothing was made");
}

on_both! {
    async fn staff_are_managed_and_every_change_is_in_the_log(backend: Backend) {
        let place = Place::on(backend).await;
        let added = place.add_ada().json();
        assert_eq!(added["email"], "ada@example.com");
        assert_eq!(added["secret"].as_str().unwrap().len(), 32);
        assert!(added["otpauth_uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{added}");
        place.add_ada().failed(1, "taken");
        place.run_with(&["staff", "add", "bob@example.com", "--name", "Bob", "--role", "admin"], "short\n").failed(2, "too short");
        place.run_with(&["staff", "add", "bob@example.com", "--name", "Bob", "--role", "admin"], "").failed(2, "missing");

        place.run(&["staff", "set", "ada@example.com", "--role", "admin", "--json"]).json();
        place.run(&["staff", "disable", "Ada@Example.com", "--json"]).json();
        let listed = place.run(&["staff", "list", "--json"]).json();
        assert_eq!(listed["items"][0]["roles"], serde_json::json!(["admin"]));
        assert!(listed["items"][0]["disabled_at"].is_string());
        let anew = place.run_with(&["staff", "reset", "ada@example.com", "--json"], "another horse battery\n").json();
        assert_ne!(anew["secret"], added["secret"]);
        assert!(place.run(&["staff", "list", "--json"]).json()["items"][0]["disabled_at"].is_null());
        place.run(&["staff", "lift", "ada@example.com", "--json"]).json();
        place.run(&["staff", "lift", "bob@example.com"]).failed(1, "there is no member");
        let verified = place.run(&["audit", "verify", "--json"]).json();
        assert_eq!((verified["intact"].as_bool(), verified["unsealed"].as_u64()), (Some(true), Some(6)));
    }

    async fn hosts_are_registered_and_shut_out(backend: Backend) {
        let place = Place::on(backend).await;
        place.write("key.pem", KEY);
        place.write("private.pem", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n");
        let add = ["client", "add", "Shop", "--scope", "accounts,codes", "--public-key", "key.pem", "--json"];
        let added = place.run(&add).json();
        assert!(added["token"].as_str().unwrap().starts_with("rk_cli_") && added["id"].is_string(), "{added}");
        place.run(&add).failed(1, "this name is taken");
        place.run(&["client", "add", "X", "--scope", "everything"]).failed(2, "scopes are");
        place.run(&["client", "add", "X", "--scope", "codes", "--public-key", "private.pem"]).failed(2, "private key");
        place.run(&["client", "keys", "Shop", "private.pem"]).failed(2, "private key");
        place.run(&["client", "disable", "Shop", "--json"]).json();
        let listed = place.run(&["client", "list", "--json"]).json();
        assert!(listed["items"][0]["disabled_at"].is_string() && listed["items"][0]["public_keys"] == 1, "{listed}");
        place.run(&["client", "disable", "Nobody"]).failed(1, "there is no host");
        assert_eq!(listed["items"][1]["id"], "local");
        place.run(&["client", "add", "local", "--scope", "codes"]).failed(1, "this name is taken");
        place.run(&["client", "keys", "local", "key.pem"]).failed(2, "built-in");
    }

    async fn where_two_applications_have_an_id_the_command_line_asks_which(backend: Backend) {
        let place = Place::on(backend).await;
        for name in ["Shop", "Wiki"] {
            place.run(&["client", "add", name, "--scope", "accounts", "--json"]).json();
        }
        place.write("people.csv", "external_id,email,name\n1,ada@example.com,Ada\n2,grace@example.com,Grace\n");
        for name in ["Shop", "Wiki", "local"] {
            let import = ["accounts", "import", "people.csv", "--client", name, "--json"];
            assert_eq!(place.run(&import).json()["created"], 2, "{name}");
        }
        place.run_with(&["accounts", "password", "1"], "correct horse\n").failed(2, "--client");
        place.run_with(&["accounts", "password", "1", "--client", "Nowhere"], "correct horse\n").failed(2, "no application");
        place.run_with(&["accounts", "password", "1", "--client", "Wiki", "--json"], "correct horse\n").json();
        let add = ["staff", "add", "g@desk.example", "--name", "G", "--role", "agent", "--account", "2"];
        let password = "correct horse battery staple\n";
        place.run_with(&add, password).failed(2, "--client");
        place.run_with(&[&add[..], &["--client", "Shop", "--json"]].concat(), password).json();

        place.run(&["accounts", "move", "1", "--to", "Wiki"]).failed(2, "--client");
        place.run(&["accounts", "move", "1", "--client", "Shop", "--to", "Wiki"]).failed(1, "this external id is taken");
        place.run(&["accounts", "move", "9", "--to", "Wiki"]).failed(1, "there is no account");
        place.run(&["client", "add", "Forum", "--scope", "accounts", "--json"]).json();
        let moved = place.run(&["accounts", "move", "1", "--client", "Shop", "--to", "Forum", "--json"]).json();
        assert_eq!((moved["external_id"].as_str(), moved["client"].as_str()), (Some("1"), Some("Forum")));
        assert_eq!(place.run(&["audit", "verify", "--json"]).json()["intact"], true);
    }

    async fn a_file_with_a_bad_line_is_not_imported_unless_bad_lines_may_be_left_out(backend: Backend) {
        let place = Place::on(backend).await;
        place.run(&["client", "add", "Shop", "--scope", "accounts"]);
        let mut csv = String::from("external_id,email,name,phone,other_emails,manager_email,tier,locale\n");
        for number in 0..1200 {
            writeln!(csv, "u{number},u{number}@example.com,User {number},,,,,").unwrap();
        }
        csv.push_str("u1200,not an address,X,,,,,\nu5,else@example.com,X,,,,,\nu1201,U7@Example.com,X,,,,,\n");
        place.write("people.csv", &csv);
        let refused = place.run(&["accounts", "import", "people.csv", "--json"]);
        for words in ["line 1202: email", "line 1203: external_id stands", "line 1204: email stands"] {
            assert!(refused.err.contains(words), "{}", refused.err);
        }
        refused.failed(1, "nothing was applied");
        let take = ["accounts", "import", "people.csv", "--skip-bad", "--json"];
        let taken = place.run(&take).json();
        assert_eq!((taken["created"].as_u64(), taken["bad"].as_u64()), (Some(1200), Some(3)));
        let again = place.run(&take).json();
        assert_eq!((again["created"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(1200)));

        place.write("more.ndjson", "{\"external_id\":\"u1\",\"email\":\"u1@example.com\",\"name\":\"Renamed\"}\n{\"external_id\":\"n\",\"email\":\"u2@example.com\",\"name\":\"N\"}\n");
        place.run(&["accounts", "import", "more.ndjson"]).failed(1, "line 2: email is another account's");
        place.run(&["accounts", "import", "none.csv"]).failed(1, "cannot be read");
        place.run(&["accounts", "import", "people.csv", "--client", "Nobody"]).failed(2, "no application");
        place.run_with(&["accounts", "password", "u1", "--json"], "correct horse\n").json();
        place.run_with(&["accounts", "password", "nobody"], "correct horse\n").failed(1, "there is no account");
        assert_eq!(place.run(&["audit", "verify", "--json"]).json()["intact"], true);
    }

    async fn accounts_come_through_a_pipe_and_as_spreadsheets_save_them(backend: Backend) {
        let place = Place::on(backend).await;
        let piped = |file: &str, text: &str| place.run_with(&["accounts", "import", file, "--json"], text);
        let csv = |id: &str| format!("external_id,email,name,,\r\n{id},{id}@example.com,{id},,\r\n,,,,\r\n");
        assert_eq!(piped("-", &csv("a")).json()["created"], 1);
        assert_eq!(piped("/dev/stdin", &csv("b")).json()["created"], 1);
        let json = "{\"external_id\":\"c\",\"email\":\"c@example.com\",\"name\":\"C\"}\n";
        assert_eq!(piped("/dev/stdin", json).json()["created"], 1);

        let import = |more: &[&str]| place.run(&[&["accounts", "import", "saved.csv", "--json"][..], more].concat());
        place.write("saved.csv", "external_id;email;name\nd;d@example.com;\"Lovelace; Ada\"\n");
        import(&[]).failed(2, "--separator semicolon");
        assert_eq!(import(&["--separator", "semicolon"]).json()["created"], 1);
        let text = "\u{feff}external_id\temail\tname\r\ne\te@example.com\tZo\u{eb}\r\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(place.path().join("saved.csv"), utf16).unwrap();
        import(&[]).failed(2, "--encoding utf-16");
        assert_eq!(import(&["--encoding", "utf-16", "--separator", "tab"]).json()["created"], 1);
        std::fs::write(place.path().join("saved.csv"), b"external_id,email,name,Stra\xdfe\n").unwrap();
        import(&[]).failed(2, "not UTF-8");
    }

    async fn the_ring_is_rotated_beside_a_server_that_runs_on(backend: Backend) {
        let place = Place::on(backend).await;
        place.add_ada().json();
        let mut serving = Serving::start(&place);
        let sealed = || place.run(&["audit", "verify", "--json"]).json()["sealed"].as_u64().unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while sealed() < 2 && std::time::Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(sealed(), 2, "the server seals what the command line wrote, and that rows are signed");
        let first = place.run(&["keys", "rotate", "--json"]).json();
        assert_eq!((first["resealed"].as_u64(), first["unopened"].as_u64()), (Some(1), Some(0)));
        let second = place.run(&["keys", "rotate", "--json"]).json();
        assert_ne!(first["key"], second["key"]);
        let listed = place.run(&["keys", "list", "--json"]).json();
        let ids: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), ids[2]), (3, second["key"].as_str().unwrap()));
        place.run(&["keys", "retire", ids[2]]).failed(1, "rotate` first");
        place.run(&["keys", "retire", "00000000"]).failed(1, "there is no key");
        assert_eq!(place.run(&["keys", "retire", ids[0], "--json"]).json()["retired"], true);
        place.run(&["keys", "retire", ids[0]]).failed(1, "there is no key");
        assert_eq!(place.run(&["keys", "list", "--json"]).json()["items"].as_array().unwrap().len(), 2);
        assert_eq!(place.run(&["audit", "verify", "--json"]).json()["intact"], true);
        assert_eq!(serving.terminate(), Some(0));
        place.run(&["check", "--live"]).failed(1, "nothing answers");
    }

    async fn a_database_is_never_opened_with_another_ring_or_with_none(backend: Backend) {
        let place = Place::on(backend).await;
        place.add_ada().json();
        let ring = place.path().join("var/keys.toml");
        let kept = std::fs::read(&ring).unwrap();
        std::fs::remove_file(&ring).unwrap();
        place.run(&["staff", "list"]).failed(1, "restore it from the backup");
        place.run(&["check"]).failed(1, "checks failed");
        assert!(!ring.exists(), "no new ring was made");
        let other = Place::on(Backend::Sqlite).await;
        other.add_ada().json();
        std::fs::copy(other.path().join("var/keys.toml"), &ring).unwrap();
        place.run(&["staff", "list"]).failed(1, "is not the one");
        std::fs::write(&ring, kept).unwrap();
        place.run(&["staff", "list", "--json"]).json();
    }

    async fn check_looks_and_makes_nothing(backend: Backend) {
        let place = Place::on(backend).await;
        let checked = place.run(&["check", "--json"]).json();
        let verdict = |what: &str| {
            let items = checked["items"].as_array().unwrap();
            items.iter().find(|one| one["what"] == what).unwrap()["verdict"].as_str().unwrap().to_owned()
        };
        assert_eq!((verdict("database"), verdict("keys"), verdict("mail")), ("ok".into(), "ok".into(), "ok".into()));
        assert_eq!(verdict("dns records"), "not looked at");
        assert!(!place.path().join("var/keys.toml").exists() && !place.path().join("var/rekey.db").exists());
        let sent = place.run(&["mail", "test", "ada@example.com", "--json"]).json();
        assert_eq!(sent["result"], "accepted");
        let letter = std::fs::read_dir(place.path().join("var/mail")).unwrap().next().unwrap().unwrap();
        assert!(std::fs::read_to_string(letter.path()).unwrap().contains("To: ada@example.com"));
        place.run(&["mail", "test", "nobody"]).failed(2, "no mail address");
        let of_zone = |zone: &str| {
            let mut check = place.command(&["check"]);
            Ended::of(&check.env("REKEY__DESK__ZONE", zone).stdin(Stdio::null()).output().unwrap()).out
        };
        assert!(of_zone("+01:00").contains("without daylight saving"));
        assert!(!of_zone("Europe/Berlin").contains("daylight saving"));
    }
}

#[tokio::test]
async fn a_shared_database_that_is_behind_is_migrated_by_command_only() {
    let place = Place::on(Backend::Postgres).await;
    let url = &place.database.as_ref().unwrap().url;
    let mut conn = PgConnection::establish(url).unwrap();
    conn.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").unwrap();
    place.run(&["staff", "list"]).failed(1, "run `rekey migrate` first");
    place.run(&["serve"]).failed(1, "run `rekey migrate` first");
    let migrated = place.run(&["migrate", "--json"]).json();
    assert!(!migrated["applied"].as_array().unwrap().is_empty(), "{migrated}");
    place.run(&["staff", "list", "--json"]).json();
}

#[tokio::test]
async fn a_backup_is_a_copy_that_replaces_nothing() {
    let place = Place::on(Backend::Sqlite).await;
    place.run(&["backup", "copy.db"]).failed(1, "no database yet");
    place.add_ada().json();
    place.run(&["backup", "copy.db", "--json"]).json();
    place.run(&["backup", "copy.db"]).failed(1, "exists already");
    let listed = Ended::of(
        &place
            .command(&["staff", "list", "--json"])
            .env("REKEY__DATABASE__URL", "sqlite://copy.db")
            .output()
            .unwrap(),
    );
    assert_eq!(listed.json()["items"][0]["email"], "ada@example.com");
    assert_eq!(place.run(&["migrate", "--json"]).json()["applied"], serde_json::json!([]));
}
