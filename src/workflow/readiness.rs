//! Whether this program can serve: its database answers, its key ring is the one that the database was sealed with.

use super::Context;
use super::key_ring::Known;
use super::rotate;
use crate::db::letters;
use crate::error::Error;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// The key ring is the database's, and has the key that seals now and none that was retired.
    pub keys: bool,
    /// For how many seconds the oldest letter has been waiting; none when nothing waits.
    pub outbox_age: Option<i64>,
    /// A letter waits because the mail server refuses us.
    pub mail_refused: bool,
}

/// Looks.
pub async fn look(ctx: &Context) -> Readiness {
    let now = ctx.now();
    let found = ctx
        .db
        .read(|conn| {
            Ok::<_, Error>((Known::load(conn)?, letters::oldest_waiting(conn)?, letters::is_refused(conn)?))
        })
        .await;
    match found {
        Ok((known, oldest, mail_refused)) => Readiness {
            database: true,
            keys: has_keys(ctx, &known),
            outbox_age: oldest.map(|since| (now - since).num_seconds().max(0)),
            mail_refused,
        },
        Err(_) => Readiness::default(),
    }
}

/// The ring's file may have changed a moment ago.
fn has_keys(ctx: &Context, known: &Known) -> bool {
    let is_sound = || known.fault(&ctx.crypto).is_none();
    is_sound() || (rotate::reload_ring(ctx).is_ok_and(|changed| changed) && is_sound())
}
