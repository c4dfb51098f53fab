//! How a ticket begins: submitted, confirmed, or confirmed a second time for the same account.

use super::{
    Bearer, CloseReason, Command, Effect, MessageKind, NewMessage, Recipients, State, Ticket, Transition,
};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{EvidenceId, TicketId};
use crate::domain::letter::Content;
use crate::domain::policy::{Policy, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;

impl Ticket {
    /// The first transition of a ticket that was just submitted (its version is 0).
    ///
    /// Letters are none of its: the mailbox code is sent by the caller, to known addresses alone.
    pub fn submitted(mut self, policy: &Policy, message: String, now: Time) -> Transition {
        self.state = State::Unconfirmed;
        self.expires_at = Some(now + policy.unconfirmed_lifetime);
        let event = Event::new(Action::Opened).with("problem", self.problem.as_str());
        let transition = Transition::new(self, Actor::Requester, now, event);
        if message.is_empty() {
            return transition;
        }
        transition.message(NewMessage { kind: MessageKind::Request, author: None, body: message })
    }

    /// The mailbox code was typed, or the host vouched for a session: the ticket waits for an agent.
    ///
    /// A ticket that an agent took before it was confirmed stays with the agent and gains the evidence.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn confirm(
        mut self,
        method: Method,
        evidence: EvidenceId,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require_in_time(Command::Confirm, now)?;
        self.require_account()?;
        self.recognise(method);
        let first = self.state == State::Unconfirmed;
        if first {
            self.enter(State::Open, now);
            self.confirmed_at = Some(now);
            self.start_clock(policy, now);
        }
        let opened = self.notice();
        let evidence = Evidence { id: evidence, method, outcome: Outcome::Passed, by: None, at: now };
        let event = Event::new(Action::Confirmed).with("method", method.as_str());
        let transition = Transition::new(self, Actor::Requester, now, event)
            .effect(Effect::RecordEvidence(evidence, String::new()));
        Ok(if first { transition.mail(Recipients::Everyone, opened) } else { transition })
    }

    /// The mailbox code was typed where it adds no evidence: whoever holds the token is recognised by it.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn recognised(mut self, now: Time) -> Result<Transition, Rejection> {
        if self.duplicate_of.is_none() {
            self.require(Command::Return)?;
        }
        self.require_account()?;
        self.bearer = Bearer::Mailbox;
        self.mailbox_due = false;
        let event = Event::new(Action::Confirmed).with("method", Method::MailboxCode.as_str());
        Ok(Transition::new(self, Actor::Requester, now, event))
    }

    /// A session that opened the request stays what its token is known by.
    fn recognise(&mut self, method: Method) {
        self.mailbox_due &= method != Method::MailboxCode;
        if self.bearer != Bearer::Session {
            let by_session = method == Method::HostSession;
            self.bearer = if by_session { Bearer::Session } else { Bearer::Mailbox };
        }
    }

    /// Confirmed while the account has another open ticket: closed as its duplicate.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn confirm_as_duplicate(
        mut self,
        method: Method,
        of: TicketId,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require_in_time(Command::Confirm, now)?;
        if self.state != State::Unconfirmed {
            return Err(Rejection::OutOfOrder);
        }
        self.recognise(method);
        self.enter(State::Closed, now);
        self.reason = Some(CloseReason::Duplicate);
        self.confirmed_at = Some(now);
        let event = Event::new(Action::Closed)
            .with("reason", CloseReason::Duplicate.as_str())
            .with("duplicate_of", of.as_str());
        let opened = self.notice();
        self.duplicate_of = Some(of);
        Ok(Transition::new(self, Actor::Requester, now, event).mail(Recipients::Everyone, opened))
    }

    /// Another request for the account was confirmed: approval waits until the agent has recorded whose it is, and
    /// what was approved or sent before is undone.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn second_request(
        mut self,
        of: &TicketId,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require(Command::SecondRequest)?;
        self.undecided = true;
        let undone = self.fall_back(policy, now);
        let event = Event::new(Action::SecondRequest).with("request", of.as_str());
        let transition =
            Transition::new(self, Actor::Requester, now, event).effect(Effect::AddRisk(Risk::SecondRequest));
        Ok(undone.complete(transition, "second_request"))
    }

    /// The requester came back with a new mailbox code and got a new token.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn returned(mut self, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Return)?;
        self.bearer = Bearer::Mailbox;
        self.mailbox_due = false;
        Ok(Transition::new(self, Actor::Requester, now, Event::new(Action::Returned)))
    }

    /// Raises the tier; never lowers it.
    pub fn raise(&mut self) {
        self.tier = Tier::Privileged;
    }

    /// Back with the holder, or with nobody, approvals void: the state of whoever has to look again.
    pub(super) fn back_to_review(&mut self, policy: &Policy, now: Time) {
        self.enter(if self.holder.is_some() { State::InReview } else { State::Open }, now);
        self.approved_at = None;
        self.start_clock(policy, now);
    }

    pub(super) fn notice(&self) -> Content {
        Content::TicketOpened { opened_at: self.opened_at, problem: self.problem }
    }
}

impl Transition {
    pub(super) fn void_approvals(self, why: &'static str) -> Self {
        self.and(Event::new(Action::ApprovalVoided).with("why", why)).effect(Effect::VoidApprovals)
    }
}
