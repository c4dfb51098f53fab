//! Sending one letter: when it has its turn, and with its lease kept while the mail server takes its time.

use std::sync::Arc;
use std::time::Duration as Pause;

use chrono::Duration;
use tokio::sync::{Semaphore, watch};

use super::Context;
use crate::db::letters;
use crate::domain::Time;
use crate::domain::ids::LetterId;
use crate::error::Error;
use crate::mail::{Composed, Verdict};

/// How long a worker has a letter before another may take it.
pub(super) const LEASE: Duration = Duration::seconds(15);
/// How often a lease is renewed while the mail server takes its time.
const RENEWAL: Pause = Pause::from_secs(5);

/// Who may be sending: as many letters at a time as the mail server takes, and none once the worker is to stop.
#[derive(Clone)]
pub(super) struct Turns {
    seats: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Turns {
    pub(super) fn of(ctx: &Context, stop: watch::Receiver<bool>) -> Self {
        let seats = usize::try_from(ctx.config.mail.connections).unwrap_or(1);
        Self { seats: Arc::new(Semaphore::new(seats)), stop }
    }

    /// Sends when it has its turn, and nothing where the worker is to stop before. None where there was no lease to keep:
    /// then nothing more is sent of it.
    pub(super) async fn send(
        &mut self,
        ctx: &Context,
        id: &LetterId,
        message: &Composed,
        held: &mut Time,
    ) -> Option<Option<Verdict>> {
        let _seat = tokio::select! {
            biased;
            true = is_told(&mut self.stop) => return Some(None),
            seat = keeping(ctx, id, held, self.seats.acquire()) => seat?.ok()?,
        };
        keeping(ctx, id, held, ctx.mailer.send(message)).await.map(Some)
    }
}

/// Waits until the worker is to stop; false where nobody is left to say so.
async fn is_told(stop: &mut watch::Receiver<bool>) -> bool {
    stop.wait_for(|stop| *stop).await.is_ok()
}

/// Waits, and keeps the lease meanwhile. None where there was none to keep.
async fn keeping<T>(
    ctx: &Context,
    id: &LetterId,
    held: &mut Time,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            () = tokio::time::sleep(RENEWAL) => {
                let (id, from, until) = (id.clone(), *held, ctx.now() + LEASE);
                let kept = ctx.db.write(move |conn| Ok::<_, Error>(letters::keep(conn, &id, from, until)?)).await;
                match kept {
                    Ok(true) => *held = until,
                    Ok(false) => return None,
                    // Whether it is still ours, the next look tells.
                    Err(_) => {}
                }
            }
        }
    }
}
