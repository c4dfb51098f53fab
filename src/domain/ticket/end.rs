//! How a ticket ends, and how it is stopped: reject, withdraw, close, expire, freeze, thaw.

use super::{CloseReason, Command, Effect, Recipients, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::{Actor, Owner, Rank, StaffActor};
use crate::domain::event::{Action, Event};
use crate::domain::letter::{Content, Lapsed};
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;

impl Ticket {
    /// Turned down, with a reason for the log.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn reject(
        self,
        by: &StaffActor,
        owner: Option<&Owner>,
        reason: &str,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Reject)?;
        self.require_holder_or_approver(by)?;
        let confirmed = self.confirmed_at.is_some();
        let event = Event::new(Action::Rejected).with("reason", reason);
        let ended = self.finish(CloseReason::Rejected, Actor::Staff(by.id.clone()), event, now);
        Ok(if confirmed { ended.mail(Recipients::Everyone, Content::Rejected) } else { ended })
    }

    /// Withdrawn by the requester.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn withdraw(self, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Withdraw)?;
        Ok(self.finish(CloseReason::Withdrawn, Actor::Requester, Event::new(Action::Withdrawn), now))
    }

    /// The account was removed: there is nobody left to serve. A frozen ticket stays as it is.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn account_removed(self, actor: Actor, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Withdraw)?;
        let event = Event::new(Action::Closed)
            .with("reason", CloseReason::Withdrawn.as_str())
            .with("note", "the account was removed");
        Ok(self.finish(CloseReason::Withdrawn, actor, event, now))
    }

    /// Closed by the staff; a frozen ticket by an admin alone, with a fresh code.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `StepUpRequired`.
    pub fn close(
        self,
        by: &StaffActor,
        owner: Option<&Owner>,
        why: CloseReason,
        reason: &str,
        now: Time,
    ) -> Result<Transition, Rejection> {
        let frozen = self.state == State::Frozen;
        by.may_act(if frozen { Rank::Admin } else { Rank::Agent }, owner)?;
        self.require(Command::Close)?;
        if frozen && !by.stepped_up {
            return Err(Rejection::StepUpRequired);
        }
        self.require_holder_or_approver(by)?;
        let event = Event::new(Action::Closed).with("reason", why.as_str()).with("note", reason);
        Ok(self.finish(why, Actor::Staff(by.id.clone()), event, now))
    }

    /// The state's time has run out: back to the agent where only an approval lapsed, closed otherwise.
    ///
    /// # Errors
    /// `OutOfOrder`, also when the time has not run out.
    pub fn expire(mut self, policy: &Policy, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Expire)?;
        if !self.is_overdue(now) {
            return Err(Rejection::OutOfOrder);
        }
        let event = Event::new(Action::Expired).with("state", self.state.as_str());
        let what = match self.state {
            State::AwaitingApproval => {
                self.back_to_review(policy, now);
                return Ok(
                    Transition::new(self, Actor::Machine, now, event).void_approvals("not_approved_in_time")
                );
            }
            State::Waiting => Some(Lapsed::Answer),
            State::KeySent => Some(Lapsed::Key),
            _ => None,
        };
        let ended = self.finish(CloseReason::Expired, Actor::Machine, event, now);
        Ok(match what {
            Some(what) => ended.mail(Recipients::Ticket, Content::Expired { what }),
            None => ended,
        })
    }

    /// "This wasn't me", from a letter or by staff: wins against everything, after completion too.
    ///
    /// # Errors
    /// `OutOfOrder` where the ticket is closed or was never confirmed. Whether a member of the staff may is the
    /// caller's to ask of [`StaffActor::may_act`].
    pub fn freeze(mut self, actor: Actor, reason: &str, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Freeze)?;
        let event = Event::new(Action::Frozen).with("from", self.state.as_str()).with("reason", reason);
        if self.state == State::Frozen {
            return Ok(Transition::new(self, actor, now, event));
        }
        let completed = self.state == State::Completed;
        self.frozen_from = Some(self.state);
        self.enter(State::Frozen, now);
        self.approved_at = None;
        self.due_at = None;
        self.due_left = None;
        if completed {
            return Ok(Transition::new(self, actor, now, event)
                .effect(Effect::SuspendKey)
                .effect(Effect::EndSessions { but: None })
                .mail(Recipients::Everyone, Content::Frozen));
        }
        self.pin_made = false;
        Ok(Transition::new(self, actor, now, event)
            .effect(Effect::KillKey)
            .effect(Effect::VoidApprovals)
            .effect(Effect::VoidEvidence)
            .effect(Effect::DropPin)
            .effect(Effect::EndSessions { but: None })
            .mail(Recipients::Everyone, Content::Frozen))
    }

    /// "This wasn't me" on a ticket that was never confirmed closes that ticket alone.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn disown(self, now: Time) -> Result<Transition, Rejection> {
        if self.state != State::Unconfirmed {
            return Err(Rejection::OutOfOrder);
        }
        let event = Event::new(Action::Closed).with("reason", CloseReason::NotMe.as_str());
        Ok(self.finish(CloseReason::NotMe, Actor::Requester, event, now))
    }

    /// An admin who took no part lets a frozen ticket go on, with everything to be established anew.
    ///
    /// # Errors
    /// `RoleTooLow`, also for one who took part; `OwnTicket`, `Outranked`, `OutOfOrder`.
    pub fn thaw(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        took_part: bool,
        policy: &Policy,
        reason: &str,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Admin, owner)?;
        if took_part {
            return Err(Rejection::SamePerson);
        }
        self.require(Command::Thaw)?;
        let event = Event::new(Action::Thawed).with("reason", reason);
        let actor = Actor::Staff(by.id.clone());
        if self.frozen_from.take() == Some(State::Completed) {
            self.enter(State::Completed, now);
            // Nothing is left to approve.
            self.undecided = false;
            return Ok(Transition::new(self, actor, now, event).effect(Effect::RestoreKey));
        }
        self.holder = self.holder.or_else(|| Some(by.id.clone()));
        self.back_to_review(policy, now);
        Ok(Transition::new(self, actor, now, event))
    }

    fn finish(mut self, why: CloseReason, actor: Actor, event: Event, now: Time) -> Transition {
        let key_sent = self.state == State::KeySent;
        self.enter(State::Closed, now);
        self.reason = Some(why);
        self.due_at = None;
        self.due_left = None;
        self.pin_made = false;
        let transition = Transition::new(self, actor, now, event).effect(Effect::DropPin);
        if key_sent { transition.effect(Effect::KillKey) } else { transition }
    }
}
