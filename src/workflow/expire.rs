//! What happens by itself: holds end, and the time of states and enrolments runs out.

use chrono::Duration;

use super::{Context, desk, issue};
use crate::db::audit::{self, Circumstances};
use crate::db::authenticators::{self, Authenticator};
use crate::db::{
    Conn, account_sessions, accounts, apply, challenges, clients, dropped, idempotency, password_guesses,
    review, sessions, throttles, tickets, tokens, vouches,
};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::TicketId;
use crate::domain::ticket::{Command, State, Ticket};
use crate::error::{Error, chain};

/// How many are looked at in one go.
const BATCH: i64 = 100;

/// A ticket as it is now: expired, if the time of its state has run out. Nothing expired is acted upon.
pub(super) fn settle(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<Ticket, Error> {
    if !ticket.is_overdue(now) || ticket.require(Command::Expire).is_err() {
        return Ok(ticket);
    }
    Ok(apply(conn, &ctx.crypto, ticket.expire(&ctx.policy, now)?)?)
}

/// Ends holds and expires what has run out. Returns how many there were; one that cannot be is left, and said.
///
/// # Errors
/// Of the database alone.
pub async fn run(ctx: &Context) -> Result<usize, Error> {
    let now = ctx.now();
    let due = ctx.db.read(move |conn| Ok::<_, Error>(tickets::list_overdue(conn, now, BATCH)?)).await?;
    let mut done = 0;
    for id in due {
        let (inner, ticket) = (ctx.clone(), id.clone());
        let ended = ctx.write(move |conn| end(conn, &inner, &ticket, now)).await;
        done += said(&ended, "ticket", id.as_str());
    }
    let list =
        move |conn: &mut Conn| Ok::<_, Error>(authenticators::list_expired_enrolments(conn, now, BATCH)?);
    for one in ctx.db.read(list).await? {
        let (inner, id) = (ctx.clone(), one.id.clone());
        let ended = ctx.write(move |conn| end_enrolment(conn, &inner, &one, now)).await;
        done += said(&ended, "enrolment", id.as_str());
    }
    Ok(done)
}

fn said(ended: &Result<(), Error>, what: &'static str, id: &str) -> usize {
    match ended {
        Ok(()) => 1,
        Err(error) => {
            tracing::error!(error = chain(error), what, id, "its time has run out, and it cannot be ended");
            0
        }
    }
}

fn end(conn: &mut Conn, ctx: &Context, id: &TicketId, now: Time) -> Result<(), Error> {
    accounts::lock_of_ticket(conn, id)?;
    let ticket = tickets::get(conn, id)?;
    if ticket.state == State::Approved && ticket.is_overdue(now) {
        issue::issue(conn, ctx, ticket, now)?;
    } else {
        settle(conn, ctx, ticket, now)?;
    }
    Ok(())
}

fn end_enrolment(conn: &mut Conn, ctx: &Context, one: &Authenticator, now: Time) -> Result<(), Error> {
    accounts::lock(conn, &one.account_id)?;
    let living = authenticators::list_living(conn, &one.account_id)?;
    let Some(pending) = living.iter().find(|living| living.id == one.id && living.is_expired(now)) else {
        return Ok(());
    };
    let ended = authenticators::enter(conn, &ctx.crypto, pending, AuthenticatorState::Revoked, now)?;
    let around = Circumstances {
        actor: &Actor::Machine,
        at: now,
        subject: &Subject::Authenticator(ended.id.clone()),
        version: ended.version,
        ticket: None,
    };
    Ok(audit::insert(conn, &ctx.crypto, &around, &Event::new(Action::KeyRevoked))?)
}

/// Forgets what is past: codes, tokens, sessions, evidence, counters, used assertions, stored answers. The sooner it
/// is called the better: what is forgotten is not revived by a clock that steps back.
///
/// # Errors
/// Of the database alone.
pub async fn sweep(ctx: &Context) -> Result<(), Error> {
    let now = ctx.now();
    let idle_since = now - Duration::minutes(i64::from(ctx.config.sessions.idle_minutes));
    // The desk is told of a code that was held back as long as its request may be confirmed.
    let dropped_for = ctx.policy.unconfirmed_lifetime.max(Duration::days(1));
    let evidence_until = now - ctx.policy.evidence_lifetime;
    ctx.db
        .write(move |conn| {
            challenges::sweep(conn, now)?;
            vouches::sweep(conn, now)?;
            review::lapse_evidence(conn, evidence_until, now)?;
            tokens::sweep(conn, now)?;
            sessions::sweep(conn, now, idle_since)?;
            account_sessions::sweep(conn, now, idle_since)?;
            password_guesses::sweep(conn, now - Duration::days(1))?;
            throttles::sweep(conn, now - Duration::days(2))?;
            dropped::sweep(conn, now - dropped_for)?;
            desk::forget_lookers(conn, now)?;
            clients::sweep_assertions(conn, now)?;
            idempotency::sweep(conn, now)?;
            Ok::<_, Error>(())
        })
        .await
}
