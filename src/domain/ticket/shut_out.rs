//! What becomes of a ticket when a member of the staff who had a part in it is disabled, reset or demoted.

use super::evidence::Undone;
use super::{Command, Effect, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::ids::StaffId;
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;

/// What they had to do with it, beside having it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Whether an approval of theirs counts.
    pub approved: bool,
    /// Whether evidence of theirs counts, or counted when it was approved.
    pub verified: bool,
    /// Whether they may know its PIN.
    pub knows_pin: bool,
}

impl Ticket {
    /// Whatever rests on them is undone: approvals and their evidence are void, a hold ends, a key that was sent is
    /// cancelled, a PIN that they may know dies. What they had goes back to the queue; what others have stays with them.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn staff_shut_out(
        mut self,
        who: &StaffId,
        part: Part,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require(Command::ShutOut)?;
        if self.holder.as_ref() == Some(who) {
            self.holder = None;
        }
        // A PIN is made on evidence, and worth nothing in the hands of whoever is shut out.
        let drops_pin = part.verified || part.knows_pin;
        self.pin_made &= !drops_pin;
        let undone = if part.approved || drops_pin { self.fall_back(policy, now) } else { Undone::Nothing };
        if self.holder.is_none() && matches!(self.state, State::InReview | State::Waiting) {
            self.enter(State::Open, now);
            self.start_clock(policy, now);
        }
        let event = Event::new(Action::StaffShutOut).with("member", who.as_str());
        let mut transition = Transition::new(self, Actor::Console, now, event)
            .effect(Effect::AddRisk(Risk::StaffShutOut))
            .effect(Effect::VoidEvidenceOf(who.clone()));
        if drops_pin {
            transition = transition.effect(Effect::DropPin);
        }
        Ok(undone.complete(transition, "staff_shut_out"))
    }
}
