//! What a transition brings with it, in words that a test can compare.

use crate::domain::event::Action;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::letter::{Content, Purpose, SetupKey};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Effect, NewMessage, Recipients, Ticket, Transition};

/// A transition, taken apart.
pub(super) struct Seen {
    pub(super) ticket: Ticket,
    pub(super) actions: Vec<Action>,
    pub(super) mails: Vec<(Recipients, Purpose)>,
    pub(super) contents: Vec<Content>,
    pub(super) messages: Vec<NewMessage>,
    pub(super) effects: Vec<&'static str>,
    pub(super) raw: Vec<Effect>,
}

impl Seen {
    pub(super) fn setup_key(&self) -> &SetupKey {
        self.contents
            .iter()
            .find_map(|content| if let Content::SetupKey(facts) = content { Some(facts) } else { None })
            .unwrap()
    }

    pub(super) fn evidence(&self) -> Vec<(Method, Outcome)> {
        let recorded = |effect: &Effect| match effect {
            Effect::RecordEvidence(evidence, _) => Some((evidence.method, evidence.outcome)),
            _ => None,
        };
        self.raw.iter().filter_map(recorded).collect()
    }
}

pub(super) fn name(effect: &Effect) -> &'static str {
    match effect {
        Effect::AddApproval { .. } => "add approval",
        Effect::VoidApprovals => "void approvals",
        Effect::RecordEvidence(..) => "record evidence",
        Effect::VoidEvidence => "void evidence",
        Effect::VoidMailboxEvidence => "void mailbox evidence",
        Effect::VoidEvidenceOf(_) => "void evidence of",
        Effect::AddRisk(_) => "add risk",
        Effect::SetPin(_) => "set pin",
        Effect::DropPin => "drop pin",
        Effect::IssueKey(_) => "issue key",
        Effect::KillKey => "kill key",
        Effect::ActivateKey { .. } => "activate key",
        Effect::EndSessions { .. } => "end sessions",
        Effect::SuspendFormer => "suspend former",
        Effect::SuspendKey => "suspend key",
        Effect::RestoreKey => "restore key",
    }
}

/// Takes a transition apart that must have been allowed. Its version has risen by the number of its events.
pub(super) fn seen(result: Result<Transition, Rejection>) -> Seen {
    let transition = result.unwrap();
    let shown = transition.ticket().clone();
    let parts = transition.into_parts();
    assert_eq!(shown, parts.ticket);
    let events = i32::try_from(parts.events.len()).unwrap();
    assert!(events > 0);
    assert_eq!(parts.ticket.version, parts.from_version + events);
    Seen {
        actions: parts.events.iter().map(|event| event.action).collect(),
        mails: parts.mails.iter().map(|mail| (mail.to, mail.content.purpose())).collect(),
        contents: parts.mails.into_iter().map(|mail| mail.content).collect(),
        messages: parts.messages,
        effects: parts.effects.iter().map(name).collect(),
        raw: parts.effects,
        ticket: parts.ticket,
    }
}

/// The reason of a refusal; a transition would be the test's failure.
pub(super) fn refusal(result: Result<Transition, Rejection>) -> Rejection {
    result.err().unwrap()
}
