//! What comes next on the road, by the right person: without it random walks would never get far.

use super::command::{Act, Code, Command, Typed, Who};
use super::reference::{Reference, State};

/// The next step, or the time until which there is nothing to do but wait.
pub enum Next {
    Say(Command),
    WaitUntil(super::reference::Time),
}

impl Reference {
    pub fn next(&self) -> Next {
        let Some(ticket) = self.open_ticket() else { return Next::Say(self.begin()) };
        let one = &self.tickets[ticket];
        let holder = one.holder.unwrap_or_else(|| self.agent());
        let staff = |who, act| Next::Say(Command::Staff { who, ticket, act });
        match one.state {
            State::Open => staff(self.agent(), Act::Claim),
            State::Waiting => Next::Say(Command::Answer(ticket)),
            State::InReview if !self.is_in_reach_of(holder) => {
                staff(Who::Alan, Act::TakeOver { stale: false })
            }
            State::AwaitingApproval => {
                let second = [Who::Alan, Who::Barbara].into_iter().find(|who| !one.approvals.contains(who));
                self.stepped(second.unwrap(), ticket, Act::Approve)
            }
            State::Approved => Next::WaitUntil(one.ends.unwrap()),
            // Of some, the letter is lost at first.
            State::KeySent
                if one.reissues < u32::from(ticket % 2 == 1) && self.missing(ticket).is_empty() =>
            {
                self.stepped(holder, ticket, Act::Reissue)
            }
            State::KeySent => Next::Say(self.prove_key(ticket)),
            State::Frozen => {
                let thaws =
                    [Who::Barbara, Who::Margaret].into_iter().find(|who| !one.took_part.contains(who));
                match thaws {
                    Some(who) => staff(who, Act::Thaw),
                    None => self.stepped(Who::Barbara, ticket, Act::Close),
                }
            }
            _ => self.review(holder, ticket),
        }
    }

    /// Who takes up a request.
    fn agent(&self) -> Who {
        if self.of_staff { Who::Alan } else { Who::Grace }
    }

    fn begin(&self) -> Command {
        let last = self.tickets.len().checked_sub(1);
        match last.filter(|last| self.tickets[*last].state == State::Unconfirmed) {
            Some(ticket) => match self.tickets[ticket].mailbox {
                Some((ends, tries)) if ends > self.now && tries < 5 => {
                    Command::Confirm { ticket, right: true }
                }
                _ => Command::Staff { who: self.agent(), ticket, act: Act::Claim },
            },
            None if self.tickets.len() < 4 => Command::Open { stolen: false },
            None => Command::SignIn { code: Code::Current, first_factor: true },
        }
    }

    fn review(&self, holder: Who, ticket: usize) -> Next {
        let one = &self.tickets[ticket];
        let by_holder = |act| Next::Say(Command::Staff { who: holder, ticket, act });
        if one.undecided {
            let second = self.tickets.iter().position(|other| other.duplicate_of == Some(ticket));
            return by_holder(Act::Keep(if ticket == 0 { second.unwrap_or(ticket) } else { ticket }));
        }
        if !self.evidence_missing(ticket).is_empty() {
            let failed = |method: &&str| {
                one.evidence.iter().any(|one| one.method == *method && !one.passed && one.by == Some(holder))
            };
            let stands = |method: &&str| {
                let lately = |at| self.now < at + super::reference::hours(24);
                one.evidence.iter().any(|one| one.method == *method && one.passed && lately(one.at))
            };
            let methods = ["in_person", "callback", "video_with_id"];
            let fit = |method: &&str| *method != "callback" || !self.is_fresh(self.phone_at);
            let method = methods.into_iter().filter(fit).find(|method| !failed(method) && !stands(method));
            return match method {
                Some(method) => by_holder(Act::Evidence { method, passed: true }),
                None => {
                    Next::Say(Command::Staff { who: Who::Alan, ticket, act: Act::TakeOver { stale: false } })
                }
            };
        }
        let wants_pin = one.privileged || ticket.is_multiple_of(2);
        if wants_pin && !one.pin { by_holder(Act::Pin) } else { self.stepped(holder, ticket, Act::Approve) }
    }

    fn stepped(&self, who: Who, ticket: usize, act: Act) -> Next {
        let stands = self.stepped_up.get(&who).is_some_and(|until| *until > self.now);
        Next::Say(if stands { Command::Staff { who, ticket, act } } else { Command::StepUp(who) })
    }

    fn prove_key(&self, ticket: usize) -> Command {
        let one = &self.tickets[ticket];
        let only_at_sign_in = !one.privileged && !one.pin && self.password_at.is_none();
        if only_at_sign_in && self.recovery_codes == 0 {
            return Command::SignIn { code: Code::Sent, first_factor: true };
        }
        Command::Activate {
            ticket,
            by_letter: one.reissues > 0,
            code: Typed::Right,
            pin: if one.pin { Typed::Right } else { Typed::Nothing },
            password: Typed::Right,
            recovery: Typed::Right,
        }
    }
}
