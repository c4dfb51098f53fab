//! A ticket follows the address on file: a code that went to the previous one is void, and a new one goes to the new.
//!
//! The rule: whoever acts on a ticket by its address has it follow first. The tickets that are open when an account is
//! put follow at once; the rest when they are next touched.

use super::code_limits::Cause;
use super::{Context, open};
use crate::db::{Conn, apply, challenges, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::ticket::{State, Ticket};
use crate::error::Error;

/// The ticket as it is for the address on file. Where that is another one, a code that is under way ends.
pub(super) fn follow(
    conn: &mut Conn,
    ctx: &Context,
    ticket: Ticket,
    account: &Account,
    now: Time,
) -> Result<Ticket, Error> {
    let is_over = ticket.state == State::Closed && ticket.duplicate_of.is_none();
    if is_over || !ticket.is_behind(&account.email) {
        return Ok(ticket);
    }
    challenges::end(conn, &ticket.id)?;
    let changed = ticket.address_changed(account.email.clone(), &ctx.policy, now)?;
    Ok(apply(conn, &ctx.crypto, changed)?)
}

/// The same for a ticket that goes on, with a new code to the new address: for the request that is the person's own.
pub(super) fn follow_open(
    conn: &mut Conn,
    ctx: &Context,
    ticket: Ticket,
    account: &Account,
    now: Time,
) -> Result<Ticket, Error> {
    let is_live = ticket.occupies_slot() && ticket.frozen_from != Some(State::Completed);
    let goes_on = is_live || ticket.state == State::Unconfirmed;
    if !goes_on || !ticket.is_behind(&account.email) {
        return Ok(ticket);
    }
    let ticket = follow(conn, ctx, ticket, account, now)?;
    let own = match ticket.kept.as_ref().filter(|kept| **kept != ticket.id) {
        Some(kept) => {
            let kept = tickets::get(conn, kept)?;
            follow(conn, ctx, kept, account, now)?
        }
        None => ticket.clone(),
    };
    open::send_code(conn, ctx, &own, Some(account), &account.email, Cause::Application, now)?;
    Ok(ticket)
}

/// The address of an account was changed: its open ticket follows, and the newest requests that nobody confirmed, as
/// many as may be written to in a day.
pub(super) fn follow_all(conn: &mut Conn, ctx: &Context, account: &Account, now: Time) -> Result<(), Error> {
    if let Some(ticket) = tickets::find_open(conn, &account.id)? {
        follow_open(conn, ctx, ticket, account, now)?;
    }
    let newest = i64::from(ctx.config.limits.letters_per_day);
    for request in tickets::list_unconfirmed(conn, &account.id, newest)? {
        if request.is_behind(&account.email) {
            let request = follow(conn, ctx, request, account, now)?;
            let (cause, to) = (Cause::Application, &account.email);
            open::send_code(conn, ctx, &request, Some(account), to, cause, now)?;
        }
    }
    Ok(())
}
