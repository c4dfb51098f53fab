//! Evidence on a ticket: what staff record, what the machine records, and what a change of it undoes.

use secrecy::SecretString;

use super::{Command, Effect, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::{Actor, Owner, Rank, StaffActor};
use crate::domain::event::{Action, Event};
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::EvidenceId;
use crate::domain::policy::{Missing, Policy};
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;

/// A verification as staff record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffEvidence {
    /// Its identifier.
    pub id: EvidenceId,
    /// By which method.
    pub method: Method,
    /// How it ended.
    pub outcome: Outcome,
    /// What the agent noted.
    pub note: String,
}

/// What a change has undone.
#[must_use]
pub(super) enum Undone {
    Nothing,
    Approvals,
    Key,
}

impl Undone {
    pub(super) fn complete(self, transition: Transition, why: &'static str) -> Transition {
        match self {
            Self::Nothing => transition,
            Self::Approvals => transition.void_approvals(why),
            Self::Key => transition.void_approvals(why).effect(Effect::KillKey),
        }
    }
}

impl Ticket {
    /// Staff record a verification; only `callback`, `video_with_id` and `in_person` are theirs to record.
    ///
    /// Any change of evidence voids approvals; a failure raises the tier, and a key that was sent dies with it, as
    /// does a PIN: whoever was told it may be the one who was not recognised.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `Invalid`, `FailedBefore`.
    pub fn record_evidence(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        former: &[Evidence],
        new: StaffEvidence,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::Evidence)?;
        self.require_holder(by)?;
        if !new.method.is_recorded_by_staff() {
            return Err(Rejection::Invalid("this method is recorded by the program when it happens"));
        }
        let failed_before = former.iter().any(|one| {
            one.method == new.method && one.outcome == Outcome::Failed && one.by.as_ref() == Some(&by.id)
        });
        if failed_before && new.outcome == Outcome::Passed {
            return Err(Rejection::FailedBefore);
        }
        let undone = match new.outcome {
            Outcome::Failed => {
                self.pin_made = false;
                self.raise_and_fall_back(policy, now)
            }
            Outcome::Passed => self.fall_back_before_key(policy, now),
        };
        let event = Event::new(Action::EvidenceRecorded)
            .with("method", new.method.as_str())
            .with("outcome", new.outcome.as_str());
        // Where the clock was put back in between, a failure still takes back what was passed before it.
        let at = match new.outcome {
            Outcome::Failed => former.iter().map(|one| one.at).fold(now, Time::max),
            Outcome::Passed => now,
        };
        let by_them = Some(by.id.clone());
        let evidence = Evidence { id: new.id, method: new.method, outcome: new.outcome, by: by_them, at };
        let mut transition = Transition::new(self, Actor::Staff(by.id.clone()), now, event)
            .effect(Effect::RecordEvidence(evidence, new.note));
        if new.outcome == Outcome::Failed {
            transition = transition.effect(Effect::AddRisk(Risk::FailedEvidence)).effect(Effect::DropPin);
        }
        Ok(undone.complete(transition, "evidence"))
    }

    /// The machine records what the requester, or the manager on file, has just proven.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn proven(self, method: Method, id: EvidenceId, now: Time) -> Result<Transition, Rejection> {
        let command = if method == Method::ManagerVouch { Command::Vouch } else { Command::Prove };
        self.require_in_time(command, now)?;
        let event = Event::new(Action::EvidenceRecorded)
            .with("method", method.as_str())
            .with("outcome", Outcome::Passed.as_str());
        let evidence = Evidence { id, method, outcome: Outcome::Passed, by: None, at: now };
        Ok(Transition::new(self, Actor::Requester, now, event)
            .effect(Effect::RecordEvidence(evidence, String::new())))
    }

    /// Whether the manager on file may be asked by this member of the staff now.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`.
    pub fn ask_vouch(
        self,
        by: &StaffActor,
        owner: Option<&Owner>,
        now: Time,
    ) -> Result<Transition, Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require(Command::AskVouch)?;
        self.require_holder(by)?;
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::VouchAsked)))
    }

    /// Whether a PIN may take the place of another one though the key is sent: once that was issued anew. A first PIN
    /// would make untrue what the email with the key says.
    #[must_use]
    pub fn renews_pin(&self) -> bool {
        self.state == State::KeySent && self.pin_made && self.reissues > 0
    }

    /// Whether the holder may make a PIN now: only once the evidence is there, and after the approval only with a fresh
    /// code of their own.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `PolicyNotMet`, `StepUpRequired`.
    pub fn may_make_pin(
        &self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        evidence: &[Evidence],
        now: Time,
    ) -> Result<(), Rejection> {
        by.may_act(Rank::Agent, owner)?;
        self.require_in_time(if self.renews_pin() { Command::Reissue } else { Command::MakePin }, now)?;
        self.require_holder(by)?;
        let missing = policy.tier(self.tier).missing(evidence, policy.evidence_lifetime, now);
        if !missing.is_empty() {
            return Err(Rejection::PolicyNotMet(missing));
        }
        if self.renews_pin() && !by.stepped_up { Err(Rejection::StepUpRequired) } else { Ok(()) }
    }

    /// The holder makes a PIN; a former one dies.
    ///
    /// # Errors
    /// As [`Ticket::may_make_pin`].
    pub fn make_pin(
        mut self,
        by: &StaffActor,
        owner: Option<&Owner>,
        policy: &Policy,
        evidence: &[Evidence],
        hash: SecretString,
        now: Time,
    ) -> Result<Transition, Rejection> {
        self.may_make_pin(by, owner, policy, evidence, now)?;
        self.pin_made = true;
        Ok(Transition::new(self, Actor::Staff(by.id.clone()), now, Event::new(Action::PinMade))
            .effect(Effect::SetPin(hash)))
    }

    /// What an approval still lacks, in the ticket's own tier.
    #[must_use]
    pub fn missing(&self, policy: &Policy, evidence: &[Evidence], now: Time) -> Vec<Missing> {
        let tier = policy.tier(self.tier);
        let mut missing = tier.missing(evidence, policy.evidence_lifetime, now);
        if self.undecided {
            missing.push(Missing::RequestDecision);
        }
        if self.mailbox_due {
            missing.push(Missing::Mailbox);
        }
        if tier.proof == crate::domain::policy::ProofRule::PinAndPassword && !self.pin_made {
            missing.push(Missing::Pin);
        }
        missing
    }

    /// Raises the tier; whatever was approved or sent under the lower one is undone.
    pub(super) fn raise_and_fall_back(&mut self, policy: &Policy, now: Time) -> Undone {
        self.raise();
        self.fall_back(policy, now)
    }

    /// Undoes what was approved or sent: back to the holder.
    pub(super) fn fall_back(&mut self, policy: &Policy, now: Time) -> Undone {
        if self.state == State::KeySent {
            self.back_to_review(policy, now);
            return Undone::Key;
        }
        self.fall_back_before_key(policy, now)
    }

    fn fall_back_before_key(&mut self, policy: &Policy, now: Time) -> Undone {
        if matches!(self.state, State::AwaitingApproval | State::Approved) {
            self.back_to_review(policy, now);
            return Undone::Approvals;
        }
        Undone::Nothing
    }
}
