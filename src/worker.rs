//! The worker: letters, holds, expiries and the audit chain, beside the requests.
//!
//! `tick` does what is due once, and is what tests call; `run` does it once a second, and letters as soon as they are
//! written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::letter::Alarm;
use crate::error::{Error, chain};
use crate::workflow::{Context, alarm, audit, deliver, expire, rotate};

/// How long it sleeps between two rounds.
const SECOND: Duration = Duration::from_secs(1);

/// Does everything that is due now, until nothing is left.
///
/// # Errors
/// Of the database; what is left is done the next time.
pub async fn tick(ctx: &Context) -> Result<(), Error> {
    let done = act(ctx).await;
    // The chain grows even where something else stands still.
    seal(ctx).await?;
    tell_of_rows(ctx).await?;
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

/// Seals what was done last and signs it, when nothing is done any more.
///
/// # Errors
/// Of the database, or of the checkpoints' file.
pub async fn close(ctx: &Context) -> Result<(), Error> {
    seal(ctx).await?;
    audit::last_checkpoint(ctx).await.map(drop)
}

/// Tells the administrators where a row was met that was written by hand.
async fn tell_of_rows(ctx: &Context) -> Result<(), Error> {
    if ctx.db.met_forged_row() { alarm::raise(ctx, Alarm::SealBroken).await } else { Ok(()) }
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
    ctx.heartbeat.beat();
    let due = Arc::new(Notify::new());
    let mut letters = JoinSet::new();
    let mut seconds = interval(SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stop.borrow() {
        while letters.try_join_next().is_some() {}
        if letters.is_empty() {
            letters.spawn(deliver::run_on(ctx.clone(), Arc::clone(&due), stop.clone()));
        }
        due.notify_one();
        tokio::select! {
            _ = seconds.tick() => go_round(&ctx).await,
            // Whoever writes wakes it for their letters alone: a flood of writes makes no more rounds.
            () = ctx.wake.notified() => {}
            _ = stop.changed() => {}
        }
    }
    while letters.join_next().await.is_some() {}
}

/// Does what time brings about. What fails is done the next time, and holds up nothing of the rest.
async fn go_round(ctx: &Context) {
    if let Err(error) = rotate::reload_ring(ctx) {
        tracing::error!(
            error = chain(&error),
            "the key ring cannot be read again; the one in memory stays in use"
        );
    }
    if let Err(error) = expire_all(ctx).await {
        tracing::error!(error = chain(&error), "the worker could not end what is past its time");
    }
    ctx.heartbeat.beat();
    if let Err(error) = seal(ctx).await {
        tracing::error!(error = chain(&error), "the worker could not go on with the audit chain");
    }
    if let Err(error) = tell_of_rows(ctx).await {
        tracing::error!(error = chain(&error), "the administrators could not be told of a row");
    }
    ctx.heartbeat.beat();
    if let Err(error) = expire::sweep(ctx).await {
        tracing::error!(error = chain(&error), "the worker could not forget what is past");
    }
    ctx.heartbeat.beat();
}

async fn expire_all(ctx: &Context) -> Result<(), Error> {
    while expire::run(ctx).await? > 0 {
        ctx.heartbeat.beat();
    }
    Ok(())
}
