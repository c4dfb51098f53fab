//! What a ticket stands among, kept in memory: evidence, approvals, keys, PIN and log, changed only by transitions.
//!
//! The rule: it judges by product.md's own words, with a reckoning of its own, and trusts nothing of the domain's.

use std::collections::BTreeSet;

use super::act::Act;
use super::seen::name;
use super::{enough, hours, noon, policy, ticket};
use crate::domain::Time;
use crate::domain::actor::{Owner, Rank, StaffActor};
use crate::domain::event::Action;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::StaffId;
use crate::domain::letter::Purpose;
use crate::domain::policy::{Policy, Tier};
use crate::domain::ticket::{Command, Effect, Parts, Problem, State, Ticket};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Pending,
    Active,
    Suspended,
    Revoked,
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) life: Life,
    pub(super) expires_at: Time,
}

#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) by: StaffId,
    rank: Rank,
    at: Time,
    tier: Tier,
}

pub(super) struct Model {
    pub(super) ticket: Ticket,
    pub(super) owner: Option<Owner>,
    pub(super) policy: Policy,
    pub(super) now: Time,
    pub(super) evidence: Vec<Evidence>,
    pub(super) approvals: Vec<Given>,
    pub(super) keys: Vec<Key>,
    pub(super) former: Life,
    pub(super) pin: bool,
    pub(super) entries: i32,
    pub(super) took_part: BTreeSet<StaffId>,
    pub(super) visited: BTreeSet<State>,
}

impl Model {
    pub(super) fn submitted(tier: Tier, owner: Option<Owner>, problem: Problem) -> Self {
        let tier = if owner.is_some() { Tier::Privileged } else { tier };
        let blank = Ticket {
            tier,
            problem,
            opened_at: noon(),
            version: 0,
            expires_at: None,
            ..ticket(State::Unconfirmed)
        };
        let parts = blank.submitted(&policy(), "help".into(), noon()).into_parts();
        Self {
            entries: i32::try_from(parts.events.len()).unwrap(),
            visited: BTreeSet::from([parts.ticket.state]),
            ticket: parts.ticket,
            owner,
            policy: policy(),
            now: noon(),
            evidence: Vec::new(),
            approvals: Vec::new(),
            keys: Vec::new(),
            former: Life::Active,
            pin: false,
            took_part: BTreeSet::new(),
        }
    }

    /// The act of a member of the staff (or of requester or machine) on what stands here.
    pub(super) fn act(&self, by: StaffActor) -> Act {
        Act {
            took_part: self.took_part.contains(&by.id),
            by,
            owner: self.owner.clone(),
            policy: self.policy.clone(),
            evidence: self.evidence.clone(),
            given: self.approvals.iter().map(|given| given.by.clone()).collect(),
            method: Method::Callback,
            outcome: Outcome::Passed,
            raise: false,
            from: None,
            key: "key",
            now: self.now,
        }
    }

    /// Gives a command; what is allowed is carried out here, what is refused leaves everything as it was.
    pub(super) fn give(&mut self, act: &Act, command: Command) -> bool {
        let Ok(transition) = act.perform(self.ticket.clone(), command) else { return false };
        self.carry_out(transition.into_parts(), &act.by);
        true
    }

    fn carry_out(&mut self, parts: Parts, by: &StaffActor) {
        assert_eq!(parts.from_version, self.ticket.version, "made for another version");
        self.judge_change(&parts);
        self.entries += i32::try_from(parts.events.len()).unwrap();
        if matches!(&parts.actor, crate::domain::actor::Actor::Staff(id) if *id == by.id) {
            self.took_part.insert(by.id.clone());
        }
        let makes_key = parts.effects.iter().any(|effect| name(effect) == "issue key");
        let sends_key = parts.mails.iter().any(|mail| mail.content.purpose() == Purpose::SetupKey);
        assert_eq!(makes_key, sends_key, "a key leaves by its letter, once");
        assert!(!sends_key || !parts.ticket.mailbox_due, "a key to a mailbox that has not spoken");
        let again = parts.events.iter().any(|event| event.action == Action::KeyReissued);
        self.ticket = parts.ticket;
        self.visited.insert(self.ticket.state);
        for effect in parts.effects {
            self.take(effect, by, again);
        }
        self.judge();
    }

    fn take(&mut self, effect: Effect, by: &StaffActor, again: bool) {
        match effect {
            Effect::AddApproval { by: id, .. } => self.approve(id, by),
            Effect::VoidApprovals => self.approvals.clear(),
            Effect::RecordEvidence(evidence, _) => self.evidence.push(evidence),
            Effect::VoidEvidence => self.evidence.retain(|one| one.outcome == Outcome::Failed),
            Effect::VoidMailboxEvidence => self.evidence.retain(|one| one.method != Method::MailboxCode),
            Effect::VoidEvidenceOf(id) => {
                self.evidence.retain(|one| one.outcome == Outcome::Failed || one.by.as_ref() != Some(&id));
            }
            Effect::AddRisk(_) | Effect::EndSessions { .. } => {}
            Effect::SetPin(_) => {
                assert!(self.is_satisfied(), "a PIN before the evidence");
                self.pin = true;
            }
            Effect::DropPin => self.pin = false,
            Effect::IssueKey(key) => self.issue(key.expires_at, again),
            Effect::KillKey => self.turn(Life::Pending, Life::Revoked),
            Effect::ActivateKey { .. } => {
                let pending: Vec<_> = self.keys.iter().filter(|key| key.life == Life::Pending).collect();
                assert!(pending.len() == 1 && pending[0].expires_at > self.now, "an old key goes live");
                self.turn(Life::Pending, Life::Active);
                self.former = Life::Revoked;
            }
            Effect::SuspendFormer => {
                assert_ne!(self.former, Life::Revoked);
                self.former = Life::Suspended;
            }
            Effect::SuspendKey => self.turn(Life::Active, Life::Suspended),
            Effect::RestoreKey => self.turn(Life::Suspended, Life::Active),
        }
    }

    fn turn(&mut self, from: Life, to: Life) {
        for key in self.keys.iter_mut().filter(|key| key.life == from) {
            key.life = to;
        }
    }

    fn approve(&mut self, id: StaffId, by: &StaffActor) {
        assert!(self.is_satisfied(), "approved without the evidence");
        assert!(!self.ticket.undecided, "approved while nobody knows whose request it is");
        assert!(by.stepped_up && by.id == id, "approved without a fresh code");
        assert!(self.pin || self.ticket.tier == Tier::Standard, "approved before the PIN was made");
        assert!(self.owner.as_ref().is_none_or(|owner| !owner.ids.contains(&id) && owner.rank <= by.rank));
        assert!(self.approvals.iter().all(|given| given.by != id), "one person approved twice");
        self.approvals.push(Given { by: id, rank: by.rank, at: self.now, tier: self.ticket.tier });
    }

    fn issue(&mut self, expires_at: Time, again: bool) {
        let (people, hold) = match self.ticket.tier {
            Tier::Standard => (1, hours(0)),
            Tier::Privileged => (2, hours(24)),
        };
        assert_eq!(self.approvals.len(), people, "a key that too few or too many approved");
        assert!(
            self.approvals.iter().all(|given| given.tier == self.ticket.tier),
            "approved in another tier"
        );
        assert!(self.approvals.iter().skip(1).all(|given| given.rank >= Rank::Approver));
        let last = self.approvals.last().unwrap().at;
        assert!(again || self.now >= last + hold, "a key before its hold was over");
        assert!(!again || self.is_satisfied(), "reissued on evidence that is gone");
        assert!(!again || expires_at <= last + hours(72), "a reissued key outlives its approval");
        assert!(expires_at > self.now && expires_at <= self.now + hours(24));
        self.keys.push(Key { life: Life::Pending, expires_at });
    }

    /// Whether the evidence is what product.md's table wants of the ticket's tier.
    pub(super) fn is_satisfied(&self) -> bool {
        let stands = |method: &Method| {
            let of_it: Vec<_> = self.evidence.iter().filter(|one| one.method == *method).collect();
            let after_failure =
                of_it.iter().rposition(|one| one.outcome == Outcome::Failed).map_or(0, |last| last + 1);
            of_it[after_failure..].iter().any(|one| self.now < one.at + hours(24))
        };
        let strong = [Method::InPerson, Method::VideoWithId, Method::ManagerVouch];
        let others = [Method::Callback, Method::RecoveryCode, Method::CurrentCode];
        let strong = strong.iter().filter(|method| stands(method)).count();
        let all = strong + others.iter().filter(|method| stands(method)).count();
        match self.ticket.tier {
            Tier::Standard => all >= enough(Tier::Standard).len(),
            Tier::Privileged => all >= 2 && strong >= 1,
        }
    }

    /// What no transition may do, whatever comes of it.
    fn judge_change(&self, next: &Parts) {
        let (before, after) = (&self.ticket, &next.ticket);
        assert!(after.tier >= before.tier, "the tier was lowered");
        assert!(after.reissues >= before.reissues && after.diagnoses >= before.diagnoses);
        assert!(
            after.address == before.address
                || next.events.iter().any(|event| event.action == Action::AccountChanged),
            "a key would go to another address, and nobody would know"
        );
        assert_eq!(after.version, before.version + i32::try_from(next.events.len()).unwrap());
        let stays = |but: &[State]| after.state == before.state || but.contains(&after.state);
        assert!(before.state != State::Closed || stays(&[]), "a closed ticket came back");
        assert!(before.state != State::Completed || stays(&[State::Frozen]), "completed, and then not");
        assert!(before.state != State::Frozen || stays(&[State::Closed, State::InReview, State::Completed]));
        if before.state == State::Closed {
            let version = after.version;
            assert_eq!(*after, Ticket { version, ..before.clone() }, "a closed ticket changed");
        }
    }

    /// What holds after every step.
    fn judge(&self) {
        use State::{
            Approved, AwaitingApproval, Completed, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting,
        };
        let ticket = &self.ticket;
        let state = ticket.state;
        let count = |life| self.keys.iter().filter(|key| key.life == life).count();
        assert_eq!(self.entries, ticket.version, "an audit entry for each version");
        assert_eq!(count(Life::Pending), usize::from(state == KeySent), "a pending key where none is sent");
        assert_eq!(
            count(Life::Active),
            usize::from(state == Completed),
            "an active key of no completed ticket"
        );
        let once_completed = state == Completed || ticket.frozen_from == Some(Completed);
        assert!(!matches!(state, AwaitingApproval | Approved | KeySent | Completed) || !ticket.undecided);
        let held = matches!(state, InReview | Waiting | AwaitingApproval | Approved | KeySent);
        assert!(!held || ticket.holder.is_some(), "nobody holds it");
        let ends = matches!(state, Unconfirmed | Waiting | AwaitingApproval | Approved | KeySent);
        assert_eq!(ticket.expires_at.is_some(), ends, "{state} has an end where it has none, or none");
        assert_eq!(ticket.due_at.is_some(), matches!(state, Open | InReview | AwaitingApproval));
        assert_eq!(ticket.due_left.is_some(), matches!(state, Waiting | Approved | KeySent));
        assert_eq!(ticket.frozen_from.is_some_and(|_| state == Frozen), state == Frozen);
        assert_eq!(ticket.reason.is_some(), state == State::Closed);
        assert!(ticket.reissues <= 3 && ticket.diagnoses <= 3);
        if state != State::Closed && !once_completed {
            let people = if ticket.tier == Tier::Standard { 1 } else { 2 };
            let given = match state {
                AwaitingApproval => 1,
                Approved | KeySent => people,
                _ => 0,
            };
            assert_eq!(self.approvals.len(), given, "approvals in {state}");
            assert_eq!(ticket.approved_at.is_some(), matches!(state, Approved | KeySent));
            assert_eq!(ticket.pin_made, self.pin, "a PIN that is remembered but gone");
            assert_ne!(self.former, Life::Revoked, "the former key ended before the new one was proven");
        }
    }
}
