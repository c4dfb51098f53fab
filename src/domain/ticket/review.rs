//! The agent's hands: claim, take over, release, ask, resume, reply, note, flag, and which request is the person's own.

use super::{Command, Effect, MessageKind, NewMessage, Recipients, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::{Actor, Owner, Rank, StaffActor};
use crate::domain::event::{Action, Event};
use crate::domain::ids::TicketId;
use crate::domain::letter::Content;
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;

fn written_by(by: &StaffActor, kind: MessageKind, body: String) -> NewMessage {
    NewMessage { kind, author: Some(by.id.clone()), body }
}

impl Ticket {
    /// An agent takes a ticket that nobody has.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`.
    pub fn claim(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require_in_time(Command::Claim, now)?;
        self.require_account()?;
        let unconfirmed = self.state == State::Unconfirmed;
        self.enter(State::InReview, now);
        self.holder = Some(by.id.clone());
        self.start_clock(policy, now);
        if unconfirmed {
            self.confirmed_at = Some(now);
        }
        let notice = self.notice();
        let transition = Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Claimed));
        Ok(if unconfirmed { transition.mail(Recipients::Everyone, notice) } else { transition })
    }

    /// An approver or admin takes a ticket from its holder; `from` is the version that they saw.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `Outdated`.
    pub fn take_over(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        from: i32,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Approver, owner)?;
        self.require(Command::TakeOver)?;
        if from != self.version {
            return Err(Rejection::Outdated);
        }
        let mut event = Event::new(Action::TakenOver);
        if let Some(former) = self.holder.replace(by.id.clone()) {
            event = event.with("from", former.as_str());
        }
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, event))
    }

    /// The ticket goes back to the queue.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn release(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require_in_time(Command::Release, now)?;
        self.require_holder_or_approver(by)?;
        self.enter(State::Open, now);
        self.holder = None;
        self.start_clock(policy, now);
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Released)))
    }

    /// The requester is asked for something; the clock of the service level stands still.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn ask(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        question: String,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Ask)?;
        self.require_holder(by)?;
        let until = now + policy.waiting_lifetime;
        self.enter(State::Waiting, now);
        self.expires_at = Some(until);
        self.stop_clock(policy, now);
        let message = written_by(by, MessageKind::Question, question);
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Asked))
            .message(message)
            .mail(Recipients::Ticket, Content::NeedsAnswer { until }))
    }

    /// The holder goes on without waiting for the answer.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn resume(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require_in_time(Command::Resume, now)?;
        self.require_holder(by)?;
        self.enter(State::InReview, now);
        self.start_clock(policy, now);
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Resumed)))
    }

    /// The staff write to the requester; the letter says only that a reply waits.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`.
    pub fn reply(
        self,
        by: &StaffActor,
        owner: Option<&Owner>,
        text: String,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Reply)?;
        let message = written_by(by, MessageKind::Reply, text);
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Replied))
            .message(message)
            .mail(Recipients::Ticket, Content::StaffReply))
    }

    /// An internal note, never shown to the requester.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`.
    pub fn note(
        self,
        by: &StaffActor,
        owner: Option<&Owner>,
        text: String,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Note)?;
        let message = written_by(by, MessageKind::Note, text);
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::Noted))
            .message(message))
    }

    /// Urgency or coercion: the ticket becomes privileged.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`.
    pub fn flag(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        reason: &str,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Flag)?;
        let event = Event::new(Action::Flagged).with("reason", reason);
        let undo = self.raise_and_fall_back(policy, now);
        let transition = Transition::new(self, Actor::Staff(by.id.clone()), now, event)
            .effect(Effect::AddRisk(Risk::Flagged));
        Ok(undo.complete(transition, "flagged"))
    }

    /// Which of several requests is the person's own, as they said on the verified call.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn keep_request(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        keep: TicketId,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::KeepRequest)?;
        self.require_holder(by)?;
        let event = Event::new(Action::RequestKept).with("request", keep.as_str());
        self.kept = Some(keep);
        self.undecided = false;
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, event))
    }

    pub(super) fn require_holder_or_approver(&self, by: &StaffActor) -> Result<(), Rejection> {
        if by.rank >= Rank::Approver || self.holder.is_none() { Ok(()) } else { self.require_holder(by) }
    }
}
