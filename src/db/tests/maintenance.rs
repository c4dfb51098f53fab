//! Migrations, backups, and how a connection is set up.

use std::os::unix::fs::PermissionsExt;

use diesel::prelude::*;

use super::super::{BackupError, Error, Outage};
use super::{add, both, postgres, sqlite, value, with_counter};

#[tokio::test]
async fn migrations_of_several_programs_at_once_end_current() {
    for fresh in both() {
        let others: Vec<_> = (0..4).map(|_| super::open(&fresh.url)).collect();
        let done = tokio::join!(
            fresh.db.migrate(),
            others[0].migrate(),
            others[1].migrate(),
            others[2].migrate(),
            others[3].is_current(),
        );
        let applied = [done.0, done.1, done.2, done.3].map(|outcome| outcome.unwrap().len());
        assert!(applied.iter().filter(|count| **count > 0).count() <= 1, "applied once: {applied:?}");
        assert!(done.4.is_ok());
        assert!(fresh.db.is_current().await.unwrap());
    }
}

#[tokio::test]
async fn a_backup_is_complete_private_and_replaces_nothing() {
    let fresh = sqlite();
    with_counter(&fresh.db).await;
    fresh.db.write(|conn| add(conn, "a")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("it's a copy.db");
    fresh.db.backup(&to).await.unwrap();
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing left beside it");
    let copy = super::open(&format!("sqlite://{}", to.display()));
    assert_eq!(value(&copy, "a").await, 1);
    assert!(matches!(fresh.db.backup(&to).await, Err(BackupError::Exists(_))));
    if let Some(fresh) = postgres() {
        assert!(matches!(fresh.db.backup(&folder.path().join("x")).await, Err(BackupError::UsePgDump)));
    }
}

#[tokio::test]
async fn the_database_file_is_private() {
    let fresh = sqlite();
    with_counter(&fresh.db).await;
    let file = std::path::Path::new(fresh.url.strip_prefix("sqlite://").unwrap());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file), 0o600);
    assert_eq!(mode(&file.with_extension("db-wal")), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[tokio::test]
async fn readers_cannot_write() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let outcome = fresh.db.read(|conn| add(conn, "a")).await;
        assert!(matches!(outcome, Err(Error::Unavailable(Outage::Driver(_)))), "{outcome:?}");
        assert_eq!(value(&fresh.db, "a").await, 0);
    }
}

#[tokio::test]
async fn a_read_sees_one_moment() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let (write_now, told) = std::sync::mpsc::channel::<()>();
        let (wrote, written) = std::sync::mpsc::channel::<()>();
        let written = std::sync::Mutex::new(written);
        let reading = {
            let db = fresh.db.clone();
            tokio::spawn(async move {
                db.read::<_, Error, _>(move |conn| {
                    let value = |conn: &mut _| {
                        super::counters::table.select(super::counters::value).first::<i32>(conn)
                    };
                    let before = value(conn)?;
                    write_now.send(()).unwrap();
                    written.lock().unwrap().recv().unwrap();
                    Ok((before, value(conn)?))
                })
                .await
            })
        };
        let db = fresh.db.clone();
        tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
        db.write(|conn| add(conn, "a")).await.unwrap();
        wrote.send(()).unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), (0, 0));
        assert_eq!(value(&fresh.db, "a").await, 1);
    }
}

#[tokio::test]
async fn references_are_enforced_and_durability_is_on() {
    let fresh = sqlite();
    let settings: Vec<i32> = fresh
        .db
        .write::<_, Error, _>(|conn| {
            ["foreign_keys", "synchronous", "busy_timeout"]
                .iter()
                .map(|name| {
                    let sql = format!("SELECT * FROM pragma_{name}");
                    Ok(diesel::dsl::sql::<diesel::sql_types::Integer>(&sql).get_result(conn)?)
                })
                .collect()
        })
        .await
        .unwrap();
    assert_eq!(settings, [1, 2, 4000]);
}
