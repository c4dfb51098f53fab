//! The core against both databases. `REKEY_TEST_POSTGRES` is the URL of a server's maintenance
//! database, with the right to make others; without it only SQLite is tested.

mod columns;
mod maintenance;
mod outage;
mod writes;

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::{Conn, DatabaseSettings, Db, Error};

diesel::table! {
    counters (id) {
        id -> Text,
        value -> Integer,
        version -> Integer,
    }
}

/// A database of its own for one test, gone with it.
pub(crate) struct Fresh {
    pub(crate) db: Db,
    pub(super) url: String,
    kind: Kind,
}

enum Kind {
    Sqlite { _folder: tempfile::TempDir },
    Postgres { maintenance: String, name: String },
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Kind::Postgres { maintenance, name } = &self.kind {
            let mut conn = PgConnection::establish(maintenance).unwrap();
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
        }
    }
}

pub(super) fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("var/rekey.db").display());
    Fresh { db: open(&url), url, kind: Kind::Sqlite { _folder: folder } }
}

pub(super) fn postgres() -> Option<Fresh> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let maintenance = std::env::var("REKEY_TEST_POSTGRES").ok()?;
    let name = format!("core_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    PgConnection::establish(&maintenance).unwrap().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let mut url = url::Url::parse(&maintenance).unwrap();
    url.set_path(&name);
    Some(Fresh { db: open(url.as_str()), url: url.into(), kind: Kind::Postgres { maintenance, name } })
}

pub(crate) fn both() -> Vec<Fresh> {
    std::iter::once(sqlite()).chain(postgres()).collect()
}

pub(super) fn open(url: &str) -> Db {
    Db::open(&DatabaseSettings { url: url.into(), readers: 2, connections: 8 }).unwrap()
}

pub(crate) async fn run(db: &Db, sql: &'static str) -> Result<(), Error> {
    db.write(move |conn| Ok(conn.batch_execute(sql)?)).await
}

pub(super) async fn with_counter(db: &Db) {
    run(
        db,
        "CREATE TABLE counters (id TEXT PRIMARY KEY, value INTEGER NOT NULL, version INTEGER NOT NULL,
         CONSTRAINT counters_value CHECK (value < 1000));
         INSERT INTO counters VALUES ('a', 0, 0)",
    )
    .await
    .unwrap();
}

pub(super) fn add(conn: &mut Conn, id: &str) -> Result<i32, Error> {
    let (value, version): (i32, i32) =
        counters::table.find(id).select((counters::value, counters::version)).first(conn)?;
    let hit = diesel::update(counters::table.find(id).filter(counters::version.eq(version)))
        .set((counters::value.eq(value + 1), counters::version.eq(version + 1)))
        .execute(conn)?;
    if hit == 1 { Ok(value + 1) } else { Err(Error::Stale) }
}

pub(super) async fn value(db: &Db, id: &'static str) -> i32 {
    db.read::<_, Error, _>(move |conn| Ok(counters::table.find(id).select(counters::value).first(conn)?))
        .await
        .unwrap()
}
