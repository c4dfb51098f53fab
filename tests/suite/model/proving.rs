//! The reference, continued: the new key is proven on the ticket's page, or with the first sign-in at the host.

use super::command::{Change, Code, Typed};
use super::reference::{Answer, Key, Life, Reference, State, done, hours, refused};
use super::requester::{conflict, not_found, too_many, wrong_code};

impl Reference {
    pub fn pending(&self, ticket: usize) -> Option<usize> {
        self.keys.iter().position(|key| key.ticket == Some(ticket) && key.life == Life::Pending)
    }

    pub fn activate(&mut self, ticket: usize, by_letter: bool, code: Typed, proofs: [Typed; 3]) -> Answer {
        let main = if by_letter {
            let lives = |key: usize| self.keys[key].ends.is_some_and(|ends| ends > self.now);
            if !self.pending(ticket).is_some_and(lives) {
                return not_found();
            }
            ticket
        } else {
            match self.spoken_for(ticket) {
                Err(refusal) => return refusal,
                Ok(main) => main,
            }
        };
        if self.tickets[main].state != State::KeySent {
            return conflict();
        }
        if self.tickets[main].tries >= 10 || self.tickets[main].pin_tries >= 5 {
            return too_many();
        }
        self.lapse(main);
        if self.tickets[main].state != State::KeySent {
            return conflict();
        }
        self.try_key(main, code, proofs)
    }

    fn try_key(&mut self, ticket: usize, code: Typed, [pin, password, recovery]: [Typed; 3]) -> Answer {
        let one = &self.tickets[ticket];
        // A password of less than a day before the ticket proves nothing.
        let too_new = self.password_at.is_some_and(|at| at > one.opened - hours(24));
        let password = match password {
            Typed::Right if self.password_at.is_none() => Typed::Wrong,
            Typed::Right if too_new => Typed::Nothing,
            typed => typed,
        };
        let none_good = self.recovery_codes == 0 || self.frozen;
        let recovery = if recovery == Typed::Right && none_good { Typed::Wrong } else { recovery };
        let enough = |good: fn(Typed) -> bool| match (one.privileged, one.pin) {
            (true, _) => good(pin) && good(password),
            (false, true) => good(pin),
            (false, false) => good(password) || good(recovery),
        };
        if !enough(|typed| typed != Typed::Nothing) {
            return refused(403, "proof_required");
        }
        let proven = enough(|typed| typed == Typed::Right);
        let key = &self.keys[self.pending(ticket).unwrap()];
        let first = if one.privileged { self.step() - 1 } else { self.step() };
        let is_unused = key.last < first;
        if code == Typed::Right && proven && is_unused {
            self.complete(ticket);
            return done(200);
        }
        if !(code == Typed::Right && proven) {
            self.tickets[ticket].tries += 1;
            if pin == Typed::Wrong && self.tickets[ticket].pin {
                self.tickets[ticket].pin_tries += 1;
            }
        }
        wrong_code()
    }

    pub fn put(&mut self, change: Change) -> Answer {
        let open = self.open_ticket();
        let raises = match change {
            Change::Email | Change::Phone | Change::Manager => true,
            Change::Tier => {
                self.privileged = !self.privileged;
                self.privileged
            }
            Change::Nothing | Change::Name => false,
        };
        match change {
            Change::Email => {
                self.email_at = Some(self.now);
                self.address += 1;
                self.follow_all();
                return done(200);
            }
            Change::Phone => self.phone_at = Some(self.now),
            Change::Manager => {
                self.manager_at = Some(self.now);
                self.manager += 1;
            }
            _ => {}
        }
        let Some(open) = open else { return done(200) };
        if raises {
            self.tickets[open].privileged = true;
        }
        let first_approval = self.tickets[open].state == State::AwaitingApproval;
        if change != Change::Nothing && (change != Change::Name || first_approval) {
            self.undo(open);
        }
        done(200)
    }

    pub fn sign_in(&mut self, code: Code, first_factor: bool) -> Answer {
        let refuse = |reason: &str| Answer(200, reason.to_owned());
        if self.frozen {
            return refuse("locked");
        }
        if self.failures >= 100 {
            return refuse("off");
        }
        if self.is_locked() {
            return refuse("locked");
        }
        let none = refuse(if self.is_on { "locked" } else { "off" });
        if let Code::Recovery(right) = code {
            if !self.keys.iter().any(|key| key.life == Life::Active) {
                return none;
            }
            if !right || self.recovery_codes == 0 {
                return self.wrong(refuse("wrong"));
            }
            self.recovery_codes -= 1;
            self.right();
            return refuse("accepted");
        }
        let counts = |key: &Key| {
            key.life == Life::Active
                || (key.life == Life::Pending
                    && key.ticket.is_some()
                    && key.ends.is_some_and(|ends| ends > self.now))
        };
        if !self.keys.iter().any(counts) {
            return none;
        }
        let key = match code {
            Code::Current => self.current(),
            Code::Sent => self.sent(),
            _ => None,
        };
        let step = self.step();
        match key {
            Some(key) if self.keys[key].life == Life::Suspended => refuse("locked"),
            Some(key) if counts(&self.keys[key]) => {
                if self.keys[key].last >= step {
                    return refuse("used");
                }
                if self.keys[key].life == Life::Pending {
                    return self.sign_in_with_sent(key, first_factor);
                }
                self.keys[key].last = step;
                self.right();
                refuse("accepted")
            }
            _ => self.wrong(refuse("wrong")),
        }
    }

    pub fn right(&mut self) {
        self.failures = 0;
        self.locked_until = None;
    }

    fn sign_in_with_sent(&mut self, key: usize, first_factor: bool) -> Answer {
        let ticket = self.keys[key].ticket.unwrap();
        let one = &self.tickets[ticket];
        if first_factor && !one.privileged && !one.pin {
            self.complete(ticket);
            return Answer(200, "accepted".to_owned());
        }
        self.keys[key].last = self.step();
        Answer(200, "inactive".to_owned())
    }

    /// The key that works, or would.
    pub fn current(&self) -> Option<usize> {
        self.keys.iter().rposition(|key| matches!(key.life, Life::Active | Life::Suspended))
    }

    /// The key that was sent last, whatever became of it.
    pub fn sent(&self) -> Option<usize> {
        self.keys.iter().rposition(|key| key.ticket.is_some() && key.arrived)
    }
}
