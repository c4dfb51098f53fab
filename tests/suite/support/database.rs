//! A database of its own for each story: a new SQLite file, or a copy of a PostgreSQL template.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use rekey::db::{DatabaseSettings, Db};
use tokio::sync::OnceCell;

/// Which database a story is told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A fresh database, gone with the story.
pub struct Fresh {
    pub url: String,
    kind: Kind,
}

enum Kind {
    Sqlite { _folder: tempfile::TempDir },
    Postgres { maintenance: String, name: String },
}

/// Opens a database, with few connections: many stories run at once.
pub fn open(url: &str) -> Db {
    let settings = DatabaseSettings { url: url.to_owned().into(), readers: 2, connections: 4 };
    Db::open(&settings).unwrap()
}

impl Fresh {
    pub async fn make(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("rekey.db").display());
                open(&url).migrate().await.unwrap();
                Self { url, kind: Kind::Sqlite { _folder: folder } }
            }
            Backend::Postgres => postgres().await,
        }
    }
}

fn maintenance() -> String {
    std::env::var("REKEY_TEST_POSTGRES")
        .expect("REKEY_TEST_POSTGRES names a PostgreSQL server for tests; script/test starts one and sets it")
}

pub fn run(maintenance: &str, statement: &str) {
    PgConnection::establish(maintenance).unwrap().batch_execute(statement).unwrap();
}

fn named(maintenance: &str, name: &str) -> String {
    let mut url = url::Url::parse(maintenance).unwrap();
    url.set_path(name);
    url.into()
}

async fn postgres() -> Fresh {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let maintenance = maintenance();
    let template = TEMPLATE
        .get_or_init(|| async {
            let name = format!("suite_{}", std::process::id());
            run(&maintenance, &format!("CREATE DATABASE {name}"));
            // Its connections end with it, for a template must have none.
            open(&named(&maintenance, &name)).migrate().await.unwrap();
            name
        })
        .await;
    let name = format!("{template}_{}", COUNT.fetch_add(1, Ordering::SeqCst));
    // The server refuses a copy while somebody is connected to the template: its own background work, for a moment.
    let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
    let mut conn = PgConnection::establish(&maintenance).unwrap();
    for _ in 0..50 {
        if conn.batch_execute(&statement).is_ok() {
            let url = named(&maintenance, &name);
            return Fresh { url, kind: Kind::Postgres { maintenance, name } };
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no copy of the template could be made");
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Kind::Postgres { maintenance, name } = &self.kind {
            run(maintenance, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
