//! The worker: letters, holds, expiries and the audit chain, beside the requests.
//!
//! `tick` does what is due once, and is what tests call; `run` does it again and again, woken at once by writes.

use std::time::Duration;

use tokio::sync::watch;

use crate::error::Error;
use crate::workflow::{Context, deliver, expire};

/// How long it sleeps when nobody wakes it.
const PAUSE: Duration = Duration::from_secs(1);
/// How often what is past is forgotten, in rounds.
const SWEEP_EVERY: u32 = 300;

/// Does everything that is due now, until nothing is left.
///
/// # Errors
/// Of the database; what is left is done the next time.
pub async fn tick(ctx: &Context) -> Result<(), Error> {
    loop {
        // Letters go out even where something cannot be ended.
        let expired = expire::run(ctx).await;
        let sent = deliver::run(ctx).await;
        if expired? + sent? == 0 {
            return Ok(());
        }
    }
}

/// Works until it is told to stop; a letter that is being sent is sent to its end.
pub async fn run(ctx: Context, mut stop: watch::Receiver<bool>) {
    let mut rounds = 0_u32;
    while !*stop.borrow() {
        if let Err(error) = tick(&ctx).await {
            tracing::error!(%error, "the worker could not finish its round");
        }
        if rounds.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = expire::sweep(&ctx).await
        {
            tracing::error!(%error, "the worker could not forget what is past");
        }
        rounds = rounds.wrapping_add(1);
        tokio::select! {
            () = ctx.wake.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => {}
        }
    }
}
