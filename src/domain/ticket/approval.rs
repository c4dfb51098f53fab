//! Approval: evidence that satisfies the policy, the right persons, a fresh code; or nothing.

use super::{Command, Effect, Problem, Recipients, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::{Actor, Owner, Rank, StaffActor};
use crate::domain::event::{Action, Event};
use crate::domain::evidence::Evidence;
use crate::domain::ids::StaffId;
use crate::domain::letter::Content;
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;

/// What an approval is judged by.
pub struct Approving<'a> {
    /// Who approves.
    pub by: &'a StaffActor,
    /// Who owns the account, if a member of the staff does.
    pub owner: Option<&'a Owner>,
    /// The policy.
    pub policy: &'a Policy,
    /// The ticket's evidence.
    pub evidence: &'a [Evidence],
    /// Who has approved already.
    pub given: &'a [StaffId],
}

impl Ticket {
    /// One approval: the first by the holder, a second by another approver or admin.
    ///
    /// With the last one that the policy wants, the hold begins; the key is generated when it is over, never earlier.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `SamePerson`, `OutOfOrder`, `NotHolder`, `PolicyNotMet`,
    /// `StepUpRequired`: in this order.
    pub fn approve(
        mut self,
        with: &Approving<'_>,
        reason: String,
        now: Time,
    ) -> Result<Transition, Rejection> {
        let second = self.state == State::AwaitingApproval;
        with.by.may_act(if second { Rank::Approver } else { Rank::Agent }, with.owner)?;
        if second && with.given.contains(&with.by.id) {
            return Err(Rejection::SamePerson);
        }
        self.require_in_time(Command::Approve, now)?;
        if !second {
            self.require_holder(with.by)?;
        }
        self.require_policy(with, now)?;
        let tier = with.policy.tier(self.tier);
        let complete = with.given.len() + 1 >= tier.people;
        let event = Event::new(Action::Approved)
            .with("tier", self.tier.as_str())
            .with("approval", (with.given.len() + 1).to_string())
            .with("address", self.key_goes_to())
            .with("reason", reason.clone());
        if complete {
            self.enter(State::Approved, now);
            self.approved_at = Some(now);
            self.expires_at = Some(now + tier.hold);
            // What is left to do is the hold's: nobody is late with an answer.
            self.stop_clock(with.policy, now);
        } else {
            self.enter(State::AwaitingApproval, now);
            self.expires_at = Some(now + with.policy.first_approval_lifetime);
        }
        let stolen = self.problem == Problem::StolenDevice;
        let hold_until = self.expires_at;
        let mut transition = Transition::new(self, Actor::Staff(with.by.id.clone()), now, event)
            .effect(Effect::AddApproval { by: with.by.id.clone(), reason });
        if complete && stolen {
            transition = transition.effect(Effect::SuspendFormer).effect(Effect::EndSessions { but: None });
        }
        if complete && !tier.hold.is_zero() {
            transition = transition.mail(Recipients::Everyone, Content::Approved { hold_until });
        }
        Ok(transition)
    }

    /// Refuses unless the policy is met and a fresh code of the actor stands.
    pub(super) fn require_policy(&self, with: &Approving<'_>, now: Time) -> Result<(), Rejection> {
        let missing = self.missing(with.policy, with.evidence, now);
        if !missing.is_empty() {
            return Err(Rejection::PolicyNotMet(missing));
        }
        if with.by.stepped_up { Ok(()) } else { Err(Rejection::StepUpRequired) }
    }

    /// The account's address, tier or proofs changed: whatever was approved or sent is undone.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn account_changed(
        mut self,
        what: &'static str,
        raise: bool,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require(Command::AccountChange)?;
        if raise {
            self.raise();
        }
        let undone = self.fall_back(policy, now);
        let event = Event::new(Action::AccountChanged).with("what", what);
        let transition = Transition::new(self, Actor::Machine, now, event);
        Ok(undone.complete(transition, "account_changed"))
    }
}
