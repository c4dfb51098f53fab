//! M1: an administrator edits, deletes, moves, truncates or rebuilds the audit log. Verification names it.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use rekey::domain::actor::Roles;
use rekey::workflow::audit_verdict::{Broken, Place, Report};
use rekey::workflow::{Context, accounts, audit, audit_verify, restore, staff};

use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::database::{Backend, open};

impl TestApp {
    /// Somebody with the database's password.
    pub fn tamper(&self, sql: &str) {
        match self.database.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                conn.batch_execute(sql).unwrap();
            }
            None => PgConnection::establish(&self.database.url).unwrap().batch_execute(sql).unwrap(),
        }
    }

    async fn audited(&self) -> Report {
        audit_verify::verify(&self.ctx, &|_, _| ()).await.unwrap()
    }

    async fn broken(&self) -> Broken {
        let report = self.audited().await;
        report.broken.expect("it is noticed")
    }

    /// Some ten entries, sealed, with a checkpoint over them.
    async fn with_a_log(&self) {
        for name in ["ada", "bob", "cleo"] {
            self.account(&format!("{name}@example.com")).await;
        }
        for name in ["dana", "emil"] {
            let new = staff::NewMember {
                email: format!("{name}@desk.example"),
                name: name.into(),
                roles: Roles::parse("agent").unwrap(),
                account: None,
                password: "correct horse battery staple".into(),
            };
            staff::add(&self.ctx, new).await.unwrap();
            staff::set_roles(&self.ctx, &format!("{name}@desk.example"), Roles::parse("admin").unwrap())
                .await
                .unwrap();
        }
        self.tick().await;
    }

    async fn rename(&self, name: &str) {
        let more = rekey::domain::account::Facts { name: name.into(), ..facts("ada@example.com") };
        accounts::put(&self.ctx, &self.host, "ada", more).await.unwrap();
    }

    fn lines_of_checkpoints(&self) -> usize {
        let file = &self.ctx.config.keys.checkpoints_file;
        std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
    }

    async fn one_more(&self) {
        self.rename("Ada King").await;
    }
}

on_both! {
    async fn an_untouched_log_is_intact_sealed_or_not(app: TestApp) {
        app.with_a_log().await;
        app.one_more().await;
        let report = app.audited().await;
        assert_eq!((report.broken, report.sealed, report.unsealed), (None, 8, 1));
        assert_eq!((report.subjects, report.checkpoints, report.checkpoints_in_file), (7, 1, Some(1)));
    }

    async fn a_changed_entry_is_named_whatever_was_changed_in_it(app: TestApp) {
        app.with_a_log().await;
        for column in ["action = 'approved'", "details = '{\"a\":\"b\"}'", "actor_id = 'eve'", "ticket_id = 'x'"] {
            app.tamper("CREATE TABLE kept AS SELECT * FROM audit_entries WHERE position = 3");
            app.tamper(&format!("UPDATE audit_entries SET {column} WHERE position = 3"));
            match app.broken().await {
                Broken::Changed(named) => assert_eq!(named.position, Some(3)),
                other => panic!("{column}: {other}"),
            }
            app.tamper(
                "DELETE FROM audit_entries WHERE position = 3; INSERT INTO audit_entries SELECT * FROM kept; DROP TABLE kept",
            );
            assert_eq!(app.audited().await.broken, None);
        }
    }

    async fn a_removed_entry_leaves_a_gap(app: TestApp) {
        app.with_a_log().await;
        app.tamper("DELETE FROM audit_entries WHERE position = 4");
        assert_eq!(app.broken().await, Broken::Removed(4));
    }

    async fn a_gap_that_was_closed_shows_all_the_same(app: TestApp) {
        app.with_a_log().await;
        app.tamper("DELETE FROM audit_entries WHERE position = 4");
        for position in 5..=8 {
            app.tamper(&format!("UPDATE audit_entries SET position = {} WHERE position = {position}", position - 1));
        }
        match app.broken().await {
            Broken::Moved(named) => assert_eq!(named.position, Some(4)),
            other => panic!("{other}"),
        }
    }

    async fn entries_that_changed_places_are_noticed(app: TestApp) {
        app.with_a_log().await;
        app.tamper(
            "UPDATE audit_entries SET position = 99 WHERE position = 2;
             UPDATE audit_entries SET position = 2 WHERE position = 5;
             UPDATE audit_entries SET position = 5 WHERE position = 99",
        );
        match app.broken().await {
            Broken::Moved(named) => assert_eq!(named.position, Some(2)),
            other => panic!("{other}"),
        }
    }

    async fn an_entry_that_was_moved_to_the_end_leaves_a_gap(app: TestApp) {
        app.with_a_log().await;
        app.tamper("UPDATE audit_entries SET position = 9 WHERE position = 6");
        assert_eq!(app.broken().await, Broken::Removed(6));
    }

    async fn an_added_entry_is_never_sealed_and_is_named(app: TestApp) {
        app.with_a_log().await;
        let insert = "INSERT INTO audit_entries (id, at, actor_kind, actor_id, action, subject_kind, subject_id, \
            subject_version, ticket_id, details, mac, position, chain) \
            SELECT 'ffffffff', at, actor_kind, actor_id, action, 'system', '', 0, ticket_id, details, mac, ";
        app.tamper(&format!("{insert} NULL, NULL FROM audit_entries WHERE position = 1"));
        assert_eq!(audit::seal(&app.ctx).await.unwrap().refused.len(), 1);
        assert!(matches!(app.broken().await, Broken::Added(named) if named.id == "ffffffff"));
        // The administrators are told, once.
        app.tick().await;
        app.tick().await;
        let told = app.mail.take().into_iter().filter(|sent| sent.to == "dana@desk.example").count();
        assert_eq!(told, 1);
        // Sealed by hand it is no better.
        app.tamper("DELETE FROM audit_entries WHERE id = 'ffffffff'");
        app.tamper(&format!("{insert} 9, chain FROM audit_entries WHERE position = 1"));
        assert!(matches!(app.broken().await, Broken::Changed(named) if named.position == Some(9)));
    }

    async fn a_tail_that_was_cut_off_is_missed_by_the_rows(app: TestApp) {
        app.with_a_log().await;
        app.tamper("DELETE FROM audit_checkpoints; DELETE FROM audit_entries WHERE position >= 8");
        match app.broken().await {
            Broken::Cut { kind, version, .. } => assert_eq!((kind.as_str(), version), ("staff", 2)),
            other => panic!("{other}"),
        }
    }

    async fn a_cut_that_puts_the_rows_back_too_is_missed_by_the_checkpoints(app: TestApp) {
        app.with_a_log().await;
        app.tamper("DELETE FROM audit_entries WHERE position >= 8; UPDATE staff SET version = 1 WHERE name = 'emil'");
        let shortened = |place| Broken::Shortened { end: 7, place, position: 8 };
        assert_eq!(app.broken().await, shortened(Place::Row));
        app.tamper("DELETE FROM audit_checkpoints");
        assert_eq!(app.broken().await, shortened(Place::Line(1)));
    }

    async fn an_entry_that_was_not_sealed_yet_is_missed_when_it_is_gone(app: TestApp) {
        app.with_a_log().await;
        app.one_more().await;
        app.tamper("DELETE FROM audit_entries WHERE position IS NULL");
        assert!(matches!(app.broken().await, Broken::Cut { kind, version: 2, .. } if kind == "account"));
    }

    async fn an_entry_that_was_taken_out_of_both_lists_is_noticed(app: TestApp) {
        app.with_a_log().await;
        app.one_more().await;
        for position in ["-1", "0"] {
            app.tamper(&format!("UPDATE audit_entries SET position = {position}, actor_id = 'eve' WHERE position IS NULL"));
            match app.broken().await {
                Broken::Moved(named) => assert_eq!(named.position, position.parse().ok()),
                other => panic!("{other}"),
            }
            app.tamper("UPDATE audit_entries SET position = NULL WHERE position < 1");
        }
    }

    async fn an_entry_that_was_removed_before_it_was_sealed_is_missed_though_the_row_was_put_back(app: TestApp) {
        app.with_a_log().await;
        app.one_more().await;
        app.rename("Ada Byron").await;
        app.tamper(
            "DELETE FROM audit_entries WHERE position IS NULL AND subject_version = 2;
             UPDATE accounts SET version = 2 WHERE external_id = 'ada'",
        );
        app.tick().await;
        match app.broken().await {
            Broken::Cut { kind, version, .. } => assert_eq!((kind.as_str(), version), ("account", 2)),
            other => panic!("{other}"),
        }
    }

    async fn an_entry_without_an_id_is_named_as_any_other(app: TestApp) {
        app.with_a_log().await;
        app.tamper(
            "INSERT INTO audit_entries (id, at, actor_kind, actor_id, action, subject_kind, subject_id, subject_version,
             ticket_id, details, mac, position, chain) SELECT '', at, actor_kind, actor_id, action, 'system', '', 0,
             ticket_id, details, mac, NULL, NULL FROM audit_entries WHERE position = 1",
        );
        assert_eq!(audit::seal(&app.ctx).await.unwrap().refused.len(), 1);
        assert!(matches!(app.broken().await, Broken::Added(named) if named.id.is_empty()));
    }

    async fn an_entry_that_the_database_swallows_stops_the_action(app: TestApp) {
        app.with_a_log().await;
        app.tamper(if app.is_shared() {
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER swallows BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION swallow()"
        } else {
            "CREATE TRIGGER swallows BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(IGNORE); END"
        });
        let more = rekey::domain::account::Facts { name: "Ada King".into(), ..facts("ada@example.com") };
        assert!(accounts::put(&app.ctx, &app.host, "ada", more).await.is_err());
        app.tamper(if app.is_shared() { "DROP TRIGGER swallows ON audit_entries" } else { "DROP TRIGGER swallows" });
        assert_eq!(app.audited().await.broken, None, "nothing was changed without its entry");
    }

    async fn checkpoints_go_on_whatever_stands_where_the_last_one_was(app: TestApp) {
        app.with_a_log().await;
        let admins_told = || app.mail.take().into_iter().filter(|sent| sent.to == "dana@desk.example").count();
        admins_told();
        for sql in [
            "UPDATE audit_checkpoints SET at = '2100-01-01 00:00:00'",
            "INSERT INTO audit_checkpoints SELECT 9223372036854775807, chain, at, signature FROM audit_checkpoints",
        ] {
            app.tamper("CREATE TABLE kept AS SELECT * FROM audit_checkpoints");
            app.tamper(sql);
            let lines = app.lines_of_checkpoints();
            app.one_more().await;
            app.after(TimeDelta::minutes(2)).await;
            assert_eq!(app.lines_of_checkpoints(), lines + 1, "{sql}");
            assert_eq!(app.audited().await.broken, Some(Broken::Forged(Place::Row)), "{sql}");
            app.tamper(
                "DELETE FROM audit_checkpoints; INSERT INTO audit_checkpoints SELECT * FROM kept; DROP TABLE kept",
            );
            app.rename("Ada Lovelace").await;
        }
        app.tick().await;
        assert_eq!(admins_told(), 1, "the administrators are told, once");
    }

    async fn a_row_that_was_put_back_is_noticed(app: TestApp) {
        app.with_a_log().await;
        app.tamper("UPDATE staff SET version = 1, roles = 'agent' WHERE name = 'dana'");
        assert!(matches!(app.broken().await, Broken::PutBack { version: 1, entries: 2, .. }));
    }

    async fn a_chain_that_was_rebuilt_without_the_key_is_another_one(app: TestApp) {
        app.with_a_log().await;
        app.tamper("UPDATE audit_entries SET chain = mac WHERE position = 3");
        assert!(matches!(app.broken().await, Broken::Moved(named) if named.position == Some(3)));
    }

    async fn a_forged_checkpoint_is_noticed(app: TestApp) {
        app.with_a_log().await;
        app.tamper("UPDATE audit_checkpoints SET position = 2");
        assert_eq!(app.broken().await, Broken::Forged(Place::Row));
    }

    async fn a_log_sealed_anew_by_whoever_holds_the_key_is_not_the_one_that_was_signed(app: TestApp) {
        app.with_a_log().await;
        app.tamper(
            "UPDATE audit_entries SET position = NULL, chain = NULL;
             DELETE FROM audit_entries WHERE subject_kind = 'client'; DELETE FROM clients WHERE id NOT IN (SELECT client_id FROM accounts);
             UPDATE clients SET version = 0, mac = NULL",
        );
        app.sign_rows().await;
        audit::seal(&app.ctx).await.unwrap();
        app.one_more().await;
        audit::seal(&app.ctx).await.unwrap();
        assert_eq!(app.broken().await, Broken::Rebuilt { place: Place::Row, position: 8 });
    }

    async fn checkpoints_are_a_minute_apart_and_only_where_the_log_has_grown(app: TestApp) {
        app.with_a_log().await;
        app.one_more().await;
        app.tick().await;
        assert_eq!(app.audited().await.checkpoints, 1);
        app.after(TimeDelta::minutes(1)).await;
        assert_eq!(app.audited().await.checkpoints, 2);
        app.after(TimeDelta::minutes(10)).await;
        let report = app.audited().await;
        assert_eq!((report.broken, report.checkpoints, report.checkpoints_in_file), (None, 2, Some(2)));
    }

    async fn replicas_that_seal_at_once_make_one_chain(app: TestApp) {
        let other = app.replica();
        for round in 0..5 {
            for number in 0..6 {
                app.account(&format!("p{round}x{number}@example.com")).await;
            }
            let (one, two) = tokio::join!(audit::seal(&app.ctx), audit::seal(&other.ctx));
            assert_eq!(one.unwrap().sealed + two.unwrap().sealed, if round == 0 { 7 } else { 6 });
        }
        let report = app.audited().await;
        assert_eq!((report.broken, report.sealed), (None, 31));
    }
}

/// The log goes on from where the backup ended; what was signed beyond that is of a log that was given up.
#[tokio::test]
async fn a_restore_and_its_gap_are_named_for_good_and_break_nothing() {
    let app = TestApp::start(Backend::Sqlite, &[]).await;
    app.with_a_log().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    app.ctx.db.backup(&file).await.unwrap();
    for name in ["Ada One", "Ada Two", "Ada Three"] {
        app.rename(name).await;
        app.after(TimeDelta::minutes(2)).await;
    }
    let last = app.audited().await.sealed;
    let back = Context { db: open(&format!("sqlite://{}", file.display())), ..app.ctx.clone() };
    back.db.sign_rows_with(back.crypto.row_key());
    let cut = audit_verify::verify(&back, &|_, _| ()).await.unwrap();
    assert!(matches!(cut.broken, Some(Broken::Shortened { end: 8, .. })), "{:?}", cut.broken);
    let restored = restore::end_all(&back).await.unwrap();
    assert_eq!(restored.beyond.map(|one| u64::try_from(one.position).unwrap()), Some(last));
    for _ in 0..2 {
        let report = audit_verify::verify(&back, &|_, _| ()).await.unwrap();
        assert_eq!(report.broken, None);
        assert_eq!(
            (report.gaps.len(), report.gaps[0].position, report.gaps[0].beyond),
            (1, 8, i64::try_from(last).ok())
        );
        back.clock.advance(std::time::Duration::from_mins(2));
        rekey::worker::tick(&back).await.unwrap();
    }
    // What is signed from now on counts like any other.
    let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 5000; UPDATE audit_entries SET position = NULL, chain = NULL WHERE position > 8")
        .unwrap();
    let report = audit_verify::verify(&back, &|_, _| ()).await.unwrap();
    assert!(matches!(report.broken, Some(Broken::Shortened { end: 8, .. })), "{:?}", report.broken);
}
