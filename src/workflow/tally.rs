//! What the desk's work comes to, counted for `/metrics` as entries of the audit log join the chain.
//!
//! The rule: an entry is sealed once, over all replicas and after its change was committed, so each is counted once.
//! Labels are words of closed lists, whatever an entry says.

use serde::Deserialize;

use crate::db::audit::Entry;
use crate::domain::diagnosis::Finding;
use crate::domain::event::Action;
use crate::domain::ticket::{CloseReason, State};

/// What one entry counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    /// Codes were tried, and this was found.
    Diagnosed(&'static str),
    /// A ticket ended: completed with a new key, or closed for that reason.
    Ended(&'static str),
}

/// The particulars that matter here.
#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    finding: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    state: String,
}

impl Tally {
    /// What an entry counts as, if anything.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let details = || serde_json::from_str::<Details>(&entry.details).ok();
        match Action::parse(&entry.action)? {
            Action::Diagnosed => {
                let finding = details()?.finding;
                Finding::WORDS.into_iter().find(|word| *word == finding).map(Self::Diagnosed)
            }
            Action::Completed => Some(Self::Ended("completed")),
            Action::Closed => CloseReason::parse(&details()?.reason).map(Self::closed),
            Action::Rejected => Some(Self::closed(CloseReason::Rejected)),
            Action::Withdrawn => Some(Self::closed(CloseReason::Withdrawn)),
            // An approval that lapses ends no ticket.
            Action::Expired if details()?.state != State::AwaitingApproval.as_str() => {
                Some(Self::closed(CloseReason::Expired))
            }
            _ => None,
        }
    }

    fn closed(why: CloseReason) -> Self {
        Self::Ended(why.as_str())
    }

    /// Counts it.
    pub(super) fn count(self) {
        match self {
            Self::Diagnosed(finding) => {
                metrics::counter!("rekey_diagnoses_total", "finding" => finding).increment(1);
            }
            Self::Ended(reason) => {
                metrics::counter!("rekey_tickets_ended_total", "reason" => reason).increment(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::EntryId;

    fn tally(action: Action, details: &str) -> Option<Tally> {
        Tally::of(&Entry {
            id: EntryId::new("1"),
            at: chrono::DateTime::UNIX_EPOCH.naive_utc(),
            actor_kind: "machine".into(),
            actor_id: None,
            action: action.as_str().into(),
            subject_kind: "ticket".into(),
            subject_id: "1".into(),
            subject_version: 1,
            ticket_id: None,
            details: details.into(),
            mac: Vec::new(),
            position: None,
            chain: None,
        })
    }

    #[test]
    fn what_ends_a_ticket_counts_by_its_reason() {
        for why in CloseReason::ALL {
            let details = format!(r#"{{"reason":"{why}","note":"said the agent"}}"#);
            assert_eq!(tally(Action::Closed, &details), Some(Tally::Ended(why.as_str())));
        }
        assert_eq!(tally(Action::Completed, "{}"), Some(Tally::Ended("completed")));
        assert_eq!(tally(Action::Rejected, r#"{"reason":"solved"}"#), Some(Tally::Ended("rejected")));
        assert_eq!(tally(Action::Withdrawn, "{}"), Some(Tally::Ended("withdrawn")));
        assert_eq!(tally(Action::Expired, r#"{"state":"waiting"}"#), Some(Tally::Ended("expired")));
    }

    #[test]
    fn what_ends_none_does_not_count_and_labels_are_of_closed_lists() {
        assert_eq!(tally(Action::Expired, r#"{"state":"awaiting_approval"}"#), None);
        assert_eq!(tally(Action::Claimed, "{}"), None);
        assert_eq!(tally(Action::Closed, r#"{"reason":"anything"}"#), None);
        assert_eq!(tally(Action::Diagnosed, r#"{"finding":"anything"}"#), None);
        let found = tally(Action::Diagnosed, r#"{"finding":"no_match","facts":"none"}"#);
        assert_eq!(found, Some(Tally::Diagnosed("no_match")));
    }
}
