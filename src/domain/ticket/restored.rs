//! The database was put back to an earlier state: what stood then may have been undone since.

use super::{Command, Effect, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;

impl Ticket {
    /// Approvals, a key that was sent and a PIN end, for nobody knows what became of them since; evidence stays.
    ///
    /// # Errors
    /// `OutOfOrder` where nothing of the kind can be.
    pub fn restored(mut self, policy: &Policy, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::AccountChange)?;
        let event = Event::new(Action::Restored).with("state", self.state.as_str());
        let undone = self.fall_back(policy, now);
        self.pin_made = false;
        let transition = Transition::new(self, Actor::Console, now, event).effect(Effect::DropPin);
        Ok(undone.complete(transition, "restored"))
    }
}
