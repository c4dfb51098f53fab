//! The road of a ticket, as product.md tells it, tried against the transitions.
//!
//! The rule: what is expected stands here by name, and is never computed from the code under test.

mod act;
mod address;
mod approvals;
mod deadlines;
mod endings;
mod evidence;
mod keys;
mod letters;
mod model;
mod persons;
mod requests;
mod rows;
mod seen;
mod shut_out;
mod table;
mod walk;

use std::collections::BTreeSet;

use chrono::{Duration, NaiveDate, NaiveTime};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Bearer, CloseReason, KeyMaterial, Problem, Standing, State, Ticket};
use crate::domain::Time;
use crate::domain::actor::{Owner, Rank, StaffActor};
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{AccountId, AuthenticatorId, EvidenceId, Reference, StaffId, TicketId};
use crate::domain::policy::{Policy, ProofRule, Tier, TierPolicy};
use crate::domain::service_level::ServiceLevel;

fn noon() -> Time {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn hours(number: i64) -> Duration {
    Duration::hours(number)
}

fn a_second() -> Duration {
    Duration::seconds(1)
}

/// The defaults of product.md, with a desk that never closes.
fn policy() -> Policy {
    use Method::{Callback, CurrentCode, InPerson, ManagerVouch, RecoveryCode, VideoWithId};
    let methods = BTreeSet::from([Callback, ManagerVouch, VideoWithId, InPerson, RecoveryCode, CurrentCode]);
    Policy {
        standard: TierPolicy {
            independent: 1,
            strong: 0,
            methods: methods.clone(),
            people: 1,
            hold: hours(0),
            codes: 1,
            proof: ProofRule::PinOrFresh,
        },
        privileged: TierPolicy {
            independent: 2,
            strong: 1,
            methods,
            people: 2,
            hold: hours(24),
            codes: 2,
            proof: ProofRule::PinAndPassword,
        },
        approvals_per_hour: 20,
        fresh: Duration::days(30),
        recent: Duration::days(7),
        evidence_lifetime: hours(24),
        first_approval_lifetime: hours(8),
        key_lifetime: hours(24),
        reissues: 3,
        reissue_window: hours(72),
        waiting_lifetime: Duration::days(7),
        unconfirmed_lifetime: hours(24),
        service_level: ServiceLevel {
            days: Vec::new(),
            zone: crate::domain::zone::Zone::UTC,
            opens: NaiveTime::MIN,
            closes: NaiveTime::MIN,
            target: hours(4),
        },
    }
}

fn staff(id: &str, rank: Rank) -> StaffActor {
    StaffActor { id: StaffId::new(id), rank, stepped_up: true }
}

/// Holds the tickets of these tests.
fn agent() -> StaffActor {
    staff("agent", Rank::Agent)
}

fn other_agent() -> StaffActor {
    staff("other agent", Rank::Agent)
}

fn approver() -> StaffActor {
    staff("approver", Rank::Approver)
}

fn admin() -> StaffActor {
    staff("admin", Rank::Admin)
}

/// Reads the audit log, and has no rank.
fn auditor() -> StaffActor {
    staff("auditor", Rank::None)
}

fn owner(of: &StaffActor) -> Owner {
    Owner { ids: vec![of.id.clone()], rank: of.rank }
}

/// A standard ticket in a state, as it would have come there; the next things to do are due at noon or later.
fn ticket(state: State) -> Ticket {
    use State::{
        Approved, AwaitingApproval, Closed, Completed, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting,
    };
    let opened_at = noon() - hours(2);
    let since = noon() - hours(1);
    Ticket {
        id: TicketId::new("ticket"),
        reference: Reference::new("RK-7Q4M-2XKD"),
        account: Some(AccountId::new("account")),
        state,
        reason: (state == Closed).then_some(CloseReason::Withdrawn),
        problem: Problem::LostDevice,
        tier: Tier::Standard,
        address: Some("ada@example.com".into()),
        opened_at,
        state_since: since,
        expires_at: match state {
            Unconfirmed => Some(opened_at + hours(24)),
            Waiting => Some(since + Duration::days(7)),
            AwaitingApproval => Some(since + hours(8)),
            Approved => Some(noon()),
            KeySent => Some(since + hours(24)),
            Open | InReview | Completed | Closed | Frozen => None,
        },
        confirmed_at: (state != Unconfirmed).then_some(opened_at),
        mailbox_due: false,
        bearer: if state == Unconfirmed { Bearer::Unknown } else { Bearer::Mailbox },
        holder: (!matches!(state, Unconfirmed | Open)).then(|| agent().id),
        approved_at: matches!(state, Approved | KeySent | Completed).then_some(since),
        due_at: matches!(state, Open | InReview | AwaitingApproval | Approved).then(|| opened_at + hours(4)),
        due_left: (state == Waiting).then_some(3 * 3600),
        pin_made: false,
        reissues: 0,
        duplicate_of: None,
        kept: None,
        undecided: false,
        frozen_from: (state == Frozen).then_some(InReview),
        diagnoses: 0,
        network: None,
        standing: Standing::default(),
        version: 7,
    }
}

/// The same in the privileged tier, the PIN made.
fn privileged(state: State) -> Ticket {
    Ticket { tier: Tier::Privileged, pin_made: true, ..ticket(state) }
}

fn recorded(method: Method, outcome: Outcome, by: &StaffActor, at: Time) -> Evidence {
    let by = method.is_recorded_by_staff().then(|| by.id.clone());
    Evidence { id: EvidenceId::new("evidence"), method, outcome, by, at }
}

fn passed(method: Method) -> Evidence {
    recorded(method, Outcome::Passed, &agent(), noon() - hours(1))
}

/// Just what each tier wants.
fn enough(tier: Tier) -> Vec<Evidence> {
    match tier {
        Tier::Standard => vec![passed(Method::Callback)],
        Tier::Privileged => vec![passed(Method::Callback), passed(Method::InPerson)],
    }
}

fn key(name: &str) -> KeyMaterial {
    KeyMaterial {
        id: AuthenticatorId::new(name),
        secret: Zeroizing::new(vec![7; 20]),
        base32: SecretString::from("A".repeat(32)),
        activation_token: SecretString::from(format!("rk_act_{name}")),
        activation_hash: format!("hash of {name}"),
    }
}

fn pin() -> SecretString {
    SecretString::from("hash of the PIN")
}
