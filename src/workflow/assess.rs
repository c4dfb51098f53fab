//! Assessing a ticket when it is confirmed or taken: risks are named on it, and some raise its tier.

use chrono::Duration;

use super::Context;
use crate::db::{Conn, account_addresses, audit, ownership, review, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Owner;
use crate::domain::policy::Tier;
use crate::domain::risk::Risk;
use crate::domain::ticket::Ticket;
use crate::error::Error;

/// Tickets from one network in an hour from which on it is shown as busy.
const BUSY_NETWORK: i64 = 3;
/// How long networks of an account are remembered.
pub(super) const NETWORKS: Duration = Duration::days(365);

/// Finds the risks of a ticket, shows them on it, and raises its tier where one of them does.
pub(super) fn assess(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &mut Ticket,
    account: &Account,
    now: Time,
) -> Result<(), Error> {
    for risk in risks(conn, ctx, ticket, account, now)? {
        if risk.raises() {
            ticket.raise();
        }
        review::add_risk(conn, &ticket.id, risk, now)?;
    }
    // What the account is now, and not what it was when somebody asked.
    if account.tier == Tier::Privileged {
        ticket.raise();
    }
    Ok(())
}

fn risks(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &Ticket,
    account: &Account,
    now: Time,
) -> Result<Vec<Risk>, Error> {
    let addresses = account_addresses::list(conn, &account.id)?;
    let added =
        addresses.iter().filter(|other| other.is_new && other.kind == "other").map(|one| one.added_at);
    let mut risks = account.risks(added.max(), ctx.policy.fresh, now);
    if owner(conn, ctx, account, now)?.is_some() {
        risks.push(Risk::StaffAccount);
    }
    let earlier = tickets::list_others_of_account(conn, &account.id, &ticket.id, now - NETWORKS)?;
    let known: Vec<_> = earlier.iter().filter_map(|one| one.network.as_ref()).collect();
    if !known.is_empty() && ticket.network.as_ref().is_some_and(|network| !known.contains(&network)) {
        risks.push(Risk::NewNetwork);
    }
    let since = now - ctx.policy.recent;
    if earlier.iter().any(|one| one.state_since >= since) {
        risks.push(Risk::RecentTicket);
    }
    if account.frozen_at.is_some() || had_trouble(conn, ticket, account, since)? {
        risks.push(Risk::TroubleBefore);
    }
    if let Some(network) = &ticket.network
        && tickets::count_of_network(conn, network, now - Duration::hours(1))? >= BUSY_NETWORK
    {
        risks.push(Risk::BusyNetwork);
    }
    Ok(risks)
}

fn had_trouble(conn: &mut Conn, ticket: &Ticket, account: &Account, since: Time) -> Result<bool, Error> {
    Ok(tickets::was_rejected(conn, &account.id, &ticket.id, since)?
        || audit::was_frozen(conn, &account.id, &ticket.id, since)?
        || review::has_failed_evidence(conn, &account.id, &ticket.id, since)?)
}

/// The members of the staff whose account it is.
pub(super) fn owner(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    now: Time,
) -> Result<Option<Owner>, Error> {
    let members = ownership::owners(conn, account, now - ctx.policy.fresh)?;
    let rank = members.iter().map(|member| member.roles.rank()).max();
    Ok(rank.map(|rank| Owner { ids: members.into_iter().map(|member| member.id).collect(), rank }))
}
