//! A transition: everything that one command changes, as one thing that is stored whole or not at all.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Ticket;
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::Event;
use crate::domain::evidence::Evidence;
use crate::domain::ids::{AuthenticatorId, SessionId, StaffId};
use crate::domain::letter::Content;
use crate::domain::risk::Risk;
use crate::domain::words::words;

/// Whom a letter goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipients {
    /// The address of the ticket: the one on file.
    Ticket,
    /// Every other address of the account, former ones of the last 30 days included.
    Others,
    /// Every address of the account, former ones of the last 30 days included.
    Everyone,
}

/// A letter that a transition sends.
pub struct Mail {
    /// To whom.
    pub to: Recipients,
    /// What it says.
    pub content: Content,
}

words! {
    /// Who wrote a message, and for whom.
    MessageKind {
        /// What the requester wrote when opening the ticket.
        Request = "request",
        /// The requester's answer.
        Answer = "answer",
        /// The staff's question.
        Question = "question",
        /// The staff's reply.
        Reply = "reply",
        /// For the staff only.
        Note = "note",
    }
}

/// A message that a transition adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Which kind.
    pub kind: MessageKind,
    /// Who wrote it; none for the requester.
    pub author: Option<StaffId>,
    /// The text, as it was typed.
    pub body: String,
}

/// What a transition does beside the ticket's own row.
pub enum Effect {
    /// One more approval.
    AddApproval {
        /// Who approves.
        by: StaffId,
        /// Why.
        reason: String,
    },
    /// Approvals end without effect.
    VoidApprovals,
    /// A verification is recorded.
    RecordEvidence(Evidence, String),
    /// Evidence counts no longer.
    VoidEvidence,
    /// What the mailbox proved counts no longer.
    VoidMailboxEvidence,
    /// What this member of the staff recorded as passed counts no longer.
    VoidEvidenceOf(StaffId),
    /// A risk is shown.
    AddRisk(Risk),
    /// A PIN takes the place of the former: its Argon2id hash.
    SetPin(SecretString),
    /// The PIN dies.
    DropPin,
    /// A pending key comes into being; a pending enrolment and a former pending key die.
    IssueKey(NewPendingKey),
    /// The pending key of the ticket and its activation token die.
    KillKey,
    /// The pending key goes live, the former one is revoked, sealed anew.
    ActivateKey {
        /// The step that was accepted.
        step: i64,
    },
    /// Sessions of the account pages end, all but one.
    EndSessions {
        /// The one that goes on.
        but: Option<SessionId>,
    },
    /// The active authenticator is suspended (reported stolen).
    SuspendFormer,
    /// The key that the ticket activated is suspended.
    SuspendKey,
    /// The key that the ticket activated works again.
    RestoreKey,
}

/// A pending key to be stored: the shared secret leaves only in the letter.
pub struct NewPendingKey {
    /// Which.
    pub id: AuthenticatorId,
    /// 20 bytes.
    pub secret: Zeroizing<Vec<u8>>,
    /// The hash of the activation token in the letter.
    pub activation_hash: String,
    /// When both die.
    pub expires_at: Time,
}

/// A changed ticket with all that goes with it. Only the database's `apply` takes it apart, so that no audit entry
/// and no letter can be forgotten.
#[must_use = "a transition changes nothing until it is applied"]
pub struct Transition {
    parts: Parts,
}

/// The pieces of a transition, for the database.
pub struct Parts {
    /// The ticket as it will be, its version already raised.
    pub ticket: Ticket,
    /// The version that must stand in the database.
    pub from_version: i32,
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub at: Time,
    /// Audit entries of the ticket, in order; the version rises by their number.
    pub events: Vec<Event>,
    /// Letters, in order.
    pub mails: Vec<Mail>,
    /// Messages.
    pub messages: Vec<NewMessage>,
    /// Everything else, in order.
    pub effects: Vec<Effect>,
}

impl Transition {
    pub(super) fn new(ticket: Ticket, actor: Actor, at: Time, event: Event) -> Self {
        let from_version = ticket.version;
        let mut parts = Parts {
            ticket,
            from_version,
            actor,
            at,
            events: Vec::with_capacity(1),
            mails: Vec::new(),
            messages: Vec::new(),
            effects: Vec::new(),
        };
        parts.ticket.version += 1;
        parts.events.push(event);
        Self { parts }
    }

    pub(super) fn and(mut self, event: Event) -> Self {
        self.parts.ticket.version += 1;
        self.parts.events.push(event);
        self
    }

    pub(super) fn mail(mut self, to: Recipients, content: Content) -> Self {
        self.parts.mails.push(Mail { to, content });
        self
    }

    pub(super) fn message(mut self, message: NewMessage) -> Self {
        self.parts.messages.push(message);
        self
    }

    pub(super) fn effect(mut self, effect: Effect) -> Self {
        self.parts.effects.push(effect);
        self
    }

    /// The ticket as it will be.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        &self.parts.ticket
    }

    /// Takes the transition apart; for the database's `apply` alone.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }
}
