//! The reference, continued: the PIN, both approvals, and a key in place of one that was sent.

use super::command::Who;
use super::reference::{Answer, Life, Reference, State, done, hours, refused};
use super::staff::{conflict, forbidden};

impl Reference {
    pub fn make_pin(&mut self, who: Who, ticket: usize) -> Answer {
        let one = &self.tickets[ticket];
        let renews = self.is_in(ticket, &[State::KeySent]) && one.pin && one.reissues > 0;
        if !(renews || self.is_in(ticket, &[State::InReview])) || !self.is_holder(who, ticket) {
            return conflict();
        }
        if !self.evidence_missing(ticket).is_empty() {
            return refused(403, "policy_not_met");
        }
        if renews && !self.has_stepped_up(who) {
            return refused(403, "step_up_required");
        }
        self.tickets[ticket].pin = true;
        self.tickets[ticket].pin_tries = 0;
        done(200)
    }

    pub fn approve(&mut self, who: Who, ticket: usize) -> Answer {
        let second = self.is_in(ticket, &[State::AwaitingApproval]);
        if second && self.tickets[ticket].approvals.contains(&who) {
            return forbidden();
        }
        let first = self.is_in(ticket, &[State::InReview]) && self.is_holder(who, ticket);
        if !(first || second) {
            return conflict();
        }
        if let Some(refusal) = self.policy(who, ticket) {
            return refusal;
        }
        self.tickets[ticket].approvals.push(who);
        let privileged = self.tickets[ticket].privileged;
        if privileged && !second {
            self.enter(ticket, State::AwaitingApproval, Some(self.now + hours(8)));
            return done(200);
        }
        self.tickets[ticket].approved_at = Some(self.now);
        if self.tickets[ticket].stolen {
            for key in self.keys.iter_mut().filter(|key| key.life == Life::Active) {
                key.life = Life::Suspended;
            }
        }
        if privileged {
            self.enter(ticket, State::Approved, Some(self.now + hours(24)));
        } else {
            self.send_key(ticket, self.now + hours(24));
        }
        done(200)
    }

    fn policy(&self, who: Who, ticket: usize) -> Option<Answer> {
        if !self.missing(ticket).is_empty() {
            return Some(refused(403, "policy_not_met"));
        }
        (!self.has_stepped_up(who)).then(|| refused(403, "step_up_required"))
    }

    pub fn reissue(&mut self, who: Who, ticket: usize) -> Answer {
        if !self.is_in(ticket, &[State::KeySent]) || !self.is_holder(who, ticket) {
            return conflict();
        }
        if let Some(refusal) = self.policy(who, ticket) {
            return refusal;
        }
        let latest = self.tickets[ticket].approved_at.unwrap() + hours(72);
        if self.tickets[ticket].reissues == 3 || self.now >= latest {
            return refused(429, "too_many_tries");
        }
        self.tickets[ticket].reissues += 1;
        self.send_key(ticket, latest.min(self.now + hours(24)));
        done(200)
    }
}
