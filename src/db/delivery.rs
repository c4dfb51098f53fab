//! Delivery as its ticket sees it: letters that are handed back, and tickets whose letters are in trouble.
//!
//! The rule: which tickets are troubled stands in a table of its own, which the database keeps by triggers whatever
//! changes a letter or a ticket; reading every letter in trouble to sort their tickets took longer than a request may.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::{accounts, delivery_problems, letters, tickets};
use super::ticket_row::Row;
use super::tickets::{After, Search};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{AccountId, LetterId, TicketId};
use crate::domain::ticket::Ticket;

/// One page of the tickets that are not closed and have a letter that could not be delivered, by next deadline.
///
/// # Errors
/// Of the database alone.
pub fn list(
    conn: &mut Conn,
    search: Option<&Search>,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Ticket>, Error> {
    let mut query = delivery_problems::table
        .inner_join(tickets::table.on(tickets::id.eq(delivery_problems::ticket_id)))
        .filter(tickets::account_id.is_not_null())
        .select(Row::as_select())
        .order((delivery_problems::queue_at, delivery_problems::ticket_id))
        .limit(limit)
        .into_boxed();
    query = match search {
        Some(Search::Reference(reference)) => query.filter(tickets::reference.eq(reference.clone())),
        Some(Search::Accounts(accounts)) => query.filter(tickets::account_id.eq_any(accounts.clone())),
        None => query,
    };
    if let Some(After { queue_at, id }) = after {
        // The first condition is what an index can begin at.
        query = query.filter(delivery_problems::queue_at.ge(*queue_at)).filter(
            delivery_problems::queue_at.gt(*queue_at).or(delivery_problems::ticket_id.gt(id.clone())),
        );
    }
    Ok(query.load(conn)?.into_iter().map(Row::unchecked).collect())
}

/// Hands letters back that this worker holds until `held`, as they were.
///
/// # Errors
/// Of the database alone.
pub fn hand_back(conn: &mut Conn, ids: &[LetterId], held: Time) -> Result<(), Error> {
    on_both!(conn, c => diesel::update(letters::table
            .filter(letters::id.eq_any(ids))
            .filter(letters::claimed_until.eq(held))
            .filter(letters::next_at.is_not_null()))
        .set(letters::claimed_until.eq(None::<Time>))
        .execute(c)?);
    Ok(())
}

/// Has nobody else change the ticket of a letter, nor how its other letters end, until the transaction does; `account`
/// too, where the ticket may change with it. In the order in which everybody locks them.
///
/// # Errors
/// Of the database alone.
pub fn lock(conn: &mut Conn, account: Option<&AccountId>, ticket: &TicketId) -> Result<(), Error> {
    // On SQLite there is one writer.
    let Conn::Pg(conn) = conn else { return Ok(()) };
    if let Some(account) = account {
        accounts::table.find(account).select(accounts::id).for_update().execute(conn)?;
    }
    tickets::table.find(ticket).select(tickets::id).for_no_key_update().execute(conn)?;
    Ok(())
}
