//! A ticket as staff see it, on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::desk_tickets::Row;
use super::wire::{Method, Missing, Outcome, Pairs, Proof, Risk as RiskWord, Stamp, Tier, TwoFactor};
use crate::workflow::desk;

/// An account: in full for the holder, approvers and admins; only the masked address and the application for others.
#[derive(Serialize, ToSchema)]
#[schema(as = DeskAccount)]
pub(super) struct Account {
    /// Whether everything but the masked address is left out.
    masked: bool,
    /// The address on file, perhaps masked.
    email: String,
    /// The application that it belongs to, where more than one is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The host's name for the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// The number that may be called: on file, and not new.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// The manager on file.
    #[serde(skip_serializing_if = "Option::is_none")]
    manager_email: Option<String>,
    /// Whether the host asks for codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    two_factor: Option<TwoFactor>,
    /// The tier that the host gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    /// When it was first put.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Stamp>,
}

impl From<desk::AccountSeen> for Account {
    fn from(seen: desk::AccountSeen) -> Self {
        let (masked, email, application) = (seen.is_masked, seen.email, seen.application);
        let nothing = Self {
            masked,
            email,
            application,
            name: None,
            external_id: None,
            phone: None,
            manager_email: None,
            two_factor: None,
            tier: None,
            created_at: None,
        };
        let Some(full) = seen.full else { return nothing };
        Self {
            name: Some(full.name),
            external_id: Some(full.external_id),
            phone: full.phone,
            manager_email: full.manager_email,
            two_factor: Some(TwoFactor(full.two_factor)),
            tier: Some(Tier(full.tier)),
            created_at: Some(Stamp(full.created_at)),
            ..nothing
        }
    }
}

/// A risk signal.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskSeen)]
pub(super) struct Risk {
    /// Which.
    signal: RiskWord,
    /// The reason, in a sentence.
    sentence: &'static str,
    /// Whether it makes the ticket privileged.
    raises: bool,
    /// Since when it is known.
    at: Stamp,
}

/// One verification.
#[derive(Serialize, ToSchema)]
#[schema(as = EvidenceSeen)]
pub(super) struct Evidence {
    /// By which method.
    method: Method,
    /// How it ended.
    outcome: Outcome,
    /// Who recorded it; none where the machine did.
    #[schema(required)]
    by: Option<String>,
    /// What was noted.
    note: String,
    /// When.
    at: Stamp,
}

/// A method of the policy on this ticket.
#[derive(Serialize, ToSchema)]
#[schema(as = MethodSeen)]
pub(super) struct MethodSeen {
    /// Which.
    method: Method,
    /// Whether it has passed and still counts.
    passed: bool,
    /// Why it cannot be used here, if it cannot.
    #[schema(required)]
    obstacle: Option<&'static str>,
}

/// The policy of the ticket's tier, against what there is.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicySeen)]
pub(super) struct Policy {
    /// Whether the ticket may be approved.
    met: bool,
    /// What is still missing.
    missing: Vec<Missing>,
    /// How many independent methods it asks for.
    independent: usize,
    /// How many of them must be strong.
    strong: usize,
    /// How many persons approve.
    people: usize,
    /// Hours between approval and key.
    hold_hours: i64,
    /// The accepted methods.
    methods: Vec<MethodSeen>,
}

/// An approval that counts.
#[derive(Serialize, ToSchema)]
pub(super) struct Approval {
    /// By whom.
    by: String,
    /// Why.
    reason: String,
    /// When.
    at: Stamp,
}

/// An email about the ticket.
#[derive(Serialize, ToSchema)]
#[schema(as = LetterSeen)]
pub(super) struct Letter {
    /// What it is for.
    purpose: String,
    /// Where it goes, masked.
    to: String,
    /// `queued`, `accepted`, `deferred`, `bounced` or `dead`.
    state: String,
    /// Since when.
    at: Stamp,
    /// Why it was not accepted.
    #[schema(required)]
    error: Option<String>,
}

/// Another confirmed request for the account.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestSeen)]
pub(super) struct Request {
    /// What it is called.
    reference: String,
    /// When it was submitted.
    opened_at: Stamp,
    /// Whether it was recorded as the person's own.
    kept: bool,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = DeskMoment)]
pub(super) struct Moment {
    /// When.
    at: Stamp,
    /// `event`, `message` or `letter`.
    kind: &'static str,
    /// An action, a kind of message, or a letter's purpose.
    what: String,
    /// Who: a name, or `requester`, `host`, `machine`, `console`.
    by: String,
    /// What was written.
    #[schema(required)]
    text: Option<String>,
    /// Particulars.
    details: Pairs,
}

/// A ticket with all that stands on it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Serialize, ToSchema)]
pub(super) struct DeskTicket {
    #[serde(flatten)]
    row: Row,
    /// When it was confirmed.
    #[schema(required)]
    confirmed_at: Option<Stamp>,
    /// When the last approval was given.
    #[schema(required)]
    approved_at: Option<Stamp>,
    /// How often the key was issued anew.
    reissues: i32,
    /// Whether a PIN was made.
    pin_made: bool,
    /// What activation asks for beside the code.
    proof: Proof,
    /// Signals, oldest first.
    risks: Vec<Risk>,
    /// Verifications that count, oldest first.
    evidence: Vec<Evidence>,
    /// What the policy asks for.
    policy: Policy,
    /// Approvals that count.
    approvals: Vec<Approval>,
    /// Letters, oldest first.
    letters: Vec<Letter>,
    /// Other confirmed requests for the account, newest first: 20 at most, and the one that was kept.
    requests: Vec<Request>,
    /// Whether there are more of them.
    requests_cut: bool,
    /// Whether it still has to be recorded which request is the person's own.
    undecided: bool,
    /// What trying codes has found last.
    diagnosis: Pairs,
    /// Everything that happened, in order.
    timeline: Vec<Moment>,
    /// Whether the one who asks may not act: their own account, or that of a higher rank.
    out_of_reach: bool,
}

impl From<desk::DeskTicket> for DeskTicket {
    fn from(seen: desk::DeskTicket) -> Self {
        Self {
            row: seen.row.into(),
            confirmed_at: seen.confirmed_at.map(Stamp),
            approved_at: seen.approved_at.map(Stamp),
            reissues: seen.reissues,
            pin_made: seen.is_pin_made,
            proof: Proof(seen.proof),
            risks: all(seen.risks),
            evidence: all(seen.evidence),
            policy: seen.policy.into(),
            approvals: all(seen.approvals),
            letters: all(seen.letters),
            requests: all(seen.requests),
            requests_cut: seen.is_requests_cut,
            undecided: seen.is_undecided,
            diagnosis: Pairs(seen.diagnosis),
            timeline: all(seen.timeline),
            out_of_reach: seen.is_out_of_reach,
        }
    }
}

fn all<A: Into<B>, B>(items: Vec<A>) -> Vec<B> {
    items.into_iter().map(Into::into).collect()
}

impl From<(crate::domain::risk::Risk, crate::domain::Time)> for Risk {
    fn from((risk, at): (crate::domain::risk::Risk, crate::domain::Time)) -> Self {
        Self { signal: RiskWord(risk), sentence: risk.sentence(), raises: risk.raises(), at: Stamp(at) }
    }
}

impl From<desk::EvidenceSeen> for Evidence {
    fn from(seen: desk::EvidenceSeen) -> Self {
        Self {
            method: Method(seen.evidence.method),
            outcome: Outcome(seen.evidence.outcome),
            by: seen.by,
            note: seen.note,
            at: Stamp(seen.evidence.at),
        }
    }
}

impl From<desk::PolicySeen> for Policy {
    fn from(seen: desk::PolicySeen) -> Self {
        Self {
            met: seen.missing.is_empty(),
            missing: seen.missing.into_iter().map(Missing).collect(),
            independent: seen.independent,
            strong: seen.strong,
            people: seen.people,
            hold_hours: seen.hold_hours,
            methods: all(seen.methods),
        }
    }
}

impl From<desk::MethodSeen> for MethodSeen {
    fn from(seen: desk::MethodSeen) -> Self {
        Self { method: Method(seen.method), passed: seen.is_passed, obstacle: seen.obstacle }
    }
}

impl From<desk::ApprovalGiven> for Approval {
    fn from(given: desk::ApprovalGiven) -> Self {
        Self { by: given.by, reason: given.reason, at: Stamp(given.at) }
    }
}

impl From<desk::LetterSeen> for Letter {
    fn from(seen: desk::LetterSeen) -> Self {
        let (purpose, to, state, error) = (seen.purpose, seen.to, seen.state, seen.error);
        Self { purpose, to, state, at: Stamp(seen.at), error }
    }
}

impl From<desk::RequestSeen> for Request {
    fn from(seen: desk::RequestSeen) -> Self {
        Self { reference: seen.reference.to_string(), opened_at: Stamp(seen.opened_at), kept: seen.is_kept }
    }
}

impl From<desk::Moment> for Moment {
    fn from(moment: desk::Moment) -> Self {
        Self {
            at: Stamp(moment.at),
            kind: moment.source.as_str(),
            what: moment.what,
            by: moment.by,
            text: moment.text,
            details: Pairs(moment.details),
        }
    }
}
