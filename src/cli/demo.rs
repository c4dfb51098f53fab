//! `rekey demo`: the product on a fresh database, with everything that it takes to try it in a browser.
//!
//! The rule to keep: it needs no configuration and reads none, so that it starts from a fresh clone.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::demo::{self, Demo};
use crate::{http, serve, telemetry};

/// Where the demo keeps its files; whatever is there goes at each start.
const FOLDER: &str = "var/demo";

pub(super) async fn run(listen: SocketAddr, output: &Output) -> Result<(), Failure> {
    // First of all, so that a demo that runs already keeps its files.
    let listener = TcpListener::bind(listen).map_err(|error| taken(listen, &error))?;
    let demo = Demo::prepare(Path::new(FOLDER), &listener).await.map_err(|error| Failure::of(&error))?;
    telemetry::start(&demo.ctx.config.log).map_err(|error| Failure::of(&error))?;
    let failed = |error| Failure::Failed(format!("the demo on {listen} cannot go on: {error}"));
    let server = http::run_with(demo.ctx.clone(), listener, demo.routes()).map_err(failed)?;
    let url = &demo.ctx.config.http.public_url;
    output.print(&json!({ "url": url, "guide": format!("{url}/demo") }), &demo::printed(&demo));
    serve::keep(demo.ctx.clone(), server, None).await.map_err(failed)
}

fn taken(listen: SocketAddr, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        ErrorKind::AddrInUse => format!("{listen} is taken by another program"),
        _ => format!("{listen} cannot be had: {error}"),
    };
    let other = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8080));
    Failure::Failed(format!("{why}: choose another address with `rekey demo --listen {other}`"))
}
