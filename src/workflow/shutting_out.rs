//! Shutting a member of the staff out of tickets: what they approved, recorded and had goes with them.
//!
//! The rule: in the transaction that disables, resets or demotes them, which has locked their row, so that no request
//! of theirs adds anything meanwhile.

use std::collections::BTreeMap;

use super::{Context, expire};
use crate::db::{Conn, accounts, apply, parts, review, tickets};
use crate::domain::Time;
use crate::domain::ids::{AccountId, Reference, StaffId, TicketId};
use crate::domain::ticket::{Command, Part, Ticket};
use crate::error::Error;

/// Takes their part out of every open ticket; returns what these are called.
pub(super) fn shut_out(
    conn: &mut Conn,
    ctx: &Context,
    who: &StaffId,
    now: Time,
) -> Result<Vec<Reference>, Error> {
    let mut of_accounts: BTreeMap<AccountId, TicketId> = BTreeMap::new();
    for id in parts::list_open(conn, who)? {
        if let Some(account) = tickets::get(conn, &id)?.account {
            of_accounts.insert(account, id);
        }
    }
    let mut touched = Vec::new();
    for (account, id) in of_accounts {
        accounts::lock(conn, &account)?;
        let ticket = tickets::get(conn, &id)?;
        let ticket = expire::settle(conn, ctx, ticket, now)?;
        if ticket.require(Command::ShutOut).is_err() {
            continue;
        }
        let part = part(conn, &ticket, who)?;
        let is_theirs = ticket.holder.as_ref() == Some(who);
        if is_theirs || part.approved || part.verified || part.knows_pin {
            touched.push(ticket.reference.clone());
            apply(conn, &ctx.crypto, ticket.staff_shut_out(who, part, &ctx.policy, now)?)?;
        }
    }
    touched.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    Ok(touched)
}

/// Evidence that ended by its age while approvals rest on it still counts as theirs.
fn part(conn: &mut Conn, ticket: &Ticket, who: &StaffId) -> Result<Part, Error> {
    let approvals = review::list_approvals(conn, &ticket.id)?;
    let first = approvals.iter().map(|approval| approval.at).min();
    let counted = |voided_at: Option<Time>| {
        voided_at.is_none_or(|voided_at| first.is_some_and(|approved_at| approved_at <= voided_at))
    };
    Ok(Part {
        approved: approvals.iter().any(|approval| approval.staff_id == *who),
        verified: review::list_voided_of(conn, &ticket.id, who)?.into_iter().any(counted),
        knows_pin: ticket.pin_made && parts::made_pin(conn, &ticket.id, who)?,
    })
}
