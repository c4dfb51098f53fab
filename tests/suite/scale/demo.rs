//! The demo's own pages: as few statements with many letters and tickets as with few, and as light.

use rekey::demo::Demo;
use std::collections::BTreeSet;
use std::net::TcpListener;

use reqwest::Method;

use super::routes;
use crate::support::client::Client;
use crate::support::crowd::Crowd;

/// Bytes of a page with everything that it loads.
const HEAVIEST: usize = 60 * 1024;

/// Each page of a demo, with how often it asks the database and what it weighs.
async fn walked(tickets: usize) -> Vec<(String, usize, usize)> {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let demo = Demo::prepare(&folder.path().join("demo"), &listener).await.unwrap();
    if tickets > 0 {
        let url = secrecy::ExposeSecret::expose_secret(&demo.ctx.config.database.url).to_owned();
        let mut crowd = Crowd::on(&url, demo.ctx.now());
        crowd.tickets(1, tickets, 2);
        crowd.sign(&demo.ctx.db).await;
    }
    let http = Client::new(&demo.ctx.config.http.public_url);
    let product = routes::patterns(&demo.ctx, |_| {}).await;
    let all = routes::patterns(&demo.ctx, demo.routes()).await;
    let server = rekey::http::run_with(demo.ctx.clone(), listener, demo.routes()).unwrap();
    let handle = server.handle();
    tokio::spawn(server);
    let mut seen = Vec::new();
    for path in own(&all, &product) {
        let path = path.replace("{number}", "1").replace("{name}", "demo.css");
        demo.ctx.db.statements().listen();
        let request =
            http.request(Method::GET, &path).header("accept", "text/html").header("accept-encoding", "gzip");
        let answer = request.send().await.unwrap();
        if answer.status().as_u16() == 405 {
            continue;
        }
        assert!(matches!(answer.status().as_u16(), 200 | 303), "{path}: {}", answer.status());
        let bytes = answer.bytes().await.unwrap().len();
        seen.push((path, demo.ctx.db.statements().take().len(), bytes));
    }
    handle.stop(false).await;
    seen
}

/// What the demo adds to the product's routes; those within its host application are told without their beginning.
fn own(all: &BTreeSet<String>, product: &BTreeSet<String>) -> Vec<String> {
    let scoped =
        |path: &String| if path.starts_with("/demo") { path.clone() } else { format!("/demo/host{path}") };
    all.difference(product).map(scoped).collect()
}

#[tokio::test]
async fn the_demo_asks_no_more_where_there_is_more() {
    let (few, many) = (walked(0).await, walked(100).await);
    assert!(few.len() > 15, "{few:?}");
    for ((path, before, _), (_, after, bytes)) in few.iter().zip(&many) {
        assert_eq!(before, after, "{path}");
        assert!(*before <= 10, "{path}: {before}");
        assert!(*bytes < HEAVIEST, "{path}: {bytes}");
    }
}
