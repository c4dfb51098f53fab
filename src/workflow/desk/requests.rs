//! The other requests of a ticket: those that were confirmed while it was open.

use crate::db::{Conn, tickets};
use crate::domain::Time;
use crate::domain::ids::Reference;
use crate::domain::ticket::Ticket;
use crate::error::Error;

/// How many are listed.
const MOST: i64 = 20;

/// Another confirmed request for the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSeen {
    /// What people call it.
    pub reference: Reference,
    /// When it was submitted.
    pub opened_at: Time,
    /// Whether it was recorded as the person's own.
    pub is_kept: bool,
    /// The two words on its page; for those who may see the account.
    pub call_words: Option<String>,
}

/// The other requests of a ticket, newest first, and whether there are more. The one that is kept is always among them.
pub(super) fn list(
    conn: &mut Conn,
    ticket: &Ticket,
    call_words: impl Fn(&Ticket) -> Option<String>,
) -> Result<(Vec<RequestSeen>, bool), Error> {
    let mut found = tickets::list_duplicates(conn, &ticket.id, MOST + 1)?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let is_cut = found.len() > most;
    found.truncate(most);
    if let Some(kept) = ticket.kept.as_ref().filter(|kept| **kept != ticket.id)
        && is_cut
        && found.iter().all(|other| other.id != *kept)
    {
        found.push(tickets::get(conn, kept)?);
    }
    let seen = found.into_iter().map(|other| RequestSeen {
        is_kept: ticket.kept.as_ref() == Some(&other.id),
        call_words: call_words(&other),
        reference: other.reference,
        opened_at: other.opened_at,
    });
    Ok((seen.collect(), is_cut))
}
