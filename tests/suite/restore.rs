//! A backup is put back over an SQLite database: whole, or not at all, and never under the log of another file.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::json;

use crate::support::database::Backend;
use crate::support::program::{Program, rows};

/// A program with one account, and the files of its database.
struct Place {
    program: Program,
    host: String,
}

impl Place {
    async fn make() -> Self {
        let program = Program::on(Backend::Sqlite).await;
        let host = program.host();
        Self { program, host }
    }

    fn database(&self, end: &str) -> PathBuf {
        format!("{}{end}", self.program.database.url.strip_prefix("sqlite://").unwrap()).into()
    }

    async fn put(&self, name: &str) {
        self.program.account(&self.host, name, &format!("{name}@example.com")).await.expect(201);
    }

    fn accounts(&self) -> Vec<String> {
        self.program.query("SELECT external_id AS text FROM accounts ORDER BY 1")
    }

    /// A command that fails: its words.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.program.run(arguments, "");
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
    }

    fn backup(&self, name: &str) -> String {
        let file = self.program.path(name).display().to_string();
        self.program.json(&["backup", &file, "--json"], "");
        file
    }
}

#[tokio::test]
async fn a_backup_takes_the_place_of_the_database_and_the_former_one_is_kept() {
    let mut place = Place::make().await;
    place.program.start().await;
    place.put("ada").await;
    let file = place.backup("backup.db");
    place.put("bob").await;
    assert!(place.fails(&["restore", &file]).contains("in use by process"));
    // A log is left behind.
    place.program.kill();
    assert!(place.database("-wal").exists());
    let restored = place.program.json(&["restore", &file, "--json"], "");
    assert_eq!(place.accounts(), ["ada"]);
    let kept = format!("sqlite://{}", restored["kept"].as_str().unwrap());
    assert_eq!(rows(&kept, "SELECT external_id AS text FROM accounts ORDER BY 1"), ["ada", "bob"]);
    // What commands leave in a log before the next start is the file's own.
    place.program.json(&["keys", "rotate", "--json"], "");
    place.program.json(&["keys", "list", "--json"], "");
    place.program.start().await;
    place.put("carol").await;
    assert_eq!(place.accounts(), ["ada", "carol"]);
    let verified = place.program.json(&["audit", "verify", "--json"], "");
    assert_eq!((&verified["intact"], verified["restores"].as_array().unwrap().len()), (&json!(true), 1));
}

#[tokio::test]
async fn what_is_no_backup_of_this_ring_is_refused_and_changes_nothing() {
    let place = Place::make().await;
    let live = place.database("");
    // The file itself may change: what was in its log is brought in.
    let entries =
        || rows(&format!("sqlite://{}", live.display()), "SELECT id AS text FROM audit_entries ORDER BY id");
    let before = entries();
    let at = |name: &str| place.program.path(name).display().to_string();
    std::fs::write(at("text"), "no database").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    SqliteConnection::establish(&at("other.db")).unwrap().batch_execute("CREATE TABLE x (y TEXT)").unwrap();
    for (file, words) in [
        ("none", "there is no file"),
        ("text", "is not a backup"),
        ("empty", "is not a backup"),
        ("other.db", "is not a backup"),
    ] {
        let said = place.fails(&["restore", &at(file)]);
        assert!(said.contains(words), "{file}: {said}");
    }
    assert!(place.fails(&["restore", live.to_str().unwrap()]).contains("is the database itself"));
    let newer = place.backup("newer.db");
    SqliteConnection::establish(&newer)
        .unwrap()
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')")
        .unwrap();
    assert!(place.fails(&["restore", &newer]).contains("later version"));
    let stranger = Place::make().await;
    assert!(
        place
            .fails(&["restore", &stranger.backup("theirs.db")])
            .contains("restore the key ring that belongs to it")
    );
    assert_eq!(entries(), before);
    let left: Vec<_> =
        std::fs::read_dir(live.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.display().to_string().contains("restoring")), "{left:?}");
}

/// SQLite would replay the log of the file that was there before.
#[tokio::test]
async fn a_copy_over_a_log_that_is_not_its_own_is_noticed_before_it_is_opened() {
    let mut place = Place::make().await;
    place.program.start().await;
    place.put("ada").await;
    let file = place.backup("backup.db");
    place.program.kill();
    let put_back = |place: &Place, with_log: bool| {
        for end in if with_log { &[][..] } else { &["-wal", "-shm"][..] } {
            let _ = std::fs::remove_file(place.database(end));
        }
        std::fs::copy(&file, place.database("")).unwrap();
    };
    put_back(&place, false);
    for _ in 0..2 {
        // The second time the file has the layout of the copy, so that the log would fit.
        place.program.start().await;
        place.put("wrong").await;
        place.program.kill();
        assert!(place.database("-wal").metadata().unwrap().len() > 0);
        put_back(&place, true);
        for command in [&["check"][..], &["serve"], &["staff", "list"]] {
            let said = place.fails(command);
            assert!(said.contains("-wal") && said.contains("rekey restore"), "{command:?}: {said}");
        }
        place.program.json(&["restore", &file, "--json"], "");
        assert_eq!(place.accounts(), ["ada"]);
    }
    // Its own log is replayed as ever.
    place.program.start().await;
    place.put("bob").await;
    place.program.kill();
    place.program.start().await;
    assert_eq!(place.accounts(), ["ada", "bob"]);
}

#[tokio::test]
async fn a_database_of_a_former_version_is_copied_before_it_is_migrated() {
    let place = Place::make().await;
    let beside = || {
        let folder = place.database("").parent().unwrap().to_owned();
        let names =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut copies: Vec<String> = names.filter(|name| name.contains(".before-")).collect();
        copies.sort();
        copies
    };
    place.program.json(&["migrate", "--json"], "");
    assert!(beside().is_empty(), "nothing was pending");
    for count in [1, 2] {
        let mut conn = SqliteConnection::establish(place.database("").to_str().unwrap()).unwrap();
        conn.batch_execute(
            "DROP INDEX letters_dropped; DELETE FROM __diesel_schema_migrations WHERE version = '20261128100000'",
        )
        .unwrap();
        drop(conn);
        place.program.json(&["migrate", "--json"], "");
        assert_eq!(beside().len(), count, "{:?}", beside());
    }
    let copy = format!("sqlite://{}", place.database("").with_file_name(&beside()[0]).display());
    assert_eq!(rows(&copy, "SELECT name AS text FROM clients WHERE id <> 'local'"), ["Shop"]);
    assert!(rows(&copy, "SELECT name AS text FROM sqlite_master WHERE name = 'letters_dropped'").is_empty());
}
