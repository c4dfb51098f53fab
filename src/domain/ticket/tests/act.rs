//! One command with everything that it is judged by, so that a test changes a single thing of a perfect act.

use super::{admin, agent, approver, enough, key, noon, passed, pin};
use crate::domain::Time;
use crate::domain::actor::{Actor, Owner, StaffActor};
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{EvidenceId, StaffId, TicketId};
use crate::domain::policy::{Policy, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{
    Approving, CloseReason, Command, KeyMaterial, Part, Proven, StaffEvidence, State, Ticket, Transition,
};

/// Who acts, when, and on what grounds.
#[derive(Clone)]
pub(super) struct Act {
    pub(super) by: StaffActor,
    pub(super) owner: Option<Owner>,
    pub(super) policy: Policy,
    pub(super) evidence: Vec<Evidence>,
    pub(super) given: Vec<StaffId>,
    pub(super) took_part: bool,
    pub(super) method: Method,
    pub(super) outcome: Outcome,
    pub(super) raise: bool,
    pub(super) from: Option<i32>,
    pub(super) key: &'static str,
    pub(super) now: Time,
}

impl Act {
    /// The right person at the right time, with all the evidence that the ticket wants and a fresh code.
    pub(super) fn perfect(ticket: &Ticket, command: Command) -> Self {
        let by = match command {
            Command::TakeOver => approver(),
            Command::Thaw => admin(),
            Command::Approve if ticket.state == State::AwaitingApproval => approver(),
            Command::Close if ticket.state == State::Frozen => admin(),
            _ => agent(),
        };
        let mut evidence = enough(ticket.tier);
        evidence.push(passed(Method::MailboxCode));
        let given = if ticket.state == State::AwaitingApproval { vec![agent().id] } else { Vec::new() };
        let now = match command {
            Command::Expire => ticket.expires_at.unwrap_or(noon()),
            _ => noon(),
        };
        Self {
            by,
            owner: None,
            policy: super::policy(),
            evidence,
            given,
            took_part: false,
            method: Method::VideoWithId,
            outcome: Outcome::Passed,
            raise: true,
            from: None,
            key: "key",
            now,
        }
    }

    pub(super) fn key(&self) -> KeyMaterial {
        key(self.key)
    }

    fn approving(&self) -> Approving<'_> {
        Approving {
            by: &self.by,
            owner: self.owner.as_ref(),
            policy: &self.policy,
            evidence: &self.evidence,
            given: &self.given,
        }
    }

    fn staff_evidence(&self) -> StaffEvidence {
        StaffEvidence {
            id: EvidenceId::new("new evidence"),
            method: self.method,
            outcome: self.outcome,
            note: "a note".into(),
        }
    }

    /// Gives the command through the real transition. Every command has its arm.
    pub(super) fn perform(&self, ticket: Ticket, command: Command) -> Result<Transition, Rejection> {
        let (by, owner, policy, now) = (&self.by, self.owner.as_ref(), &self.policy, self.now);
        match command {
            Command::Confirm => ticket.confirm(Method::MailboxCode, EvidenceId::new("mailbox"), policy, now),
            Command::Return => ticket.returned(now),
            Command::SecondRequest => ticket.second_request(&TicketId::new("second"), policy, now),
            Command::Claim => ticket.claim(by, owner, policy, now),
            Command::TakeOver => {
                let from = self.from.unwrap_or(ticket.version);
                ticket.take_over(by, owner, from, now)
            }
            Command::Release => ticket.release(by, owner, policy, now),
            Command::Ask => ticket.ask(by, owner, policy, "which phone?".into(), now),
            Command::Answer => ticket.answer(policy, "this one".into(), now),
            Command::Resume => ticket.resume(by, owner, policy, now),
            Command::Reply => ticket.reply(by, owner, "soon".into(), now),
            Command::Note => ticket.note(by, owner, "called".into(), now),
            Command::Evidence => {
                ticket.record_evidence(by, owner, policy, &self.evidence, self.staff_evidence(), now)
            }
            Command::Prove => ticket.proven(Method::RecoveryCode, EvidenceId::new("proven"), now),
            Command::AskVouch => ticket.ask_vouch(by, owner, now),
            Command::Vouch => ticket.proven(Method::ManagerVouch, EvidenceId::new("vouched"), now),
            Command::MakePin => ticket.make_pin(by, owner, policy, &self.evidence, pin(), now),
            Command::Flag => ticket.flag(by, owner, policy, "in a great hurry", now),
            Command::KeepRequest => ticket.keep_request(by, owner, TicketId::new("ticket"), now),
            Command::Diagnose => ticket.diagnosed("no_match", Vec::new(), now),
            Command::Approve => ticket.approve(&self.approving(), "known by voice".into(), now),
            Command::Issue => ticket.issue(policy, self.key(), now),
            Command::Reissue => ticket.reissue(&self.approving(), self.key(), "letter was deleted", now),
            Command::Activate => {
                ticket.activate(Proven { step: 77, by: Actor::Requester, session: None }, now)
            }
            Command::Bounce => ticket.bounce(policy, now),
            Command::AccountChange => ticket.account_changed("email", self.raise, policy, now),
            Command::AddressChange => ticket.address_changed("ada@new.example".into(), policy, now),
            Command::ShutOut => {
                let part = Part { approved: true, verified: true, knows_pin: true };
                ticket.staff_shut_out(&super::agent().id, part, policy, now)
            }
            Command::Reject => ticket.reject(by, owner, "not convincing", now),
            Command::Withdraw => ticket.withdraw(now),
            Command::Close => ticket.close(by, owner, CloseReason::Solved, "codes work", now),
            Command::Freeze => ticket.freeze(Actor::Requester, "this wasn't me", now),
            Command::Thaw => ticket.thaw(by, owner, self.took_part, policy, "it was them", now),
            Command::Expire => ticket.expire(policy, now),
        }
    }
}

/// A perfect act of the command, at noon, on the ticket.
pub(super) fn perform(ticket: Ticket, command: Command) -> Result<Transition, Rejection> {
    Act::perfect(&ticket, command).perform(ticket, command)
}

/// The command with one thing about the act changed.
pub(super) fn perform_but(
    ticket: Ticket,
    command: Command,
    change: impl FnOnce(&mut Act),
) -> Result<Transition, Rejection> {
    let mut act = Act::perfect(&ticket, command);
    change(&mut act);
    act.perform(ticket, command)
}

/// A ticket of the tier in the state, as the tests of a whole state want it.
pub(super) fn of_tier(tier: Tier, state: State) -> Ticket {
    match tier {
        Tier::Standard => super::ticket(state),
        Tier::Privileged => super::privileged(state),
    }
}
