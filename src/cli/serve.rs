//! `rekey serve`.

use super::failure::{Failure, chain};
use crate::config::Config;
use crate::telemetry::{self, Metrics};
use crate::{app, serve};

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    telemetry::start(&config.log).map_err(|error| Failure::of(&error))?;
    let wanted = config.http.metrics_listen.is_some();
    let metrics = wanted.then(Metrics::start).transpose().map_err(|error| Failure::of(&error))?;
    let ctx = app::build(config).await?;
    for warning in app::warnings(&ctx).await? {
        tracing::warn!("{warning}");
    }
    if let Err(error) = ctx.db.claim_log().await {
        tracing::warn!(error = chain(&error), "a log of another database file would not be noticed");
    }
    let listen = ctx.config.http.listen;
    serve::serve(ctx, metrics)
        .await
        .map_err(|error| Failure::Failed(format!("the server on {listen} cannot go on: {error}")))
}
