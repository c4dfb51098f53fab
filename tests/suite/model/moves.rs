//! The reference, continued: what the machine does by itself, and the moves that every road is made of.

use super::reference::{Evidence, Key, Life, Reference, State, Time, hours};

impl Reference {
    /// What the machine does by itself: states that run out, holds that end, letters that go.
    pub fn tick(&mut self) {
        for ticket in 0..self.tickets.len() {
            self.lapse(ticket);
            let one = &self.tickets[ticket];
            if one.state == State::Approved && one.ends.is_some_and(|ends| ends <= self.now) {
                self.send_key(ticket, self.now + hours(24));
            }
        }
        self.forget();
        self.deliver();
    }

    /// What is past is forgotten, and a clock that steps back brings nothing of it again.
    fn forget(&mut self) {
        let now = self.now;
        for ticket in &mut self.tickets {
            ticket.mailbox.take_if(|(ends, _)| *ends <= now);
            ticket.token_dead |= ticket.token_ends.is_some_and(|ends| ends <= now);
            if ticket.stop_ends.is_some_and(|ends| ends <= now) {
                ticket.stop_ends = Some(Time::MIN);
            }
        }
        if let Some(open) = self.open_ticket() {
            self.tickets[open].evidence.retain(|one| !one.passed || now < one.at + hours(24));
        }
        self.vouch.take_if(|vouch| vouch.ends <= now);
        self.stepped_up.retain(|_, until| *until > now);
        let over = |key: &&mut Key| key.ticket.is_none() && key.ends.is_some_and(|ends| ends <= now);
        for key in self.keys.iter_mut().filter(over).filter(|key| key.life == Life::Pending) {
            key.life = Life::Revoked;
        }
    }

    fn deliver(&mut self) {
        for key in 0..self.keys.len() {
            if self.keys[key].life != Life::Pending || self.keys[key].arrived {
                continue;
            }
            if self.mail_bounces {
                self.back_to_review(self.keys[key].ticket.unwrap());
            } else {
                self.keys[key].arrived = true;
            }
        }
    }

    /// The time of its state has run out: nothing expired is acted upon.
    pub fn lapse(&mut self, ticket: usize) {
        let one = &self.tickets[ticket];
        if one.ends.is_none_or(|ends| ends > self.now) {
            return;
        }
        match one.state {
            State::Unconfirmed | State::Waiting | State::KeySent => self.close(ticket, "expired"),
            State::AwaitingApproval => self.back_to_review(ticket),
            _ => {}
        }
    }

    pub fn enter(&mut self, ticket: usize, state: State, ends: Option<Time>) {
        let one = &mut self.tickets[ticket];
        one.since = self.now;
        one.state = state;
        one.ends = ends;
    }

    /// Approvals void, a key that was sent dead.
    pub fn back_to_review(&mut self, ticket: usize) {
        self.kill_key(ticket);
        self.enter(ticket, State::InReview, None);
        self.tickets[ticket].approvals.clear();
        self.tickets[ticket].approved_at = None;
    }

    /// A change that undoes what was approved or sent.
    pub fn undo(&mut self, ticket: usize) {
        if matches!(self.tickets[ticket].state, State::AwaitingApproval | State::Approved | State::KeySent) {
            self.back_to_review(ticket);
        }
    }

    /// Whose account it is becomes a member of the staff: from now on its tickets are privileged, the open one too.
    pub fn hire(&mut self) {
        self.of_staff = true;
        if let Some(open) = self.open_ticket() {
            self.tickets[open].privileged = true;
            self.undo(open);
        }
    }

    pub fn kill_key(&mut self, ticket: usize) {
        let of_ticket = |key: &&mut Key| key.ticket == Some(ticket) && key.life == Life::Pending;
        for key in self.keys.iter_mut().filter(of_ticket) {
            key.life = Life::Revoked;
        }
    }

    pub fn send_key(&mut self, ticket: usize, ends: Time) {
        self.kill_key(ticket);
        self.kill_enrolment();
        self.enter(ticket, State::KeySent, Some(ends));
        let key = Key {
            life: Life::Pending,
            ticket: Some(ticket),
            ends: Some(ends),
            last: i64::MIN,
            arrived: false,
        };
        self.keys.push(key);
    }

    pub fn close(&mut self, ticket: usize, reason: &'static str) {
        self.kill_key(ticket);
        self.enter(ticket, State::Closed, None);
        let ends = self.now + hours(30 * 24);
        let one = &mut self.tickets[ticket];
        one.reason = Some(reason);
        one.pin = false;
        self.limit_tokens(ticket, Some(ends));
    }

    /// When tokens end; nothing that has ended revives, but a letter has a new link.
    pub fn limit_tokens(&mut self, ticket: usize, ends: Option<Time>) {
        let (now, bounces) = (self.now, self.mail_bounces);
        let one = &mut self.tickets[ticket];
        if one.token_ends.is_none_or(|former| former > now) {
            one.token_ends = ends;
        }
        if !bounces || one.stop_ends.is_none_or(|former| former > now) {
            one.stop_ends = ends;
        }
    }

    /// "This wasn't me."
    pub fn freeze(&mut self, ticket: usize) {
        let was_completed = self.tickets[ticket].state == State::Completed;
        self.tickets[ticket].trouble_at = Some(self.now);
        if self.tickets[ticket].state != State::Frozen {
            self.kill_key(ticket);
            self.enter(ticket, State::Frozen, None);
            let one = &mut self.tickets[ticket];
            one.was_completed = was_completed;
            if was_completed {
                let lives = |key: &Key| key.ticket == Some(ticket) && key.life == Life::Active;
                if self.keys.iter().any(lives) {
                    self.turn_key(ticket, Life::Active, Life::Suspended);
                } else {
                    self.freeze_account();
                }
            } else {
                one.approvals.clear();
                one.approved_at = None;
                one.evidence.retain(|one| !one.passed);
                one.pin = false;
            }
        }
        self.limit_tokens(ticket, None);
        let open = self.open_ticket().filter(|open| self.tickets[*open].state != State::Frozen);
        if was_completed && let Some(open) = open {
            self.freeze(open);
        }
    }

    /// The same of an account, whose open ticket goes no further either.
    pub fn stop_account(&mut self) {
        self.freeze_account();
        if let Some(open) = self.open_ticket().filter(|open| self.tickets[*open].state != State::Frozen) {
            self.freeze(open);
        }
    }

    fn freeze_account(&mut self) {
        self.frozen = true;
        self.is_on = true;
    }

    pub fn turn_key(&mut self, ticket: usize, from: Life, to: Life) {
        for key in self.keys.iter_mut().filter(|key| key.ticket == Some(ticket) && key.life == from) {
            key.life = to;
        }
    }

    /// The person has proven the key: it lives, every former one is revoked, and there are ten new recovery codes.
    pub fn complete(&mut self, ticket: usize) {
        for key in self.keys.iter_mut().filter(|key| matches!(key.life, Life::Active | Life::Suspended)) {
            key.life = Life::Revoked;
        }
        let step = self.step();
        for key in self.keys.iter_mut().filter(|key| key.ticket == Some(ticket) && key.life == Life::Pending)
        {
            key.life = Life::Active;
            key.last = step;
        }
        self.is_on = true;
        self.frozen = false;
        self.failures = 0;
        self.locked_until = None;
        self.recovery_codes = 10;
        self.enter(ticket, State::Completed, None);
        self.limit_tokens(ticket, Some(self.now + hours(30 * 24)));
    }

    /// What the policy still asks for, in the program's words.
    pub fn missing(&self, ticket: usize) -> Vec<&'static str> {
        let one = &self.tickets[ticket];
        let mut missing = self.evidence_missing(ticket);
        if one.undecided {
            missing.push("request_decision");
        }
        if one.mailbox_due {
            missing.push("mailbox_code");
        }
        if one.privileged && !one.pin {
            missing.push("pin");
        }
        missing
    }

    pub fn evidence_missing(&self, ticket: usize) -> Vec<&'static str> {
        let one = &self.tickets[ticket];
        let strong = ["in_person", "video_with_id", "manager_vouch"];
        let weak = ["callback", "recovery_code", "current_code"];
        let stands = |method: &&&str| {
            let of_it: Vec<_> = one.evidence.iter().filter(|one| one.method == **method).collect();
            let failed = of_it.iter().filter(|one| !one.passed).map(|one| one.at).max();
            let is_later = |one: &&&Evidence| one.passed && failed.is_none_or(|failed| one.at > failed);
            of_it.iter().filter(is_later).any(|one| self.now < one.at + hours(24))
        };
        let strong = strong.iter().filter(stands).count();
        let all = strong + weak.iter().filter(stands).count();
        let (wanted, wanted_strong) = if one.privileged { (2, 1) } else { (1, 0) };
        let mut missing = Vec::new();
        if all < wanted {
            missing.push("independent_evidence");
        }
        if strong < wanted_strong {
            missing.push("strong_evidence");
        }
        missing
    }

    /// What raises a ticket when it comes before the staff.
    pub fn assess(&mut self, ticket: usize) {
        let changed = [self.email_at, self.phone_at, self.manager_at];
        let lately = |at: Time| self.now <= at + hours(7 * 24);
        let trouble =
            self.tickets.iter().enumerate().filter(|(other, one)| *other != ticket && one.confirmed).any(
                |(_, one)| {
                    one.trouble_at.is_some_and(lately)
                        || one.evidence.iter().any(|one| !one.passed && lately(one.at))
                },
            );
        if trouble
            || self.frozen
            || self.privileged
            || self.of_staff
            || changed.iter().any(|at| self.is_fresh(*at))
        {
            self.tickets[ticket].privileged = true;
        }
    }

    /// The address on file was changed: what the previous mailbox has, and what it confirmed, is void.
    pub(super) fn follow(&mut self, ticket: usize) {
        let (address, one) = (self.address, &mut self.tickets[ticket]);
        let is_over = one.state == State::Closed && one.duplicate_of.is_none();
        if is_over || one.address == address {
            return;
        }
        one.address = address;
        one.mailbox = None;
        one.known = false;
        if matches!(one.state, State::Unconfirmed | State::Completed | State::Closed) {
            return;
        }
        one.mailbox_due = true;
        one.privileged = true;
        one.evidence.retain(|one| one.method != "mailbox_code");
        if one.state == State::Waiting {
            self.enter(ticket, State::InReview, None);
        }
        self.undo(ticket);
    }

    /// The same at once for what is open, and for what nobody confirmed; a new code goes to the new address.
    pub(super) fn follow_all(&mut self) {
        let code = Some((self.now + chrono::TimeDelta::minutes(15), 0));
        if let Some(open) = self.open_ticket() {
            self.follow(open);
            let own = self.tickets[open].kept.unwrap_or(open);
            self.follow(own);
            self.tickets[own].mailbox = code;
        }
        for ticket in 0..self.tickets.len() {
            if self.tickets[ticket].state == State::Unconfirmed {
                self.follow(ticket);
                self.tickets[ticket].mailbox = code;
            }
        }
    }
}
