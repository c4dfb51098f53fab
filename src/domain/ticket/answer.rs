//! What the requester does while the ticket is open: answer, and try codes to find the fault.

use super::{Command, MessageKind, NewMessage, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;

/// How many times codes may be tried on one ticket.
const DIAGNOSES_PER_TICKET: i32 = 3;

impl Ticket {
    /// The requester writes; a ticket that waited for it goes back to its holder.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn answer(mut self, policy: &Policy, text: String, now: Time) -> Result<Transition, Rejection> {
        self.require_in_time(Command::Answer, now)?;
        if self.state == State::Waiting {
            self.enter(State::InReview, now);
            self.start_clock(policy, now);
        }
        let message = NewMessage { kind: MessageKind::Answer, author: None, body: text };
        Ok(Transition::new(self, Actor::Requester, now, Event::new(Action::Answered)).message(message))
    }

    /// Two codes were tried; `facts` is what the agent sees, and never the key.
    ///
    /// # Errors
    /// `OutOfOrder`, `TooManyTries`.
    pub fn diagnosed(
        mut self,
        finding: &'static str,
        facts: Vec<(&'static str, String)>,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.require(Command::Diagnose)?;
        if self.diagnoses >= DIAGNOSES_PER_TICKET {
            return Err(Rejection::TooManyTries(None));
        }
        self.diagnoses += 1;
        let mut event = Event::new(Action::Diagnosed).with("finding", finding);
        event.details.extend(facts);
        Ok(Transition::new(self, Actor::Requester, now, event))
    }
}
