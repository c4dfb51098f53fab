//! "This wasn't me": stops a ticket, or suspends an account, and wins against everything.

use super::Context;
use crate::crypto::{TokenKind, token_hash};
use crate::db::letters::{self, About};
use crate::db::tokens::{self, Kind};
use crate::db::{self, Conn, accounts, apply, tickets};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::ids::AccountId;
use crate::domain::letter::Content;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{State, Ticket};
use crate::error::Error;

/// The stop link of a letter was confirmed.
///
/// # Errors
/// `NotFound` for unknown and expired ones.
pub async fn stop(ctx: &Context, token: &str) -> Result<(), Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let hash = token_hash(TokenKind::Stop, token).ok_or(Rejection::NotFound)?;
    ctx.write(move |conn| {
        let row = tokens::find(conn, Kind::Stop, &hash, now)?.ok_or(Rejection::NotFound)?;
        match (row.ticket_id, row.account_id) {
            (Some(id), _) => {
                accounts::lock_of_ticket(conn, &id)?;
                let ticket = tickets::get(conn, &id)?;
                stop_ticket(conn, &inner, ticket, now)
            }
            (None, Some(account)) => stop_account(conn, &inner, &account, now),
            (None, None) => Err(Rejection::NotFound.into()),
        }
    })
    .await
}

fn stop_ticket(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<(), Error> {
    match (ticket.state, &ticket.duplicate_of) {
        (State::Unconfirmed, _) => {
            apply(conn, &ctx.crypto, ticket.disown(now)?)?;
            Ok(())
        }
        (State::Closed, Some(of)) => {
            let main = tickets::get(conn, of)?;
            if main.state == State::Closed {
                return Ok(());
            }
            freeze_ticket(conn, ctx, main, &Actor::Requester, "stop link", now)
        }
        // There is nothing left to stop; the answer is the same.
        (State::Closed | State::Frozen, _) => Ok(()),
        _ => freeze_ticket(conn, ctx, ticket, &Actor::Requester, "stop link", now),
    }
}

/// Freezes a ticket. Where it had completed and the account has another open ticket, that one is frozen too.
pub(super) fn freeze_ticket(
    conn: &mut Conn,
    ctx: &Context,
    ticket: Ticket,
    actor: &Actor,
    reason: &str,
    now: Time,
) -> Result<(), Error> {
    let completed = ticket.state == State::Completed;
    let frozen = apply(conn, &ctx.crypto, ticket.freeze(actor.clone(), reason, now)?)?;
    if completed
        && let Some(account) = &frozen.account
        && let Some(open) = tickets::find_open(conn, account)?
        && open.state != State::Frozen
    {
        apply(conn, &ctx.crypto, open.freeze(actor.clone(), reason, now)?)?;
    }
    Ok(())
}

/// No code of the account is accepted until a ticket completes, and its open ticket goes no further.
fn stop_account(conn: &mut Conn, ctx: &Context, id: &AccountId, now: Time) -> Result<(), Error> {
    accounts::lock(conn, id)?;
    let was_free = db::freeze_account(conn, &ctx.crypto, id, &Actor::Requester, None, now)?;
    match tickets::find_open(conn, id)? {
        // Its own letters tell everyone.
        Some(open) if open.state != State::Frozen => {
            freeze_ticket(conn, ctx, open, &Actor::Requester, "stop link", now)
        }
        _ if was_free => {
            let about = About { account: Some(id), ..About::default() };
            Ok(letters::tell_everyone(conn, &ctx.crypto, about, &Content::Frozen, now)?)
        }
        _ => Ok(()),
    }
}
