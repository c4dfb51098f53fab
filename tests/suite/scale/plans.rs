//! Plans of every statement that a walk over everything ran: no scan of what grows, no sort that an index should serve.
//!
//! The rule: the statements are those that the program ran, so a new one is looked at without being named here. What
//! is excused says why.

use std::collections::BTreeSet;
use std::fmt::Write;

use rekey::db::{Conn, DatabaseSettings, Db, Error};
use rekey::workflow::Context;
use rekey::workflow::import::{Encoding, Import, import};

use super::walk::Walk;
use crate::accounts::Silent;
use crate::support::app::TestApp;
use crate::support::crowd::Crowd;
use crate::support::database::Backend;
use crate::support::plan::{Plans, kept};

/// Tickets in the database: enough that a planner prefers an index wherever one serves.
const TICKETS: usize = 6_000;

/// Tables of a handful of rows, whatever the program has to do: reading them whole is the best plan.
/// And indexes that hold nothing but what is asked for, in its order.
const SMALL: [&str; 10] = [
    "staff",
    "clients",
    "facts",
    "audit_checkpoints",
    "tickets_live",
    "tickets_over",
    "letters_due",
    "delivery_problems",
    "delivery_problems_queue",
    "audit_entries_unsealed",
];

/// Sorts of so few rows that no index is worth its writes: what stands on one ticket or belongs to one account, found by
/// an index; freezes, which have an index of their own; one ticket by its reference. And what ended
/// within the overview's weeks: led by time, its index would not be taken by SQLite at all.
const FEW: [&str; 15] = [
    "tickets_network",
    "tickets_account",
    "tickets_reference",
    "tickets_ended_as",
    "audit_entries_frozen",
    "evidence",
    "approvals",
    "risks",
    "account_addresses",
    "account_sessions",
    "messages",
    "letters",
    "looking",
    "authenticators",
    "recovery_codes",
];

/// Everything that the program asks, once each.
async fn asked(app: &TestApp, crowd: &mut Crowd) -> BTreeSet<String> {
    let mut walk = Walk::of(app);
    walk.calls(crowd, 1).await;
    let mut all: BTreeSet<String> = walk.steps.into_iter().flat_map(|step| step.statements).collect();
    let statements = app.ctx.db.statements();
    statements.listen();
    app.after(chrono::TimeDelta::minutes(1)).await;
    rekey::workflow::expire::sweep(&app.ctx).await.unwrap();
    all.extend(statements.take());
    all
}

async fn staged(backend: Backend) -> (TestApp, Crowd) {
    let app = TestApp::start(backend, &[]).await;
    app.staff("first", "agent").await;
    let mut crowd = Crowd::on(&app.database.url, app.ctx.now());
    crowd.tickets(1, TICKETS, 50);
    crowd.the_rest(1, TICKETS);
    crowd.sign(&app.ctx.db).await;
    crowd.analyze();
    (app, crowd)
}

on_both! {
    async fn every_list_and_look_up_is_served_by_an_index(backend: Backend) {
        let (app, mut crowd) = staged(backend).await;
        let mut all = asked(&app, &mut crowd).await;
        let (pages, mut crowd) = staged(backend).await;
        let mut walk = Walk::of(&pages);
        walk.pages(&mut crowd, 1).await;
        all.extend(walk.steps.into_iter().flat_map(|step| step.statements));

        // On rows that no worker has swept away.
        let (full, _crowd) = staged(backend).await;
        let mut plans = Plans::on(&full.database.url);
        let mut faults = String::new();
        for statement in all.iter().filter(|one| Plans::explains(one)) {
            let plan = plans.of(statement);
            for fault in plans.faults(statement, &plan, &SMALL, &FEW) {
                writeln!(faults, "{fault}\n  of {statement}\n{plan}").unwrap();
            }
        }
        // Plans that a connection keeps from the time when there was nothing yet. Nobody has made statistics.
        if backend == Backend::Postgres {
            let empty = TestApp::start(backend, &[]).await;
            let mut plans = Plans::on(&empty.database.url);
            for statement in all.iter().filter(|one| Plans::explains(one)) {
                let plan = plans.of(statement);
                let scans = plans.faults(statement, &plan, &SMALL, &FEW).into_iter();
                for fault in scans.filter(|fault| fault.starts_with("scan")) {
                    writeln!(faults, "with empty tables: {fault}\n  of {statement}\n{plan}").unwrap();
                }
            }
        }
        assert!(all.len() > 100, "{}", all.len());
        assert!(faults.is_empty(), "{faults}");
    }
}

on_both! {
    /// Every ticket is troubled, as after a day without a mail server.
    async fn delivery_problems_are_read_in_their_order_and_not_sorted(backend: Backend) {
        let app = TestApp::start(backend, &[]).await;
        app.staff("first", "agent").await;
        let mut crowd = Crowd::on(&app.database.url, app.ctx.now());
        crowd.tickets(1, TICKETS, 1);
        crowd.run("UPDATE letters SET state = 'bounced'");
        crowd.analyze();
        let agent = app.staff("grace", "agent").await;
        let statements = app.ctx.db.statements();
        statements.listen();
        let page = app.http.get("/api/v1/desk/tickets?queue=delivery&limit=50", &agent.token).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 50);
        let path = format!("/api/v1/desk/tickets?queue=delivery&limit=50&cursor={}", page["next"].as_str().unwrap());
        app.http.get(&path, &agent.token).await.expect(200);
        let listed: Vec<String> =
            statements.take().into_iter().filter(|one| one.contains("ORDER BY") && one.contains("queue_at")).collect();
        assert_eq!(listed.len(), 2, "{listed:?}");
        let mut plans = Plans::on(&app.database.url);
        for statement in listed {
            let plan = plans.of(&statement);
            assert!(plan.contains("delivery_problems_queue"), "{statement}\n{plan}");
            assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{statement}\n{plan}");
        }
    }
}

/// The look-ups of a first import are planned while there is nothing to find, and run until all is there.
#[tokio::test]
async fn a_first_import_keeps_no_plan_that_reads_a_table_whole() {
    let app = TestApp::start(Backend::Postgres, &[]).await;
    // One connection, so that what it keeps can be looked at.
    let settings = DatabaseSettings { url: app.database.url.clone().into(), readers: 1, connections: 1 };
    let ctx = Context { db: Db::open(&settings).unwrap(), ..app.ctx.clone() };
    ctx.db.sign_rows_with(ctx.crypto.row_key());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    let mut people = "external_id,email,name,other_emails\n".to_owned();
    for n in 0..9_000 {
        writeln!(people, "emp-{n},person{n}@example.com,Person {n},p{n}@home.example").unwrap();
    }
    std::fs::write(&file, people).unwrap();
    let what = Import { file, separator: b',', encoding: Encoding::Utf8, client: None, skip_bad: false };
    assert_eq!(import(&ctx, &what, &Silent).await.unwrap().created, 9_000);
    // Once more, with all of them there.
    assert_eq!(import(&ctx, &what, &Silent).await.unwrap().unchanged, 9_000);

    let kept = ctx.db.write(|conn| match conn {
        Conn::Pg(conn) => Ok::<_, Error>(kept(conn)),
        Conn::Sqlite(_) => panic!("this is PostgreSQL"),
    });
    let kept = kept.await.unwrap();
    let lists = kept.iter().filter(|(statement, _)| statement.contains("= ANY"));
    assert!(lists.count() >= 3, "the look-ups are not among them: {kept:?}");
    for (statement, plan) in kept {
        for table in ["accounts", "account_addresses", "audit_entries"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{statement}\n{plan}");
        }
    }
}

/// Nobody makes statistics for SQLite, so its planner must choose well without them.
#[tokio::test]
async fn the_overview_reads_its_weeks_and_not_all_that_ever_ended() {
    let (app, mut crowd) = staged(Backend::Sqlite).await;
    let mut walk = Walk::of(&app);
    walk.pages(&mut crowd, 1).await;
    let steps = walk.steps.into_iter().filter(|step| step.name.ends_with("/desk/overview"));
    let ended: Vec<String> =
        steps.flat_map(|step| step.statements).filter(|one| one.contains("state_since")).collect();
    assert_eq!(ended.len(), 2, "{ended:?}");
    let bare = TestApp::start(Backend::Sqlite, &[]).await;
    let mut plans = Plans::on(&bare.database.url);
    for statement in ended {
        let plan = plans.of(&statement);
        assert!(plan.contains("tickets_ended_as (state=? AND state_since>?)"), "{statement}\n{plan}");
    }
}
