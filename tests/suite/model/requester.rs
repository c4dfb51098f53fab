//! The reference, continued: the requester, the host, and whoever has a letter.

use chrono::Timelike;

use super::command::Command;
use super::reference::{Answer, Evidence, Life, Reference, State, Ticket, done, hours, refused};

pub(super) fn wrong_code() -> Answer {
    refused(403, "wrong_code")
}

pub(super) fn conflict() -> Answer {
    refused(409, "conflict")
}

pub(super) fn not_found() -> Answer {
    refused(404, "not_found")
}

pub(super) fn too_many() -> Answer {
    refused(429, "too_many_tries")
}

impl Reference {
    /// What the program must answer, and what stands afterwards.
    pub fn give(&mut self, command: Command) -> Answer {
        match command {
            Command::Open { stolen } => self.open(stolen),
            Command::Confirm { ticket, right } => self.confirm(ticket, right),
            Command::Return(ticket) => self.ask_to_return(ticket),
            Command::ComeBack { ticket, right } => self.come_back(ticket, right),
            Command::Diagnose { ticket, right } => self.diagnose(ticket, right),
            Command::Withdraw(ticket) => self.withdraw(ticket),
            Command::Answer(ticket) => self.answer(ticket),
            Command::ProveRecovery { ticket, right } => self.prove(ticket, "recovery_code", right),
            Command::ProveCodes { ticket, right } => self.prove(ticket, "current_code", right),
            Command::Activate { ticket, by_letter, code, pin, password, recovery } => {
                self.activate(ticket, by_letter, code, [pin, password, recovery])
            }
            Command::Stop(ticket) => self.stop(ticket),
            Command::StopAccount => {
                self.stop_account();
                done(200)
            }
            Command::Vouch { right } => self.vouched(right),
            Command::Staff { who, ticket, act } => self.staff(who, ticket, act),
            Command::StepUp(who) => {
                self.stepped_up.insert(who, self.now + chrono::TimeDelta::minutes(5));
                done(204)
            }
            Command::Put(change) => self.put(change),
            Command::BeginEnrolment { right } => self.begin_enrolment(right),
            Command::ConfirmEnrolment { right } => self.confirm_enrolment(right),
            Command::TurnOff { right } => self.turn_off(right),
            Command::SignIn { code, first_factor } => self.sign_in(code, first_factor),
        }
    }

    fn open(&mut self, stolen: bool) -> Answer {
        self.tickets.push(Ticket {
            state: State::Unconfirmed,
            reason: None,
            privileged: self.privileged,
            stolen,
            opened: self.now,
            since: self.now,
            confirmed: false,
            known: false,
            address: self.address,
            mailbox_due: false,
            ends: Some(self.now + hours(24)),
            holder: None,
            evidence: Vec::new(),
            approvals: Vec::new(),
            approved_at: None,
            pin: false,
            pin_tries: 0,
            tries: 0,
            reissues: 0,
            diagnoses: 0,
            undecided: false,
            kept: None,
            duplicate_of: None,
            was_completed: false,
            took_part: std::collections::BTreeSet::new(),
            trouble_at: None,
            mailbox: Some((self.now + chrono::TimeDelta::minutes(15), 0)),
            token_dead: false,
            token_set_aside: false,
            questions: 0,
            token_ends: None,
            stop_ends: None,
        });
        done(202)
    }

    fn is_token_good(&self, ticket: usize) -> bool {
        let one = &self.tickets[ticket];
        !one.token_dead && !one.token_set_aside && one.token_ends.is_none_or(|ends| ends > self.now)
    }

    /// The ticket that a token speaks for, where it may do more than read and stop.
    pub(super) fn spoken_for(&self, ticket: usize) -> Result<usize, Answer> {
        let main = self.may_withdraw(ticket)?;
        let is_of_main = self.tickets[ticket].address == self.tickets[main].address;
        if self.tickets[ticket].known && is_of_main { Ok(main) } else { Err(conflict()) }
    }

    /// The same for what a name alone may do.
    fn may_withdraw(&self, ticket: usize) -> Result<usize, Answer> {
        if !self.is_token_good(ticket) {
            return Err(not_found());
        }
        if self.is_worth_all(ticket) { Ok(self.main(ticket)) } else { Err(conflict()) }
    }

    fn main(&self, ticket: usize) -> usize {
        self.tickets[ticket].duplicate_of.unwrap_or(ticket)
    }

    /// Of several requests the first, until the agent has recorded which one is the person's own.
    fn is_worth_all(&self, ticket: usize) -> bool {
        let main = self.main(ticket);
        self.tickets[main].kept.unwrap_or(main) == ticket
    }

    fn spoken_for_now(&mut self, ticket: usize) -> Result<usize, Answer> {
        if self.is_token_good(ticket) {
            self.lapse(self.main(ticket));
        }
        self.spoken_for(ticket)
    }

    fn confirm(&mut self, ticket: usize, right: bool) -> Answer {
        if !self.is_token_good(ticket) {
            return not_found();
        }
        self.type_code(ticket, right)
    }

    /// The code from the mailbox, with the token or without.
    fn type_code(&mut self, ticket: usize, right: bool) -> Answer {
        self.lapse(self.main(ticket));
        self.follow(self.main(ticket));
        self.follow(ticket);
        let Some((ends, tries)) = self.tickets[ticket].mailbox else { return wrong_code() };
        if tries >= 5 {
            return too_many();
        }
        if !right || ends <= self.now {
            self.tickets[ticket].mailbox = Some((ends, tries + 1));
            return wrong_code();
        }
        self.tickets[ticket].mailbox = None;
        let main = self.main(ticket);
        let one = &mut self.tickets[ticket];
        let goes_on = one.state != State::Closed || one.duplicate_of.is_some();
        one.known |= goes_on;
        one.mailbox_due &= !goes_on;
        let evidence = Evidence { method: "mailbox_code", passed: true, by: None, at: self.now };
        if self.tickets[ticket].state == State::Unconfirmed {
            if let Some(open) = self.open_ticket() {
                self.join(ticket, open);
                return done(200);
            }
            self.assess(ticket);
            self.enter(ticket, State::Open, None);
            self.tickets[ticket].confirmed = true;
            self.tickets[ticket].evidence.push(evidence);
        } else {
            let counts = matches!(self.tickets[main].state, State::Open | State::InReview | State::Waiting);
            if counts && self.is_worth_all(ticket) && !self.has_mailbox(main) {
                self.tickets[main].evidence.push(evidence);
                self.tickets[main].mailbox_due = false;
            }
        }
        done(200)
    }

    /// Whatever the answer, a new code goes to the address on file while the ticket is not closed; one that was closed
    /// as a duplicate and is the person's own stands for the ticket itself.
    fn ask_to_return(&mut self, ticket: usize) -> Answer {
        let main = self.main(ticket);
        let goes_on =
            self.tickets[main].state != State::Closed && (main == ticket || self.is_worth_all(ticket));
        if goes_on {
            self.follow(ticket);
            self.tickets[ticket].mailbox = Some((self.now + chrono::TimeDelta::minutes(15), 0));
            match self.tickets[ticket].state {
                State::Completed | State::Closed => {
                    self.limit_tokens(ticket, Some(self.tickets[ticket].since + hours(30 * 24)));
                }
                State::Frozen => self.limit_tokens(ticket, None),
                _ => {}
            }
        }
        done(202)
    }

    /// Without a token nobody learns more than that a code is wrong; with the right one the former token has ended.
    fn come_back(&mut self, ticket: usize, right: bool) -> Answer {
        let answer = self.type_code(ticket, right);
        if answer.0 != 200 {
            return wrong_code();
        }
        let one = &mut self.tickets[ticket];
        one.token_dead = false;
        one.token_set_aside = false;
        one.token_ends =
            matches!(one.state, State::Closed | State::Completed).then(|| one.since + hours(30 * 24));
        answer
    }

    /// Whether the mailbox stands, as it does for a day.
    fn has_mailbox(&self, ticket: usize) -> bool {
        let lately = |at| self.now < at + hours(24);
        self.tickets[ticket].evidence.iter().any(|one| one.method == "mailbox_code" && lately(one.at))
    }

    /// It finds the fault and changes nothing, but that the codes are used up.
    fn diagnose(&mut self, ticket: usize, right: bool) -> Answer {
        use State::{Approved, AwaitingApproval, InReview, KeySent, Open, Waiting};
        let main = match self.spoken_for_now(ticket) {
            Err(refusal) => return refusal,
            Ok(main) => main,
        };
        let one = &self.tickets[main];
        let state = matches!(one.state, Open | InReview | Waiting | AwaitingApproval | Approved | KeySent);
        if !state || !self.has_mailbox(main) {
            return conflict();
        }
        let hour = self.now.date().and_hms_opt(self.now.hour(), 0, 0).unwrap();
        let former = self.diagnoses.entry(hour).or_default();
        if *former == 5 || self.tickets[main].diagnoses == 3 {
            return too_many();
        }
        self.tickets[main].diagnoses += 1;
        *former += 1;
        let step = self.step();
        if let Some(key) = self.current().filter(|_| right) {
            self.keys[key].last = self.keys[key].last.max(step);
        }
        done(200)
    }

    /// A second request for an account that has an open ticket.
    fn join(&mut self, ticket: usize, open: usize) {
        self.close(ticket, "duplicate");
        self.tickets[ticket].confirmed = true;
        self.tickets[ticket].duplicate_of = Some(open);
        self.tickets[open].undecided = true;
        self.undo(open);
    }

    fn withdraw(&mut self, ticket: usize) -> Answer {
        use State::{Approved, AwaitingApproval, InReview, KeySent, Open, Unconfirmed, Waiting};
        if self.is_token_good(ticket) {
            self.lapse(self.main(ticket));
        }
        match self.may_withdraw(ticket) {
            Err(refusal) => refusal,
            Ok(main) => match self.tickets[main].state {
                Unconfirmed | Open | InReview | Waiting | AwaitingApproval | Approved | KeySent => {
                    self.close(main, "withdrawn");
                    done(200)
                }
                _ => conflict(),
            },
        }
    }

    fn answer(&mut self, ticket: usize) -> Answer {
        use State::{Approved, AwaitingApproval, InReview, KeySent, Open, Waiting};
        match self.spoken_for_now(ticket) {
            Err(refusal) => refusal,
            Ok(main) => match self.tickets[main].state {
                Waiting => {
                    self.enter(main, InReview, None);
                    done(200)
                }
                Open | InReview | AwaitingApproval | Approved | KeySent => done(200),
                _ => conflict(),
            },
        }
    }

    fn prove(&mut self, ticket: usize, method: &'static str, right: bool) -> Answer {
        let main = match self.spoken_for_now(ticket) {
            Err(refusal) => return refusal,
            Ok(main) => main,
        };
        if !matches!(self.tickets[main].state, State::Open | State::InReview | State::Waiting) {
            return conflict();
        }
        if let Some(refusal) = self.takes_no_code() {
            return refusal;
        }
        let step = self.step();
        if method == "recovery_code" {
            if !right || self.recovery_codes == 0 {
                return self.wrong(wrong_code());
            }
            self.recovery_codes -= 1;
        } else {
            let active = self.keys.iter_mut().find(|key| key.life == Life::Active);
            match active {
                Some(key) if right && key.last < step - 1 => key.last = step,
                Some(_) if right => return wrong_code(),
                _ => return self.wrong(wrong_code()),
            }
        }
        self.failures = 0;
        self.locked_until = None;
        self.tickets[main].evidence.push(Evidence { method, passed: true, by: None, at: self.now });
        done(200)
    }

    pub(super) fn is_locked(&self) -> bool {
        self.failures >= 100 || self.locked_until.is_some_and(|until| until > self.now)
    }

    /// Ten in a row lock for a minute, doubling to an hour; a hundred switch it off.
    pub(super) fn wrong(&mut self, answer: Answer) -> Answer {
        self.failures += 1;
        if self.failures.is_multiple_of(10) {
            let minutes = (1_i64 << (self.failures / 10 - 1)).min(60);
            self.locked_until = Some(self.now + chrono::TimeDelta::minutes(minutes));
        }
        answer
    }

    fn stop(&mut self, ticket: usize) -> Answer {
        if self.tickets[ticket].stop_ends.is_some_and(|ends| ends <= self.now) {
            return not_found();
        }
        match (self.tickets[ticket].state, self.tickets[ticket].duplicate_of) {
            (State::Unconfirmed, _) => self.close(ticket, "not_me"),
            (State::Closed, Some(main)) if self.tickets[main].state != State::Closed => self.freeze(main),
            (State::Closed | State::Frozen, _) => {}
            _ => self.freeze(ticket),
        }
        done(200)
    }

    fn vouched(&mut self, right: bool) -> Answer {
        let Some(mut vouch) = self.vouch.clone() else { return not_found() };
        if vouch.answered || vouch.ends <= self.now {
            return not_found();
        }
        self.lapse(vouch.ticket);
        if vouch.manager != self.manager || self.is_fresh(self.manager_at) {
            return not_found();
        }
        if vouch.tries >= 5 {
            return too_many();
        }
        if !right {
            vouch.tries += 1;
            self.vouch = Some(vouch);
            return wrong_code();
        }
        let ticket = &mut self.tickets[vouch.ticket];
        if !matches!(ticket.state, State::Open | State::InReview | State::Waiting) {
            return conflict();
        }
        ticket.evidence.push(Evidence { method: "manager_vouch", passed: true, by: None, at: self.now });
        vouch.answered = true;
        self.vouch = Some(vouch);
        done(200)
    }
}
