//! The reference, continued: the host's own page, where a person sets two-factor authentication up, or off.

use super::reference::{Answer, Key, Life, Reference, done, hours, refused};
use super::requester::{not_found, too_many, wrong_code};

impl Reference {
    /// The key that waits for its first code at the host's page.
    pub fn enrolling(&self) -> Option<usize> {
        let waits = |key: &Key| key.ticket.is_none() && key.life == Life::Pending;
        self.keys.iter().position(|key| waits(key) && key.ends.is_some_and(|ends| ends > self.now))
    }

    /// What the host reads of the account.
    pub fn two_factor(&self) -> &'static str {
        match (self.is_on, self.enrolling()) {
            (true, _) => "on",
            (false, Some(_)) => "pending",
            (false, None) => "off",
        }
    }

    pub fn kill_enrolment(&mut self) {
        for key in self.keys.iter_mut().filter(|key| key.ticket.is_none() && key.life == Life::Pending) {
            key.life = Life::Revoked;
        }
    }

    pub fn begin_enrolment(&mut self, right: bool) -> Answer {
        if let Some(refusal) = self.takes_no_code() {
            return refusal;
        }
        if self.is_on
            && let Some(refusal) = self.prove_active(right)
        {
            return refusal;
        }
        self.kill_enrolment();
        let ends = Some(self.now + hours(24));
        self.keys.push(Key { life: Life::Pending, ticket: None, ends, last: i64::MIN, arrived: true });
        done(201)
    }

    pub fn confirm_enrolment(&mut self, right: bool) -> Answer {
        let Some(key) = self.enrolling() else { return not_found() };
        if let Some(refusal) = self.takes_no_code() {
            return refusal;
        }
        if !right {
            return self.wrong(wrong_code());
        }
        self.end_active();
        self.right();
        let step = self.step();
        (self.keys[key].life, self.keys[key].last) = (Life::Active, step);
        self.is_on = true;
        self.recovery_codes = 10;
        done(200)
    }

    pub fn turn_off(&mut self, right: bool) -> Answer {
        if !self.is_on {
            return not_found();
        }
        if let Some(refusal) = self.takes_no_code().or_else(|| self.prove_active(right)) {
            return refusal;
        }
        self.end_active();
        self.kill_enrolment();
        self.is_on = false;
        self.recovery_codes = 0;
        done(204)
    }

    /// Where the account is stopped, a key is suspended or the codes are locked, none is looked at.
    pub(super) fn takes_no_code(&self) -> Option<Answer> {
        if self.frozen || self.keys.iter().any(|key| key.life == Life::Suspended) {
            return Some(refused(403, "proof_required"));
        }
        self.is_locked().then(too_many)
    }

    /// A code of the key that works; what is refused, where it is no proof.
    fn prove_active(&mut self, right: bool) -> Option<Answer> {
        let step = self.step();
        let Some(key) = self.keys.iter_mut().find(|key| key.life == Life::Active) else {
            return Some(refused(403, "proof_required"));
        };
        if !right {
            return Some(self.wrong(wrong_code()));
        }
        if key.last >= step {
            return Some(wrong_code());
        }
        key.last = step;
        self.right();
        None
    }

    fn end_active(&mut self) {
        for key in self.keys.iter_mut().filter(|key| key.life == Life::Active) {
            key.life = Life::Revoked;
        }
    }
}
