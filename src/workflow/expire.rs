//! What happens by itself: holds end, and the time of states and enrolments runs out.

use super::{Context, issue};
use crate::db::audit::{self, Circumstances};
use crate::db::authenticators::{self, Authenticator};
use crate::db::{Conn, apply, clients, idempotency, sessions, throttles, tickets, tokens};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ticket::{Command, State, Ticket};
use crate::error::Error;

/// How many are looked at in one go.
const BATCH: i64 = 100;

/// A ticket as it is now: expired, if the time of its state has run out. Nothing expired is acted upon.
pub(super) fn settle(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<Ticket, Error> {
    if !ticket.is_overdue(now) || ticket.require(Command::Expire).is_err() {
        return Ok(ticket);
    }
    Ok(apply(conn, &ctx.crypto, ticket.expire(&ctx.policy, now)?)?)
}

/// Ends holds and expires what has run out. Returns how many there were.
///
/// # Errors
/// Of the database alone.
pub async fn run(ctx: &Context) -> Result<usize, Error> {
    let now = ctx.now();
    let due = ctx.db.read(move |conn| Ok::<_, Error>(tickets::list_overdue(conn, now, BATCH)?)).await?;
    for id in &due {
        let (inner, id) = (ctx.clone(), id.clone());
        ctx.write(move |conn| {
            let ticket = tickets::get(conn, &id)?;
            if ticket.state == State::Approved && ticket.is_overdue(now) {
                issue::issue(conn, &inner, ticket, now)?;
            } else {
                settle(conn, &inner, ticket, now)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(due.len() + enrolments(ctx, now).await?)
}

async fn enrolments(ctx: &Context, now: Time) -> Result<usize, Error> {
    let list =
        move |conn: &mut Conn| Ok::<_, Error>(authenticators::list_expired_enrolments(conn, now, BATCH)?);
    let due: Vec<Authenticator> = ctx.db.read(list).await?;
    for one in &due {
        let (inner, one) = (ctx.clone(), one.clone());
        ctx.write(move |conn| {
            let living = authenticators::list_living(conn, &one.account_id)?;
            let Some(pending) = living.iter().find(|living| living.id == one.id && living.is_expired(now))
            else {
                return Ok(());
            };
            let ended =
                authenticators::enter(conn, &inner.crypto, pending, AuthenticatorState::Revoked, now)?;
            let around = Circumstances {
                actor: &Actor::Machine,
                at: now,
                subject: &Subject::Authenticator(ended.id.clone()),
                version: ended.version,
                ticket: None,
            };
            audit::insert(conn, &inner.crypto, &around, &Event::new(Action::KeyRevoked))?;
            Ok(())
        })
        .await?;
    }
    Ok(due.len())
}

/// Forgets what is past: tokens, sessions, counters, used assertions, stored answers.
///
/// # Errors
/// Of the database alone.
pub async fn sweep(ctx: &Context) -> Result<(), Error> {
    let now = ctx.now();
    ctx.db
        .write(move |conn| {
            tokens::sweep(conn, now)?;
            sessions::sweep(conn, now)?;
            throttles::sweep(conn, now - chrono::Duration::days(2))?;
            clients::sweep_assertions(conn, now)?;
            idempotency::sweep(conn, now)?;
            Ok::<_, Error>(())
        })
        .await
}
