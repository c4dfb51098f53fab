//! Messages, events and letters of a ticket, in the one order in which they happened.

use std::collections::HashMap;

use crate::db::audit::Entry;
use crate::db::letters;
use crate::db::review::Message;
use crate::domain::Time;
use crate::domain::event::Action;
use crate::domain::ids::StaffId;
use crate::domain::ticket::{CloseReason, MessageKind};

/// Where a moment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The audit log.
    Event,
    /// Something that was written.
    Message,
    /// The outbox.
    Letter,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Event, Self::Message, Self::Letter];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Message => "message",
            Self::Letter => "letter",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// Where it comes from.
    pub source: Source,
    /// What: an action, a kind of message, or a letter's purpose.
    pub what: String,
    /// Who: a name of the staff, or `requester`, `host`, `machine`, `console`.
    pub by: String,
    /// What was written.
    pub text: Option<String>,
    /// Particulars, by name.
    pub details: Vec<(String, String)>,
    /// The ticket's version after it; events alone have one.
    pub version: Option<i32>,
}

/// What the machine does has this name.
const MACHINE: &str = "machine";
/// What the requester does has this one.
const REQUESTER: &str = "requester";

/// The particulars of an entry.
pub(super) fn details(entry: &Entry) -> Vec<(String, String)> {
    let read: Result<HashMap<String, String>, _> = serde_json::from_str(&entry.details);
    let mut all: Vec<_> = read.unwrap_or_default().into_iter().collect();
    all.sort_unstable();
    all
}

/// Leaves out what the staff write for each other: notes, and the reasons that they give. For whoever owns the ticket.
pub(super) fn leave_out_internal(timeline: &mut Vec<Moment>) {
    timeline.retain(|moment| {
        let word = match moment.source {
            Source::Message => MessageKind::Note.as_str(),
            Source::Event => Action::Noted.as_str(),
            Source::Letter => return true,
        };
        moment.what != word
    });
    for moment in timeline {
        moment.details = without_reasons(std::mem::take(&mut moment.details));
    }
}

/// Particulars without why the staff did something; a word of the closed list stays.
pub(super) fn without_reasons(mut details: Vec<(String, String)>) -> Vec<(String, String)> {
    details.retain(|(name, value)| {
        !matches!(name.as_str(), "reason" | "note") || CloseReason::parse(value).is_some()
    });
    details
}

/// Lays the three into one order: by time, and within a second by the order in which their ids were made.
pub(super) fn merge(
    entries: Vec<Entry>,
    messages: Vec<Message>,
    letters: &[letters::Row],
    names: &HashMap<StaffId, String>,
) -> Vec<Moment> {
    let name = |id: &StaffId| names.get(id).cloned().unwrap_or_default();
    let mut all: Vec<(String, Moment)> = Vec::with_capacity(entries.len() + messages.len() + letters.len());
    all.extend(entries.into_iter().map(|entry| {
        let by = match (entry.actor_kind.as_str(), &entry.actor_id) {
            ("staff", Some(id)) => name(&StaffId::new(id.clone())),
            (kind, _) => kind.to_owned(),
        };
        let moment = Moment {
            at: entry.at,
            source: Source::Event,
            details: details(&entry),
            what: entry.action,
            by,
            text: None,
            version: Some(entry.subject_version),
        };
        (entry.id.as_str().to_owned(), moment)
    }));
    all.extend(messages.into_iter().map(|message| {
        let moment = Moment {
            at: message.at,
            source: Source::Message,
            what: message.kind.as_str().to_owned(),
            by: message.staff_id.as_ref().map_or_else(|| REQUESTER.to_owned(), name),
            text: Some(message.body),
            details: Vec::new(),
            version: None,
        };
        (message.id, moment)
    }));
    all.extend(letters.iter().map(|letter| {
        let moment = Moment {
            at: letter.created_at,
            source: Source::Letter,
            what: letter.purpose.clone(),
            by: MACHINE.to_owned(),
            text: None,
            details: vec![
                ("state".to_owned(), letter.state.clone()),
                ("to".to_owned(), super::masked(&letter.recipient)),
            ],
            version: None,
        };
        (letter.id.as_str().to_owned(), moment)
    }));
    all.sort_by(|(a, one), (b, other)| (one.at, a).cmp(&(other.at, b)));
    all.into_iter().map(|(_, moment)| moment).collect()
}
