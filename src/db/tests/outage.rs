//! The database goes away, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, SimpleConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::super::{Db, Error, Outage};
use super::{add, postgres, sqlite, value, with_counter};

async fn refused_in_time(db: &Db) {
    let started = Instant::now();
    let outcome = db.write(|conn| add(conn, "a")).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// Passes bytes on while it is open; closed, it cuts what passes and refuses the rest.
struct Proxy {
    open: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
    port: u16,
}

impl Proxy {
    async fn to(host: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(tokio::sync::Notify::new()));
        let (is_open, when_cut) = (Arc::clone(&open), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let (host, when_cut) = (host.clone(), Arc::clone(&when_cut));
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(host).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = when_cut.notified() => {}
                    }
                });
            }
        });
        Self { open, cut, port }
    }

    fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut.notify_waiters();
    }
}

#[tokio::test]
async fn postgres_gone_is_told_in_time_and_forgotten_when_it_is_back() {
    let Some(fresh) = postgres() else { return };
    with_counter(&fresh.db).await;
    let mut url = url::Url::parse(&fresh.url).unwrap();
    let far = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::to(far).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    let db = super::open(url.as_str());
    assert_eq!(db.write(|conn| add(conn, "a")).await.unwrap(), 1);
    proxy.close();
    refused_in_time(&db).await;
    assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
    proxy.open.store(true, Ordering::SeqCst);
    let mut answer = db.write(|conn| add(conn, "a")).await;
    if answer.is_err() {
        answer = db.write(|conn| add(conn, "a")).await;
    }
    assert_eq!(answer.unwrap(), 2);
}

#[tokio::test]
async fn connections_that_died_in_the_pool_cost_nobody_an_error() {
    let Some(fresh) = postgres() else { return };
    with_counter(&fresh.db).await;
    let mut warm = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let db = fresh.db.clone();
        warm.spawn(async move { db.write(|conn| add(conn, "a")).await });
    }
    assert!(warm.join_all().await.iter().all(Result::is_ok));
    let mut conn = diesel::PgConnection::establish(&fresh.url).unwrap();
    conn.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .unwrap();
    for n in 9..20 {
        assert_eq!(fresh.db.write(|conn| add(conn, "a")).await.unwrap(), n);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_error_until_it_is_asked() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let db = super::open(&format!("postgres://rekey@127.0.0.1:{port}/nothing"));
    refused_in_time(&db).await;
    assert!(db.migrate().await.is_err());
}

#[tokio::test]
async fn sqlite_held_by_another_program_is_told_in_time_and_forgotten() {
    let fresh = sqlite();
    with_counter(&fresh.db).await;
    let path = fresh.url.strip_prefix("sqlite://").unwrap();
    let mut other = diesel::SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    refused_in_time(&fresh.db).await;
    assert_eq!(value(&fresh.db, "a").await, 0, "readers read on");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(fresh.db.write(|conn| add(conn, "a")).await.unwrap(), 1);
}

#[tokio::test]
async fn a_full_disk_fails_every_write_of_the_batch_and_is_forgotten() {
    let fresh = sqlite();
    with_counter(&fresh.db).await;
    let fill = |pages: &'static str| {
        let db = fresh.db.clone();
        async move {
            db.write::<_, Error, _>(move |conn| Ok(conn.batch_execute(pages)?)).await.unwrap();
        }
    };
    fill("CREATE TABLE fat (x BLOB); PRAGMA max_page_count = 20").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let db = fresh.db.clone();
        tasks.spawn(async move {
            db.write(move |conn| {
                add(conn, "a")?;
                if n == 10 {
                    conn.batch_execute("INSERT INTO fat VALUES (zeroblob(1000000))")?;
                }
                Ok::<_, Error>(())
            })
            .await
        });
    }
    let answers = tasks.join_all().await;
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    let unavailable = |answer: &&Result<(), Error>| {
        matches!(
            answer,
            Err(Error::Unavailable(Outage::Driver(_) | Outage::Deadline | Outage::Unanswered(_)))
        )
    };
    assert_eq!(kept + answers.iter().filter(unavailable).count(), 20, "{answers:?}");
    assert!(kept < 20);
    assert_eq!(
        value(&fresh.db, "a").await,
        i32::try_from(kept).unwrap(),
        "what was answered is what is there"
    );
    fresh.db.write(|conn| add(conn, "a")).await.unwrap();
}
