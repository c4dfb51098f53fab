//! The program at work: pages and API, metrics, and the worker, until it is told to stop.
//!
//! The rule to keep: told to stop, it takes no more requests, ends those that it has and the letter that it is
//! sending, and only then goes.

use std::io;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::telemetry::Metrics;
use crate::workflow::Context;
use crate::{http, worker};

/// How often metrics are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT. `metrics` is served where the configuration says where.
///
/// # Errors
/// An address cannot be had, or a server ended by itself.
pub async fn serve(ctx: Context, metrics: Option<Metrics>) -> io::Result<()> {
    let pages = http::run(ctx.clone())?;
    keep(ctx, pages, metrics).await
}

/// The same with a server for pages and API that was started already.
///
/// # Errors
/// An address cannot be had, or a server ended by itself.
pub async fn keep(ctx: Context, pages: Server, metrics: Option<Metrics>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let metrics = match (ctx.config.http.metrics_listen, metrics) {
        (Some(address), Some(metrics)) => {
            let _upkeep = tokio::spawn(upkeep(metrics.clone()));
            Some(Running::start(http::run_metrics(address, metrics)?))
        }
        _ => None,
    };
    let mut pages = Running::start(pages);
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(worker::run(ctx.clone(), stopped));
    tracing::info!(listen = %ctx.config.http.listen, public_url = %ctx.config.http.public_url, "serving");
    let ended = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = &mut pages.task => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
    };
    tracing::info!("stopping");
    pages.handle.stop(true).await;
    // A receiver that is gone has ended by itself.
    let _ = stop.send(true);
    let _ = worker.await;
    if let Some(metrics) = metrics {
        metrics.handle.stop(false).await;
    }
    ended
}

struct Running {
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(server: Server) -> Self {
        Self { handle: server.handle(), task: tokio::spawn(server) }
    }
}

async fn upkeep(metrics: Metrics) {
    let mut often = tokio::time::interval(UPKEEP);
    loop {
        often.tick().await;
        metrics.upkeep();
    }
}
