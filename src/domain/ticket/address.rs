//! The address on file changes while a ticket is open: the key follows it, and what the previous mailbox gave is void.

use super::{Bearer, Command, Effect, Recipients, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::letter::Content;
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;

impl Ticket {
    /// Whether the address on file is another one than the ticket's. Another spelling of one address is none.
    #[must_use]
    pub fn is_behind(&self, on_file: &str) -> bool {
        self.address.as_ref().is_some_and(|address| !address.eq_ignore_ascii_case(on_file))
    }

    /// The address on file is another one: approvals and what the previous mailbox proved are void, the ticket is
    /// privileged and back with whoever has it, and no key leaves before the new mailbox has confirmed it. Codes that went
    /// to the previous address are the caller's to end.
    ///
    /// # Errors
    /// `OutOfOrder` where it is closed and not the duplicate of another.
    pub fn address_changed(
        mut self,
        to: String,
        policy: &Policy,
        now: Time,
    ) -> Result<Transition, Rejection> {
        if self.duplicate_of.is_none() {
            self.require(Command::AddressChange)?;
        }
        if self.bearer == Bearer::Mailbox {
            self.bearer = Bearer::Unknown;
        }
        let event = Event::new(Action::AccountChanged).with("what", "email").with("address", to.clone());
        self.address = Some(to);
        if matches!(self.state, State::Unconfirmed | State::Completed | State::Closed) {
            return Ok(Transition::new(self, Actor::Machine, now, event));
        }
        self.mailbox_due = true;
        let undone = self.raise_and_fall_back(policy, now);
        if self.state == State::Waiting {
            self.back_to_review(policy, now);
        }
        let transition = Transition::new(self, Actor::Machine, now, event)
            .effect(Effect::VoidMailboxEvidence)
            .mail(Recipients::Others, Content::AddressChanged);
        Ok(undone.complete(transition, "address_changed"))
    }
}
