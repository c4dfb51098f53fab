//! Writes at once: none lost, none dragged down by another.

use diesel::prelude::*;
use tokio::task::JoinSet;

use super::super::{Error, Outage};
use super::{add, both, counters, run, value, with_counter};

#[tokio::test]
async fn two_hundred_increments_at_once_are_all_counted() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let db = fresh.db.clone();
            tasks.spawn(async move { db.write(|conn| add(conn, "a")).await });
        }
        let mut answers: Vec<i32> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
        answers.sort_unstable();
        assert_eq!(answers, (1..=200).collect::<Vec<_>>(), "{}", fresh.url);
        assert_eq!(value(&fresh.db, "a").await, 200);
    }
}

#[tokio::test]
async fn a_write_that_fails_falls_alone() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let mut tasks = JoinSet::new();
        for n in 0..40 {
            let db = fresh.db.clone();
            tasks.spawn(async move {
                db.write(move |conn| {
                    let before = add(conn, "a")?;
                    match n % 4 {
                        0 => Ok(before),
                        1 => Err(Error::Corrupt("on purpose")),
                        2 => Ok(diesel::insert_into(counters::table)
                            .values((counters::id.eq("a"), counters::value.eq(0), counters::version.eq(0)))
                            .execute(conn)
                            .map(|_| 0)?),
                        _ => panic!("on purpose"),
                    }
                })
                .await
            });
        }
        let answers = tasks.join_all().await;
        let count = |wanted: fn(&Result<i32, Error>) -> bool| answers.iter().filter(|a| wanted(a)).count();
        assert_eq!(count(Result::is_ok), 10, "{answers:?}");
        assert_eq!(count(|a| matches!(a, Err(Error::Corrupt(_)))), 10);
        assert_eq!(count(|a| matches!(a, Err(Error::Unique(_)))), 10);
        assert_eq!(count(|a| matches!(a, Err(Error::Panicked))), 10);
        assert_eq!(value(&fresh.db, "a").await, 10);
    }
}

#[tokio::test]
async fn what_is_answered_is_there_for_other_connections() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let other = super::open(&fresh.url);
        for n in 1..=20 {
            assert_eq!(fresh.db.write(|conn| add(conn, "a")).await.unwrap(), n);
            assert_eq!(value(&other, "a").await, n);
        }
    }
}

#[tokio::test]
async fn writes_of_two_programs_are_all_counted() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let mut tasks = JoinSet::new();
        for db in [fresh.db.clone(), super::open(&fresh.url)] {
            for _ in 0..25 {
                let db = db.clone();
                tasks.spawn(async move { db.write(|conn| add(conn, "a")).await });
            }
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        assert_eq!(value(&fresh.db, "a").await, 50);
    }
}

#[tokio::test]
async fn a_panic_amid_savepoints_leaves_a_usable_connection() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        for _ in 0..10 {
            let outcome = fresh
                .db
                .write::<(), Error, _>(|conn| {
                    conn.transaction(|conn| {
                        conn.transaction(|conn| add(conn, "a").map(|_| panic!("on purpose")))
                    })
                })
                .await;
            assert!(matches!(outcome, Err(Error::Panicked)));
            let outcome = fresh.db.read::<(), Error, _>(|_| panic!("on purpose")).await;
            assert!(matches!(outcome, Err(Error::Panicked)));
        }
        assert_eq!(value(&fresh.db, "a").await, 0);
        fresh.db.write(|conn| add(conn, "a")).await.unwrap();
        assert_eq!(value(&fresh.db, "a").await, 1);
    }
}

#[tokio::test]
async fn constraints_have_the_same_names_on_both() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        run(
            &fresh.db,
            "CREATE TABLE marks (id TEXT PRIMARY KEY, counter TEXT NOT NULL REFERENCES counters (id), kind TEXT);
             CREATE UNIQUE INDEX marks_counter_kind ON marks (counter, kind) WHERE kind = 'open';
             CREATE TABLE names (name TEXT UNIQUE);
             INSERT INTO names VALUES ('x'); INSERT INTO marks VALUES ('1', 'a', 'open')",
        )
        .await
        .unwrap();
        let failed = |sql: &'static str| {
            let db = fresh.db.clone();
            async move { run(&db, sql).await.unwrap_err() }
        };
        let unique = failed("INSERT INTO marks VALUES ('2', 'a', 'open')").await;
        assert!(matches!(&unique, Error::Unique(c) if c.is("marks_counter_kind")), "{unique:?}");
        let unique = failed("INSERT INTO names VALUES ('x')").await;
        assert!(matches!(&unique, Error::Unique(c) if c.is("names_name")), "{unique:?}");
        let check = failed("UPDATE counters SET value = 1000").await;
        assert!(matches!(&check, Error::Check(c) if c.is("counters_value")), "{check:?}");
        let check = failed("INSERT INTO marks VALUES ('3', NULL, 'x')").await;
        assert!(matches!(&check, Error::Check(c) if c.is("marks_counter")), "{check:?}");
        let missing = failed("INSERT INTO marks VALUES ('3', 'b', 'x')").await;
        assert!(matches!(missing, Error::ForeignKey), "{missing:?}");
    }
}

#[tokio::test]
async fn work_that_is_always_stale_ends_as_unavailable() {
    for fresh in both() {
        let outcome = fresh.db.write::<(), Error, _>(|_| Err(Error::Stale)).await;
        assert!(
            matches!(
                outcome,
                Err(Error::Unavailable(Outage::Contended | Outage::Deadline | Outage::Unanswered(_)))
            ),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_swallowed_violation_never_passes_for_a_commit() {
    for fresh in both() {
        with_counter(&fresh.db).await;
        let outcome = fresh
            .db
            .write::<_, Error, _>(|conn| {
                add(conn, "a")?;
                let violation = diesel::update(counters::table).set(counters::value.eq(5000)).execute(conn);
                assert!(violation.is_err());
                Ok(())
            })
            .await;
        // SQLite undoes the statement alone, PostgreSQL the transaction; neither may lie about it.
        assert_eq!(value(&fresh.db, "a").await, i32::from(outcome.is_ok()), "{outcome:?}");
    }
}
