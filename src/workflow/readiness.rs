//! Whether this program can serve: its database answers, its key ring is the one that the database was sealed with.

use super::Context;
use crate::db::{facts, letters};
use crate::error::Error;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// The key ring is the database's.
    pub keys: bool,
    /// For how many seconds the oldest letter has been waiting; none when nothing waits.
    pub outbox_age: Option<i64>,
    /// A letter waits because the mail server refuses us.
    pub mail_refused: bool,
}

/// Looks.
pub async fn look(ctx: &Context) -> Readiness {
    let (ring, now) = (ctx.crypto.ring_id(), ctx.now());
    let found = ctx
        .db
        .read(move |conn| {
            let keys = facts::find(conn, "key_ring")?.is_none_or(|known| known == ring);
            Ok::<_, Error>((keys, letters::oldest_waiting(conn)?, letters::is_refused(conn)?))
        })
        .await;
    match found {
        Ok((keys, oldest, mail_refused)) => Readiness {
            database: true,
            keys,
            outbox_age: oldest.map(|since| (now - since).num_seconds().max(0)),
            mail_refused,
        },
        Err(_) => Readiness::default(),
    }
}
