//! Who else looks at a ticket, so that two do not work on it unawares.
//!
//! The rule: it is no state. A page that is shown may write it, because nothing follows from it: no entry, no letter,
//! no version, no permission. A link that is opened by mistake makes a name appear for two minutes, and no more.

use chrono::Duration;

use crate::db::looking::{self, Look};
use crate::db::{Conn, tickets};
use crate::domain::Time;
use crate::domain::actor::Rank;
use crate::domain::ids::{StaffId, TicketId};
use crate::domain::rejection::Rejection;
use crate::error::{Error, chain};
use crate::workflow::session::StaffSession;
use crate::workflow::{Context, requester};

/// How long somebody who was seen still looks.
const LASTS: Duration = Duration::minutes(2);
/// How often it is written down that somebody still does: seldom enough to cost nothing.
const AGAIN: Duration = Duration::seconds(45);

/// What a page that is open asks again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The names of the others who look.
    pub others: Vec<String>,
    /// The ticket's version now.
    pub version: i32,
}

/// Notes that somebody looks at a ticket, and says who else does.
///
/// # Errors
/// `NotFound`; `RoleTooLow` for auditors.
pub async fn look(ctx: &Context, who: &StaffSession, reference: &str) -> Result<Glance, Error> {
    if who.actor.rank < Rank::Agent {
        return Err(Rejection::RoleTooLow.into());
    }
    let (now, me) = (ctx.now(), who.member().clone());
    let reference = requester::parse_reference(reference);
    let (ticket, looks) = ctx
        .db
        .read(move |conn| {
            let ticket = tickets::find(conn, &reference)?.ok_or(Rejection::NotFound)?;
            let looks = looking::list(conn, vec![ticket.id.clone()], now - LASTS)?;
            Ok::<_, Error>((ticket, looks))
        })
        .await?;
    if !looks.iter().any(|look| look.staff == me && look.seen_at + AGAIN > now) {
        let (id, by) = (ticket.id.clone(), me.clone());
        let noted = ctx.db.write(move |conn| Ok::<_, Error>(looking::note(conn, &id, &by, now)?)).await;
        if let Err(error) = noted {
            // What was asked for is the ticket; it is shown all the same.
            tracing::warn!(error = chain(&error), "who looks at a ticket could not be written down");
        }
    }
    Ok(Glance { others: others(looks, &ticket.id, &me), version: ticket.version })
}

/// Everybody who looks at these tickets.
pub(super) fn list(conn: &mut Conn, of: Vec<TicketId>, now: Time) -> Result<Vec<Look>, Error> {
    Ok(looking::list(conn, of, now - LASTS)?)
}

/// The names of those at one ticket, without the one who asks.
pub(super) fn others(looks: impl IntoIterator<Item = Look>, at: &TicketId, me: &StaffId) -> Vec<String> {
    looks.into_iter().filter(|look| look.ticket == *at && look.staff != *me).map(|look| look.name).collect()
}

/// Forgets who has gone.
pub(in crate::workflow) fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    Ok(looking::sweep(conn, now - LASTS)?)
}
