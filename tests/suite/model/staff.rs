//! The reference, continued: what the staff do.

use super::command::{Act, Who};
use super::reference::{Answer, Evidence, Reference, State, Vouch, done, hours, refused};

pub(super) fn forbidden() -> Answer {
    refused(403, "forbidden")
}

pub(super) fn conflict() -> Answer {
    refused(409, "conflict")
}

impl Reference {
    pub fn staff(&mut self, who: Who, ticket: usize, act: Act) -> Answer {
        if let Act::Evidence { method: "current_code" | "manager_vouch", .. } = act {
            // What the machine records can be said by nobody.
            return refused(422, "invalid");
        }
        if who.rank() == 0 {
            return forbidden();
        }
        self.lapse(ticket);
        if who.rank() < self.rank_needed(ticket, act) || !self.is_in_reach_of(who) {
            return forbidden();
        }
        let answer = match act {
            Act::Claim => self.claim(who, ticket),
            Act::TakeOver { .. } if self.tickets[ticket].holder.is_none() => self.claim(who, ticket),
            Act::TakeOver { stale } => self.take_over(who, ticket, stale),
            Act::Evidence { method, passed } => self.record(who, ticket, method, passed),
            Act::Pin => self.make_pin(who, ticket),
            Act::AskVouch => self.ask_vouch(who, ticket),
            Act::Approve => self.approve(who, ticket),
            Act::Reissue => self.reissue(who, ticket),
            Act::Freeze => self.freeze_by_staff(ticket),
            Act::Thaw => self.thaw(who, ticket),
            Act::Keep(kept) => self.keep(who, ticket, kept),
            Act::Reject | Act::Close => self.end(who, ticket, act),
            Act::Release | Act::Ask | Act::Resume | Act::Reply | Act::Note | Act::Flag => {
                self.talk(who, ticket, act)
            }
        };
        if answer.0 < 300 {
            self.tickets[ticket].took_part.insert(who);
        }
        answer
    }

    /// Nobody acts on their own ticket, nor on an account of staff who outrank them.
    pub(super) fn is_in_reach_of(&self, who: Who) -> bool {
        !self.of_staff || (who != Who::Owner && who.rank() >= Who::Owner.rank())
    }

    fn rank_needed(&self, ticket: usize, act: Act) -> u8 {
        let one = &self.tickets[ticket];
        match act {
            Act::TakeOver { .. } if one.holder.is_some() => 2,
            Act::Approve if one.state == State::AwaitingApproval => 2,
            Act::Close if one.state == State::Frozen => 3,
            Act::Thaw => 3,
            _ => 1,
        }
    }

    pub(super) fn is_in(&self, ticket: usize, states: &[State]) -> bool {
        states.contains(&self.tickets[ticket].state)
    }

    pub(super) fn is_holder(&self, who: Who, ticket: usize) -> bool {
        self.tickets[ticket].holder == Some(who)
    }

    pub(super) fn has_stepped_up(&self, who: Who) -> bool {
        self.stepped_up.get(&who).is_some_and(|until| *until > self.now)
    }

    fn claim(&mut self, who: Who, ticket: usize) -> Answer {
        let unconfirmed = self.is_in(ticket, &[State::Unconfirmed]);
        if !unconfirmed && !self.is_in(ticket, &[State::Open]) {
            return conflict();
        }
        if unconfirmed {
            if self.open_ticket().is_some() {
                return conflict();
            }
            self.assess(ticket);
            self.tickets[ticket].confirmed = true;
        }
        self.enter(ticket, State::InReview, None);
        self.tickets[ticket].holder = Some(who);
        done(200)
    }

    fn take_over(&mut self, who: Who, ticket: usize, stale: bool) -> Answer {
        use State::{Approved, AwaitingApproval, InReview, KeySent, Waiting};
        if !self.is_in(ticket, &[InReview, Waiting, AwaitingApproval, Approved, KeySent]) || stale {
            return conflict();
        }
        self.tickets[ticket].holder = Some(who);
        done(200)
    }

    fn talk(&mut self, who: Who, ticket: usize, act: Act) -> Answer {
        use State::{Approved, AwaitingApproval, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting};
        let alive = [Unconfirmed, Open, InReview, Waiting, AwaitingApproval, Approved, KeySent];
        let may = match act {
            Act::Release => {
                self.is_in(ticket, &[InReview, Waiting]) && (who.rank() >= 2 || self.is_holder(who, ticket))
            }
            Act::Ask => self.is_in(ticket, &[InReview]) && self.is_holder(who, ticket),
            Act::Resume => self.is_in(ticket, &[Waiting]) && self.is_holder(who, ticket),
            Act::Reply => self.is_in(ticket, &alive[1..]) || self.is_in(ticket, &[Frozen]),
            Act::Flag => self.is_in(ticket, &alive),
            _ => true,
        };
        if !may {
            return conflict();
        }
        match act {
            Act::Release => {
                self.enter(ticket, Open, None);
                self.tickets[ticket].holder = None;
            }
            Act::Ask => self.enter(ticket, Waiting, Some(self.now + hours(7 * 24))),
            Act::Resume => self.enter(ticket, InReview, None),
            Act::Flag => {
                self.tickets[ticket].privileged = true;
                self.undo(ticket);
            }
            _ => {}
        }
        done(200)
    }

    fn end(&mut self, who: Who, ticket: usize, act: Act) -> Answer {
        use State::{Approved, AwaitingApproval, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting};
        let before_key = [Unconfirmed, Open, InReview, Waiting, AwaitingApproval, Approved];
        let also = if act == Act::Reject { KeySent } else { Frozen };
        if !self.is_in(ticket, &before_key) && !self.is_in(ticket, &[also]) {
            return conflict();
        }
        if self.is_in(ticket, &[Frozen]) && !self.has_stepped_up(who) {
            return refused(403, "step_up_required");
        }
        let held_by_other = self.tickets[ticket].holder.is_some_and(|holder| holder != who);
        if held_by_other && who.rank() < 2 {
            return conflict();
        }
        if act == Act::Reject {
            self.tickets[ticket].trouble_at = Some(self.now);
        }
        let was_frozen = self.is_in(ticket, &[Frozen]);
        self.close(
            ticket,
            match act {
                Act::Reject => "rejected",
                _ if was_frozen => "not_me",
                _ => "solved",
            },
        );
        done(200)
    }

    fn record(&mut self, who: Who, ticket: usize, method: &'static str, passed: bool) -> Answer {
        use State::{Approved, AwaitingApproval, InReview, KeySent};
        if method == "callback" && self.is_fresh(self.phone_at) {
            return refused(422, "invalid");
        }
        let states = [InReview, AwaitingApproval, Approved, KeySent];
        if !self.is_in(ticket, &states) || !self.is_holder(who, ticket) {
            return conflict();
        }
        let failed_with_them = |one: &Evidence| one.method == method && !one.passed && one.by == Some(who);
        if passed && self.tickets[ticket].evidence.iter().any(failed_with_them) {
            return conflict();
        }
        // A failure is later than all that came before it, whatever the clock says.
        let before = self.tickets[ticket].evidence.iter().map(|one| one.at);
        let at = if passed { self.now } else { before.fold(self.now, super::reference::Time::max) };
        let evidence = Evidence { method, passed, by: Some(who), at };
        self.tickets[ticket].evidence.push(evidence);
        if !passed {
            self.tickets[ticket].privileged = true;
            self.tickets[ticket].pin = false;
        }
        if !passed || !self.is_in(ticket, &[KeySent]) {
            self.undo(ticket);
        }
        done(200)
    }

    fn ask_vouch(&mut self, who: Who, ticket: usize) -> Answer {
        if !self.is_in(ticket, &[State::InReview]) || !self.is_holder(who, ticket) {
            return conflict();
        }
        if self.tickets[ticket].questions == 3 {
            return refused(429, "too_many_tries");
        }
        if self.is_fresh(self.manager_at) {
            return refused(422, "invalid");
        }
        self.tickets[ticket].questions += 1;
        let ends = self.now + hours(24);
        self.vouch = Some(Vouch { ticket, ends, tries: 0, manager: self.manager, answered: false });
        done(202)
    }

    fn freeze_by_staff(&mut self, ticket: usize) -> Answer {
        if self.is_in(ticket, &[State::Unconfirmed, State::Closed]) {
            return conflict();
        }
        self.freeze(ticket);
        done(200)
    }

    fn thaw(&mut self, who: Who, ticket: usize) -> Answer {
        if self.tickets[ticket].took_part.contains(&who) {
            return forbidden();
        }
        if !self.is_in(ticket, &[State::Frozen]) {
            return conflict();
        }
        if self.tickets[ticket].was_completed {
            use super::reference::Life::{Active, Suspended};
            self.enter(ticket, State::Completed, None);
            self.limit_tokens(ticket, Some(self.now + hours(30 * 24)));
            self.turn_key(ticket, Suspended, Active);
        } else {
            self.enter(ticket, State::InReview, None);
            self.tickets[ticket].holder.get_or_insert(who);
        }
        done(200)
    }

    fn keep(&mut self, who: Who, ticket: usize, kept: usize) -> Answer {
        let requests: Vec<usize> = (0..self.tickets.len())
            .filter(|other| *other == ticket || self.tickets[*other].duplicate_of == Some(ticket))
            .collect();
        if !requests.contains(&kept) {
            return refused(422, "invalid");
        }
        if !self.is_in(ticket, &[State::InReview, State::Waiting]) || !self.is_holder(who, ticket) {
            return conflict();
        }
        for other in requests {
            self.tickets[other].token_set_aside = other != kept;
        }
        self.tickets[ticket].kept = Some(kept);
        self.tickets[ticket].undecided = false;
        done(200)
    }
}
