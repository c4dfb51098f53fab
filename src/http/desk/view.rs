//! A ticket as the page needs it: what the one who looks may do, and the evidence as a list of tasks.
//!
//! The rule: what is offered here is a courtesy; the workflows decide.

use super::me::Me;
use super::words::{self, Say};
use crate::domain::actor::Rank;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::policy::{Missing, Policy};
use crate::domain::ticket::{Command, State};
use crate::workflow::desk::{DeskTicket, EvidenceSeen, MethodSeen};

/// What the one who looks may do.
#[expect(clippy::struct_excessive_bools, reason = "each is one button of the page")]
#[derive(Default)]
pub(super) struct May {
    pub(super) claim: bool,
    pub(super) take_over: bool,
    pub(super) release: bool,
    pub(super) resume: bool,
    pub(super) ask: bool,
    pub(super) reply: bool,
    pub(super) note: bool,
    pub(super) evidence: bool,
    pub(super) pin: bool,
    pub(super) vouch: bool,
    pub(super) keep: bool,
    pub(super) approve: bool,
    pub(super) reissue: bool,
    pub(super) reject: bool,
    pub(super) close: bool,
    pub(super) freeze: bool,
    pub(super) thaw: bool,
    pub(super) flag: bool,
}

impl May {
    pub(super) fn of(me: &Me, ticket: &DeskTicket, policy: &Policy) -> Self {
        if ticket.is_out_of_reach {
            return Self::default();
        }
        let state = ticket.row.state;
        let allows = |command: Command| command.states().contains(&state);
        let (rank, holds) = (me.session.actor.rank, ticket.row.is_mine);
        let holds_or_above = holds || rank >= Rank::Approver || ticket.row.holder.is_none();
        let is_met = ticket.policy.missing.is_empty();
        let is_second = state == State::AwaitingApproval;
        let approves = if is_second {
            rank >= Rank::Approver && !ticket.approvals.iter().any(|given| given.is_own)
        } else {
            holds
        };
        Self {
            claim: allows(Command::Claim),
            take_over: allows(Command::TakeOver) && !holds && rank >= Rank::Approver,
            release: allows(Command::Release) && holds_or_above,
            resume: allows(Command::Resume) && holds,
            ask: allows(Command::Ask) && holds,
            reply: allows(Command::Reply),
            note: allows(Command::Note),
            evidence: allows(Command::Evidence) && holds,
            pin: (allows(Command::MakePin) || ticket.renews_pin)
                && holds
                && has_evidence(&ticket.policy.missing),
            vouch: allows(Command::AskVouch) && holds,
            keep: allows(Command::KeepRequest)
                && holds
                && (ticket.is_undecided || !ticket.requests.is_empty()),
            approve: allows(Command::Approve) && approves && is_met,
            reissue: allows(Command::Reissue) && holds && is_met && ticket.reissues < policy.reissues,
            reject: allows(Command::Reject) && holds_or_above,
            close: allows(Command::Close)
                && holds_or_above
                && (state != State::Frozen || rank >= Rank::Admin),
            freeze: allows(Command::Freeze) && state != State::Frozen,
            thaw: allows(Command::Thaw) && rank >= Rank::Admin,
            flag: allows(Command::Flag),
        }
    }

    /// Whether the ticket can be brought to an end, or stopped.
    pub(super) fn ends(&self) -> bool {
        self.reject || self.close || self.freeze || self.thaw || self.flag
    }
}

/// Whether the methods that the policy asks for are there.
pub(super) fn has_evidence(missing: &[Missing]) -> bool {
    !missing.iter().any(|one| matches!(one, Missing::Independent | Missing::Strong))
}

/// A method of the policy, as a task.
pub(super) struct Task<'a> {
    /// Which.
    pub(super) method: Method,
    /// Whether it has passed, and counts.
    pub(super) is_passed: bool,
    /// Why it cannot be used here.
    pub(super) obstacle: Option<&'static str>,
    /// What was recorded of it, oldest first.
    pub(super) recorded: Vec<&'a EvidenceSeen>,
    /// Whether the staff record it, and may now.
    pub(super) has_form: bool,
    /// Whether it would be the last that is missing, so that the PIN is made with it.
    pub(super) completes: bool,
}

impl Task<'_> {
    pub(super) fn word(&self) -> &'static str {
        self.method.as_str()
    }

    pub(super) fn label(&self) -> &'static str {
        self.method.say()
    }

    pub(super) fn how(&self) -> &'static str {
        words::how(self.method)
    }

    pub(super) fn is_strong(&self) -> bool {
        self.method.is_strong()
    }

    pub(super) fn is_callback(&self) -> bool {
        self.method == Method::Callback
    }

    pub(super) fn is_vouch(&self) -> bool {
        self.method == Method::ManagerVouch
    }

    pub(super) fn has_failed(&self) -> bool {
        self.recorded.last().is_some_and(|last| last.evidence.outcome == Outcome::Failed)
    }
}

/// The methods of the policy in the order of its list, then whatever else was recorded.
pub(super) fn tasks<'a>(ticket: &'a DeskTicket, may: &May) -> Vec<Task<'a>> {
    let of = |method: Method| ticket.evidence.iter().filter(|one| one.evidence.method == method).collect();
    let known = ticket.policy.methods.iter().map(|seen| Task {
        method: seen.method,
        is_passed: seen.is_passed,
        obstacle: seen.obstacle,
        recorded: of(seen.method),
        has_form: may.evidence && seen.method.is_recorded_by_staff() && seen.obstacle.is_none(),
        completes: makes_pins(ticket.row.state) && completes(ticket, seen),
    });
    let other = [Method::MailboxCode, Method::HostSession].into_iter().map(|method| Task {
        method,
        is_passed: true,
        obstacle: None,
        recorded: of(method),
        has_form: false,
        completes: false,
    });
    other.filter(|task| !task.recorded.is_empty()).chain(known).collect()
}

/// Whether a verification that passes leaves the ticket where a PIN can be made.
fn makes_pins(state: State) -> bool {
    matches!(state, State::InReview | State::AwaitingApproval | State::Approved)
}

/// Whether the evidence would be complete if this method passed.
fn completes(ticket: &DeskTicket, with: &MethodSeen) -> bool {
    let passed = |only_strong: bool| {
        let methods = ticket.policy.methods.iter();
        let counts = |one: &&MethodSeen| one.is_passed || one.method == with.method;
        methods.filter(counts).filter(|one| !only_strong || one.method.is_strong()).count()
    };
    passed(false) >= ticket.policy.independent && passed(true) >= ticket.policy.strong
}
