//! What the desk calls things: each closed list of the domain in words for people.
//!
//! The rule: a state has a shape beside its word and its colour, so that neither is needed to tell it.

use crate::domain::evidence::Method;
use crate::domain::letter::Purpose;
use crate::domain::policy::{Missing, Tier};
use crate::domain::proof::Proof;
use crate::domain::ticket::{CloseReason, Problem, State};
use crate::workflow::desk::PolicySeen;

/// A word with the shape and colour of its tag.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    /// The word.
    pub(super) label: &'static str,
    /// The class of the stylesheet: empty, `busy`, `good`, `warn` or `bad`.
    pub(super) class: &'static str,
}

const fn tag(label: &'static str, class: &'static str) -> Tag {
    Tag { label, class }
}

/// A word of a closed list, for people.
pub(super) trait Say {
    /// The word.
    fn say(&self) -> &'static str;
}

/// Where a ticket stands.
pub(super) const fn state(state: State, reason: Option<CloseReason>) -> Tag {
    match state {
        State::Unconfirmed => tag("Unconfirmed", ""),
        State::Open => tag("Unassigned", "warn"),
        State::InReview => tag("In review", "busy"),
        State::Waiting => tag("Waiting for answer", ""),
        State::AwaitingApproval => tag("Awaiting approval", "warn"),
        State::Approved => tag("Approved, on hold", "busy"),
        State::KeySent => tag("Key sent", "busy"),
        State::Completed => tag("Completed", "good"),
        State::Frozen => tag("Frozen", "bad"),
        State::Closed => match reason {
            Some(CloseReason::Solved) => tag("Closed: solved", "good"),
            Some(CloseReason::NotMe) => tag("Closed: not them", "bad"),
            Some(CloseReason::Rejected) => tag("Closed: rejected", "bad"),
            Some(CloseReason::Withdrawn) => tag("Closed: withdrawn", ""),
            Some(CloseReason::Expired) => tag("Closed: expired", ""),
            Some(CloseReason::Duplicate) => tag("Closed: duplicate", ""),
            Some(CloseReason::Spam) => tag("Closed: spam", ""),
            None => tag("Closed", ""),
        },
    }
}

/// What the requester chose.
impl Say for Problem {
    fn say(&self) -> &'static str {
        match self {
            Problem::NotSetUpCorrectly => "Codes are refused",
            Problem::LostDevice => "Lost device",
            Problem::NewDevice => "New device",
            Problem::StolenDevice => "Stolen device",
            Problem::Other => "Something else",
        }
    }
}

/// What the reset needs.
impl Say for Tier {
    fn say(&self) -> &'static str {
        match self {
            Tier::Standard => "Standard",
            Tier::Privileged => "Privileged",
        }
    }
}

/// A way to recognise the requester.
impl Say for Method {
    fn say(&self) -> &'static str {
        match self {
            Method::MailboxCode => "Code from the mailbox",
            Method::HostSession => "Signed in at the application",
            Method::Callback => "Call to the number on file",
            Method::ManagerVouch => "The manager vouches",
            Method::VideoWithId => "Video call with identity document",
            Method::InPerson => "In person",
            Method::RecoveryCode => "Recovery code",
            Method::CurrentCode => "Two codes of the present authenticator",
        }
    }
}

/// How a method works, in a sentence.
pub(super) const fn how(method: Method) -> &'static str {
    match method {
        Method::MailboxCode | Method::HostSession => {
            "Recorded by the program. It shows who holds the mailbox or the session, and counts for nothing alone."
        }
        Method::Callback => {
            "Call the number on file, never one that the requester gives. Ask for the reference of the request and let \
             them tell you what they asked for."
        }
        Method::ManagerVouch => {
            "The manager on file gets a letter with a code, and confirms on a page of their own."
        }
        Method::VideoWithId => {
            "Compare face and document in a live call. Keep no copy and note no number of the document."
        }
        Method::InPerson => "Badge or document seen at the counter.",
        Method::RecoveryCode => "The requester types one on their page; the program records it.",
        Method::CurrentCode => {
            "The requester types two codes in a row on their page; the program records it."
        }
    }
}

/// What an approval still lacks.
pub(super) fn missing(what: Missing, policy: &PolicySeen) -> String {
    match what {
        Missing::Independent if policy.independent > 1 => {
            let passed = policy.methods.iter().filter(|method| method.is_passed).count();
            let asked = policy.independent;
            format!("{asked} different methods that neither mailbox nor password gives; so far {passed}")
        }
        Missing::Independent => "one method that neither mailbox nor password gives".to_owned(),
        Missing::Strong => "one of: in person, video call with document, manager".to_owned(),
        Missing::RequestDecision => "which of the requests is the person's own".to_owned(),
        Missing::Mailbox => "the code that we emailed to the new address on file".to_owned(),
        Missing::Pin => "the PIN, read out on the verified call".to_owned(),
    }
}

/// What activation asks for beside the code.
impl Say for Proof {
    fn say(&self) -> &'static str {
        match self {
            Proof::Pin => "the PIN that was read out",
            Proof::PasswordOrRecoveryCode => "a fresh password or a recovery code (no PIN was made)",
            Proof::PinAndPassword => "the PIN that was read out and a fresh password",
        }
    }
}

/// What a letter is for.
pub(super) fn purpose(word: &str) -> &'static str {
    let Some(purpose) = Purpose::parse(word) else { return "Letter" };
    match purpose {
        Purpose::MailboxCode => "Code to confirm the request",
        Purpose::TicketOpened => "Notice: a request was opened",
        Purpose::StaffReply => "Notice: the desk has written",
        Purpose::NeedsAnswer => "Notice: the desk needs an answer",
        Purpose::Approved => "Notice: approved, key follows",
        Purpose::SetupKey => "The new key",
        Purpose::Completed => "Notice: the new key works",
        Purpose::Rejected => "Notice: turned down",
        Purpose::Expired => "Notice: expired",
        Purpose::Frozen => "Notice: frozen",
        Purpose::AddressChanged => "Notice: the address on file changed",
        Purpose::TwoFactorEnabled => "Notice: two-factor on",
        Purpose::TwoFactorDisabled => "Notice: two-factor off",
        Purpose::RecoveryCodeUsed => "Notice: recovery code used",
        Purpose::RecoveryCodesMade => "Notice: new recovery codes",
        Purpose::ManagerVouch => "Question to the manager",
        Purpose::Bounced => "To the desk: a letter came back",
        Purpose::DeskAlarm => "To the administrators",
    }
}

/// How a letter fares.
pub(super) fn letter_state(word: &str) -> Tag {
    match word {
        "queued" => tag("Queued", ""),
        "accepted" => tag("Accepted", "good"),
        "deferred" => tag("Deferred, tried again", "warn"),
        "bounced" => tag("Bounced", "bad"),
        _ => tag("Not sent", "bad"),
    }
}

/// Who else looks at a ticket: `Grace and Tommy are looking`; nothing where nobody does.
pub(super) fn lookers(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is looking"),
        [one, other] => format!("{one} and {other} are looking"),
        [one, other, rest @ ..] => format!("{one}, {other} and {} more are looking", rest.len()),
    }
}
