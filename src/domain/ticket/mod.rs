//! The ticket: its state and every transition that it can make.
//!
//! The one rule: a command either returns a [`Transition`], which carries the changed ticket together with its
//! audit entries, letters and effects, or it refuses and nothing has changed.

mod address;
mod answer;
mod approval;
mod command;
mod end;
mod evidence;
mod key;
mod open;
mod restored;
mod review;
mod shut_out;
mod transition;

#[cfg(test)]
mod tests;

pub use approval::Approving;
pub use command::Command;
pub use evidence::StaffEvidence;
pub use key::{KeyMaterial, Proven};
pub use shut_out::Part;
pub use transition::{Effect, Mail, MessageKind, NewMessage, NewPendingKey, Parts, Recipients, Transition};

use super::Time;
use super::actor::StaffActor;
use super::ids::{AccountId, Reference, StaffId, TicketId};
use super::policy::{Policy, Tier};
use super::rejection::Rejection;
use super::words::words;

words! {
    /// Where a ticket stands.
    State {
        /// A code has gone to the address on file.
        Unconfirmed = "unconfirmed",
        /// Waits for an agent.
        Open = "open",
        /// An agent has it and collects evidence.
        InReview = "in_review",
        /// The requester was asked for something.
        Waiting = "waiting",
        /// One person approved, another has to.
        AwaitingApproval = "awaiting_approval",
        /// The hold runs; nothing has been generated yet.
        Approved = "approved",
        /// A key was generated, its letter queued.
        KeySent = "key_sent",
        /// The person has proven the new key.
        Completed = "completed",
        /// Ended without a new key.
        Closed = "closed",
        /// Someone said "this wasn't me".
        Frozen = "frozen",
    }
}

words! {
    /// What is wrong, as the requester chose it.
    Problem {
        /// The codes are refused.
        NotSetUpCorrectly = "not_set_up_correctly",
        /// The phone or key is lost.
        LostDevice = "lost_device",
        /// The person moved to another phone.
        NewDevice = "new_device",
        /// The phone was stolen.
        StolenDevice = "stolen_device",
        /// Something else, told in the ticket.
        Other = "other",
    }
}

words! {
    /// Why a ticket was closed.
    CloseReason {
        /// The fault was found; no new key was needed.
        Solved = "solved",
        /// Someone said "this wasn't me".
        NotMe = "not_me",
        /// The staff turned it down.
        Rejected = "rejected",
        /// The requester withdrew.
        Withdrawn = "withdrawn",
        /// A time limit ran out.
        Expired = "expired",
        /// The account had an open ticket already.
        Duplicate = "duplicate",
        /// Not a request at all.
        Spam = "spam",
    }
}

words! {
    /// How whoever holds the token of a request was recognised.
    Bearer {
        /// Not at all: they knew a name.
        Unknown = "unknown",
        /// They typed the code that went to the address on file.
        Mailbox = "mailbox",
        /// They were signed in at the application, or at the account pages.
        Session = "session",
    }
}

/// Digests of the evidence and of the approvals in force, made where they are stored, so that nothing beside a ticket
/// comes or goes unseen. Zeros where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of the evidence.
    pub evidence: [u8; 32],
    /// Of the approvals.
    pub approvals: [u8; 32],
}

/// A ticket, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Which.
    pub id: TicketId,
    /// What people call it.
    pub reference: Reference,
    /// The account; none where the name that was given is nobody's.
    pub account: Option<AccountId>,
    /// Where it stands.
    pub state: State,
    /// Why it was closed.
    pub reason: Option<CloseReason>,
    /// What the requester said is wrong.
    pub problem: Problem,
    /// What the reset needs; only ever raised.
    pub tier: Tier,
    /// The address on file: the code and the key go there and nowhere else. It follows a change of the account.
    pub address: Option<String>,
    /// When it was submitted.
    pub opened_at: Time,
    /// Since when it stands where it stands.
    pub state_since: Time,
    /// When the state ends by itself.
    pub expires_at: Option<Time>,
    /// When it was confirmed, or taken without confirmation.
    pub confirmed_at: Option<Time>,
    /// How whoever holds its token was recognised.
    pub bearer: Bearer,
    /// Whether the address on file changed while it was open, and the new mailbox has yet to confirm it.
    pub mailbox_due: bool,
    /// The agent who has it.
    pub holder: Option<StaffId>,
    /// When the last approval that the policy wants was given.
    pub approved_at: Option<Time>,
    /// By when it should be answered; none while the clock stands still.
    pub due_at: Option<Time>,
    /// Business seconds left when the clock was stopped.
    pub due_left: Option<i64>,
    /// Whether a PIN was made.
    pub pin_made: bool,
    /// How many times the key was issued anew.
    pub reissues: i32,
    /// The ticket of which this one is a duplicate.
    pub duplicate_of: Option<TicketId>,
    /// The request that was recorded as the person's own.
    pub kept: Option<TicketId>,
    /// Whether a second request waits for the agent's decision.
    pub undecided: bool,
    /// The state from which it was frozen.
    pub frozen_from: Option<State>,
    /// How many times codes were tried to find the fault.
    pub diagnoses: i32,
    /// The network that it came from, keyed and hashed.
    pub network: Option<String>,
    /// What stands beside it.
    pub standing: Standing,
    /// Goes up by one with each audit entry.
    pub version: i32,
}

impl Ticket {
    /// Whether it keeps the account's only place for an open ticket.
    #[must_use]
    pub const fn occupies_slot(&self) -> bool {
        !matches!(self.state, State::Unconfirmed | State::Completed | State::Closed)
    }

    /// Whether a code of the mailbox on file would still be of use: nobody has typed one.
    #[must_use]
    pub fn awaits_code(&self) -> bool {
        let is_over = matches!(self.state, State::Completed | State::Closed);
        !is_over && (self.mailbox_due || self.bearer == Bearer::Unknown)
    }

    /// By what the queues are sorted: the next deadline, or since when it waits.
    #[must_use]
    pub fn queue_at(&self) -> Time {
        match (self.due_at, self.expires_at) {
            (Some(due), Some(ends)) => due.min(ends),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => self.state_since,
        }
    }

    /// Whether the time of its state has run out.
    #[must_use]
    pub fn is_overdue(&self, now: Time) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Refuses a command that the state does not allow.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn require(&self, command: Command) -> Result<(), Rejection> {
        if command.states().contains(&self.state) { Ok(()) } else { Err(Rejection::OutOfOrder) }
    }

    /// Refuses a command that would take up again what has run out but was not ended yet. A hold that is over ends
    /// nothing.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub(super) fn require_in_time(&self, command: Command, now: Time) -> Result<(), Rejection> {
        self.require(command)?;
        let lapsed = self.state != State::Approved && self.is_overdue(now);
        if lapsed { Err(Rejection::OutOfOrder) } else { Ok(()) }
    }

    /// Refuses a ticket of nobody: where the name that was given is unknown, there is no road.
    fn require_account(&self) -> Result<(), Rejection> {
        if self.account.is_some() { Ok(()) } else { Err(Rejection::OutOfOrder) }
    }

    /// Refuses everybody but the holder.
    ///
    /// # Errors
    /// `NotHolder`.
    pub fn require_holder(&self, by: &StaffActor) -> Result<(), Rejection> {
        if self.holder.as_ref() == Some(&by.id) { Ok(()) } else { Err(Rejection::NotHolder) }
    }

    fn enter(&mut self, state: State, now: Time) {
        self.state = state;
        self.state_since = now;
        self.expires_at = None;
    }

    /// Starts the clock of the service level, or lets it go on from where it stood.
    fn start_clock(&mut self, policy: &Policy, now: Time) {
        let level = &policy.service_level;
        self.due_at = Some(match self.due_left.take() {
            Some(left) => level.after(now, chrono::Duration::seconds(left)),
            None => self.due_at.unwrap_or_else(|| level.due(now)),
        });
    }

    fn stop_clock(&mut self, policy: &Policy, now: Time) {
        if let Some(due) = self.due_at.take() {
            self.due_left = Some(policy.service_level.between(now, due).num_seconds());
        }
    }
}
