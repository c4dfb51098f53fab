//! Letters to the administrators about what stands still, or is wrong, until they act.
//!
//! The rule to keep: one email within a day and alarm, or the letters would hide what they tell.

use chrono::Duration;

use super::Context;
use crate::db::letters::{self, About, Fate};
use crate::db::staff;
use crate::db::throttles::{self, Counter};
use crate::domain::actor::Role;
use crate::domain::letter::{Alarm, Content, Letter};
use crate::error::{Error, chain};

/// Tells the administrators, unless they were told within a day.
///
/// # Errors
/// Of the database alone.
pub async fn raise(ctx: &Context, alarm: Alarm) -> Result<(), Error> {
    let (work, now) = (ctx.clone(), ctx.now());
    let counter = Counter { name: "alarm", subject: alarm.as_str(), window: Duration::days(1) };
    if ctx.db.read(move |conn| throttles::full_until(conn, &counter, 1, now)).await?.is_some() {
        return Ok(());
    }
    // Not `ctx.write`, which may be what raises it.
    let told = ctx.db.write(move |conn| {
        throttles::lock(conn, &counter)?;
        if throttles::take(conn, &counter, 1, now)?.is_err() {
            return Ok(());
        }
        for admin in staff::list(conn)?.into_iter().filter(|one| one.roles.has(Role::Admin)) {
            if admin.disabled_at.is_none() {
                let letter = Letter { to: admin.email, content: Content::DeskAlarm { alarm } };
                letters::insert(conn, &work.crypto, About::default(), &letter, Fate::Send, now)?;
            }
        }
        Ok::<_, Error>(())
    });
    told.await?;
    ctx.wake.notify_one();
    Ok(())
}

/// The same for whoever has something else to answer.
pub(super) async fn raise_or_log(ctx: &Context, alarm: Alarm) {
    if let Err(error) = raise(ctx, alarm).await {
        tracing::error!(
            error = chain(&error),
            alarm = alarm.as_str(),
            "the administrators could not be told"
        );
    }
}
