//! The program at work: pages and API, metrics, and the worker, until it is told to stop.
//!
//! The rule to keep: told to stop, it takes no more requests, ends those that it has and the letters that it is
//! sending, seals the audit log, and only then goes. Where a part of it ends by itself, the whole ends, and says so.

use std::io;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::chain;
use crate::telemetry::Metrics;
use crate::workflow::Context;
use crate::{http, worker};

/// How long emails that are being sent have when the program stops: a mail server may take two minutes for its word. What
/// is not done by then is sent again by whoever takes it next. `compose.yaml` and `packaging/rekey.service` give three
/// minutes in all.
const LETTERS: Duration = Duration::from_secs(150);
/// How often metrics are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT. `metrics` is served where the configuration says where.
///
/// # Errors
/// An address cannot be had, or a server or the worker ended by itself.
pub async fn serve(ctx: Context, metrics: Option<Metrics>) -> io::Result<()> {
    let pages = http::run(ctx.clone())?;
    keep(ctx, pages, metrics).await
}

/// The same with a server for pages and API that was started already.
///
/// # Errors
/// An address cannot be had, or a server or the worker ended by itself.
pub async fn keep(ctx: Context, pages: Server, metrics: Option<Metrics>) -> io::Result<()> {
    let told = told_to_stop()?;
    let metrics = match (ctx.config.http.metrics_listen, metrics) {
        (Some(address), Some(metrics)) => {
            let _upkeep = tokio::spawn(upkeep(metrics.clone()));
            Some(Running::start(http::run_metrics(address, metrics)?))
        }
        _ => None,
    };
    let mut pages = Running::start(pages);
    let (stop, stopped) = watch::channel(false);
    let mut worker = tokio::spawn(worker::run(ctx.clone(), stopped));
    tracing::info!(listen = %ctx.config.http.listen, public_url = %ctx.config.http.public_url, "serving");
    let ended = until_one_ends(told, &mut pages.task, &mut worker).await;
    tracing::info!("stopping");
    // A receiver that is gone has ended by itself. No letter is begun while requests end.
    let _ = stop.send(true);
    pages.handle.stop(true).await;
    if !worker.is_finished() {
        let _ = tokio::time::timeout(LETTERS, worker).await;
    }
    if let Err(error) = worker::close(&ctx).await {
        tracing::error!(error = chain(&error), "the audit log could not be sealed at the end");
    }
    if let Some(metrics) = metrics {
        metrics.handle.stop(false).await;
    }
    ended
}

/// Waits for SIGTERM or SIGINT, from now on.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits until it is told to stop, or a part that should go on for ever has ended.
async fn until_one_ends(
    told: impl Future<Output = ()>,
    pages: &mut JoinHandle<io::Result<()>>,
    worker: &mut JoinHandle<()>,
) -> io::Result<()> {
    tokio::select! {
        () = told => Ok(()),
        ended = pages => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
        ended = worker => Err(match ended {
            Ok(()) => io::Error::other("the worker has ended"),
            // What it says of a panic may quote what was being worked on.
            Err(_) => io::Error::other("the worker has panicked"),
        }),
    }
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_worker_that_ends_by_itself_ends_the_program_with_an_error() {
        let mut pages = tokio::spawn(pending::<io::Result<()>>());
        let mut panics = tokio::spawn(async { panic!("a story") });
        let ended = until_one_ends(pending(), &mut pages, &mut panics).await;
        assert_eq!(ended.unwrap_err().to_string(), "the worker has panicked");
        let mut returns = tokio::spawn(async {});
        assert!(until_one_ends(pending(), &mut pages, &mut returns).await.is_err());
        let mut works = tokio::spawn(pending::<()>());
        assert!(until_one_ends(std::future::ready(()), &mut pages, &mut works).await.is_ok());
    }
}
