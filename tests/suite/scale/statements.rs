//! Statements and bytes of every page and call: few, and the same with one row as with fifty.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::routes;
use super::walk::{Step, Walk};
use crate::support::app::TestApp;
use crate::support::crowd::Crowd;
use crate::support::database::Backend;

/// Rows of the smaller and of the larger walk.
const ONE: usize = 1;
const MANY: usize = 50;
/// Bytes of a page with everything that it loads.
const HEAVIEST: usize = 60 * 1024;

/// Walks over everything, with so many rows wherever there can be more than one.
async fn walked(backend: Backend, rows: usize) -> (TestApp, Vec<Step>) {
    let (app, mut crowd) = staged(backend, rows).await;
    let mut walk = Walk::of(&app);
    walk.calls(&mut crowd, rows).await;
    let mut steps = walk.steps;
    let (app, mut crowd) = staged(backend, rows).await;
    let mut walk = Walk::of(&app);
    walk.pages(&mut crowd, rows).await;
    steps.extend(walk.steps);
    (app, steps)
}

async fn staged(backend: Backend, rows: usize) -> (TestApp, Crowd) {
    let app = TestApp::start(backend, &[]).await;
    app.staff("first", "agent").await;
    let mut crowd = Crowd::on(&app.database.url, app.ctx.now());
    // Of each state so many.
    crowd.tickets(1, rows * 2 * 7 + 1, 2);
    crowd.sign(&app.ctx.db).await;
    (app, crowd)
}

/// `GET /desk  9`, a line each. The locks that PostgreSQL alone is asked for are left out, so that both come to the same.
fn table(steps: &[Step]) -> String {
    let mut table = String::new();
    for step in steps {
        let count = step.statements.iter().filter(|one| !one.contains("pg_advisory_xact_lock")).count();
        writeln!(table, "{count:3}  {}", step.name).unwrap();
    }
    table
}

/// Which pages and calls of the larger walk ask more than in the smaller one, and what.
fn growth(few: &[Step], many: &[Step]) -> String {
    let mut grown = String::new();
    for step in many {
        let Some(before) = few.iter().find(|one| one.name == step.name) else { continue };
        let (was, is) = (before.statements.len(), step.statements.len());
        if was == is {
            continue;
        }
        writeln!(grown, "{}: {was}, then {is}", step.name).unwrap();
        let mut kinds: Vec<&str> = step.statements.iter().map(String::as_str).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let count = |step: &Step| step.statements.iter().filter(|one| *one == kind).count();
            if count(before) != count(step) {
                writeln!(grown, "  {} then {} times {kind}", count(before), count(step)).unwrap();
            }
        }
    }
    grown
}

async fn nothing_is_left_out(app: &TestApp, steps: &[Step]) {
    let seen: BTreeSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let mut wanted = BTreeSet::new();
    for pattern in routes::patterns(&app.ctx, |_| {}).await {
        if !pattern.starts_with("/api/v1/") && routes::is_looked_at(&app.http, &pattern).await {
            wanted.insert(format!("GET {pattern}"));
        }
    }
    let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
    for (path, calls) in document["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            wanted.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert!(wanted.len() > 90, "{}", wanted.len());
    let missing: Vec<&String> = wanted.iter().filter(|one| !seen.contains(one.as_str())).collect();
    assert!(missing.is_empty(), "not walked over, so not counted: {missing:#?}");
}

on_both! {
    async fn no_page_or_call_asks_more_where_there_is_more(backend: Backend) {
        let (_, few) = walked(backend, ONE).await;
        let (app, many) = walked(backend, MANY).await;
        nothing_is_left_out(&app, &many).await;
        let grown = growth(&few, &many);
        assert!(grown.is_empty(), "{grown}");
        insta::assert_snapshot!("statements", table(&few));

        let heavy: Vec<String> = many.iter()
            .filter(|step| step.weight.is_some_and(|bytes| bytes >= HEAVIEST))
            .map(|step| format!("{}: {:?} bytes", step.name, step.weight)).collect();
        assert!(heavy.is_empty(), "{heavy:#?}");
        let heaviest = many.iter().max_by_key(|step| step.weight).unwrap();
        println!("the heaviest page: {} with {:?} bytes", heaviest.name, heaviest.weight);
    }
}
