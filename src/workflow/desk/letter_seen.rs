//! The emails of a ticket, as the staff see them.

use super::masked;
use crate::db::letters;
use crate::domain::Time;

/// An email about the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterSeen {
    /// What it is for.
    pub purpose: String,
    /// Where it goes, masked.
    pub to: String,
    /// `queued`, `accepted`, `deferred`, `bounced`, `dead` or `dropped`.
    pub state: String,
    /// Since when.
    pub at: Time,
    /// Why it was not accepted.
    pub error: Option<String>,
}

/// A mail server's words may quote the address.
pub(super) fn seen(letter: letters::Row, in_full: bool) -> LetterSeen {
    LetterSeen {
        to: masked(&letter.recipient),
        purpose: letter.purpose,
        state: letter.state,
        at: letter.state_at,
        error: letter.error.filter(|_| in_full),
    }
}
