//! The worker: letters, holds, expiries and the audit chain, beside the requests.
//!
//! `tick` does what is due once, and is what tests call; `run` does it again and again, woken at once by writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::domain::letter::Alarm;
use crate::error::{Error, chain};
use crate::workflow::{Context, alarm, audit, deliver, expire, rotate};

/// How long it sleeps when nobody wakes it.
const PAUSE: Duration = Duration::from_secs(1);

/// Does everything that is due now, until nothing is left.
///
/// # Errors
/// Of the database; what is left is done the next time.
pub async fn tick(ctx: &Context) -> Result<(), Error> {
    let done = act(ctx).await;
    // The chain grows even where something else stands still.
    seal(ctx).await?;
    done
}

async fn act(ctx: &Context) -> Result<(), Error> {
    loop {
        // Letters go out even where something cannot be ended.
        let expired = expire::run(ctx).await;
        let sent = deliver::run(ctx).await;
        if expired? + sent? == 0 {
            return expire::sweep(ctx).await;
        }
    }
}

async fn seal(ctx: &Context) -> Result<(), Error> {
    let sealing = audit::seal(ctx).await?;
    for entry in &sealing.refused {
        tracing::error!(%entry, "an entry of the audit log was not written by this program");
    }
    if !sealing.refused.is_empty() {
        alarm::raise(ctx, Alarm::AuditBroken).await?;
    }
    audit::checkpoint(ctx).await.map(drop)
}

/// Works until it is told to stop; a letter that is being sent is sent to its end.
///
/// Letters go beside the rest: a mail server that takes its time holds up no time limit and no audit chain.
pub async fn run(ctx: Context, mut stop: watch::Receiver<bool>) {
    let mut swept = None;
    let due = Arc::new(Notify::new());
    let mut letters = JoinSet::new();
    while !*stop.borrow() {
        if let Err(error) = rotate::reload_ring(&ctx) {
            tracing::error!(
                error = chain(&error),
                "the key ring cannot be read again; the one in memory stays in use"
            );
        }
        while letters.try_join_next().is_some() {}
        if letters.is_empty() {
            letters.spawn(deliver::run_on(ctx.clone(), Arc::clone(&due), stop.clone()));
        }
        due.notify_one();
        if let Err(error) = round(&ctx).await {
            tracing::error!(error = chain(&error), "the worker could not finish its round");
        }
        // Once a second, however often it is woken.
        if swept.replace(ctx.now()) != Some(ctx.now())
            && let Err(error) = expire::sweep(&ctx).await
        {
            tracing::error!(error = chain(&error), "the worker could not forget what is past");
        }
        tokio::select! {
            () = ctx.wake.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => {}
        }
    }
    while letters.join_next().await.is_some() {}
}

async fn round(ctx: &Context) -> Result<(), Error> {
    let done = expire_all(ctx).await;
    seal(ctx).await?;
    done
}

async fn expire_all(ctx: &Context) -> Result<(), Error> {
    while expire::run(ctx).await? > 0 {}
    Ok(())
}
