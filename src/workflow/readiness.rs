//! Whether this program can serve: its database answers and takes writes, its key ring is the one that the database was
//! sealed with, its worker goes round.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Context;
use super::key_ring::Known;
use super::rotate;
use crate::db::letters;
use crate::error::Error;

/// How long the worker may be without having finished anything. While the database is away its steps fail in seconds.
const STALLED: Duration = Duration::from_mins(2);

/// When the worker of this program last finished something.
#[derive(Clone, Default)]
pub struct Heartbeat(Arc<Mutex<Option<Instant>>>);

impl Heartbeat {
    /// It has finished something now.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it has been too long ago; false where no worker was started.
    fn has_stopped(&self, now: Instant) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| now.saturating_duration_since(at) > STALLED)
    }
}

/// What was found.
#[expect(clippy::struct_excessive_bools, reason = "one for each part, which fails by itself")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// It takes writes, which nearly every request needs.
    pub writes: bool,
    /// The key ring is the database's, and has the key that seals now and none that was retired.
    pub keys: bool,
    /// The worker goes round.
    pub worker: bool,
    /// For how many seconds the oldest letter has been waiting; none when nothing waits.
    pub outbox_age: Option<i64>,
    /// A letter waits because the mail server refuses us.
    pub mail_refused: bool,
}

/// Looks.
pub async fn look(ctx: &Context) -> Readiness {
    let now = ctx.now();
    let reading = ctx.db.read(|conn| {
        Ok::<_, Error>((Known::load(conn)?, letters::oldest_waiting(conn)?, letters::is_refused(conn)?))
    });
    let (found, writes) = tokio::join!(reading, ctx.db.takes_writes());
    let worker = !ctx.heartbeat.has_stopped(Instant::now());
    match found {
        Ok((known, oldest, mail_refused)) => Readiness {
            database: true,
            writes,
            keys: has_keys(ctx, &known),
            worker,
            outbox_age: oldest.map(|since| (now - since).num_seconds().max(0)),
            mail_refused,
        },
        Err(_) => Readiness { worker, ..Readiness::default() },
    }
}

/// The ring's file may have changed a moment ago.
fn has_keys(ctx: &Context, known: &Known) -> bool {
    let is_sound = || known.fault(&ctx.crypto).is_none();
    is_sound() || (rotate::reload_ring(ctx).is_ok_and(|changed| changed) && is_sound())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_finishes_nothing_for_two_minutes_has_stopped() {
        let (heartbeat, now) = (Heartbeat::default(), Instant::now());
        assert!(!heartbeat.has_stopped(now + STALLED * 2), "there is none");
        heartbeat.beat();
        assert!(!heartbeat.has_stopped(now + STALLED));
        assert!(heartbeat.has_stopped(Instant::now() + STALLED + Duration::from_secs(1)));
    }
}
