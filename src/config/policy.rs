//! What a reset needs, as numbers within hard bounds. What the numbers mean together is the domain's to judge.

use std::collections::BTreeSet;

use chrono::Duration;

use super::desk::DeskSettings;
use super::fault::shown;
use super::layers::Layers;
use crate::domain::evidence::Method;
use crate::domain::policy::{Policy, ProofRule, TierPolicy};
use crate::domain::service_level::ServiceLevel;

/// Methods of evidence that neither mailbox nor password gives; the only ones that a tier can be narrowed to.
const INDEPENDENT: [&str; 6] =
    ["callback", "manager_vouch", "video_with_id", "in_person", "recovery_code", "current_code"];

/// What one tier needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSettings {
    /// Independent methods of evidence.
    pub independent: u32,
    /// How many of those must be strong.
    pub strong: u32,
    /// Persons who approve.
    pub people: u32,
    /// Hours between approval and key.
    pub hold_hours: u32,
    /// Consecutive codes at activation.
    pub codes: u32,
    /// What stands beside the code.
    pub proof: ProofRule,
    /// Independent methods that are accepted; all of them if empty.
    pub methods: Vec<String>,
}

/// The section `policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySettings {
    /// Approvals by one person in an hour.
    pub approvals_per_hour: u32,
    /// Days for which a change of the account counts as fresh.
    pub fresh_days: u32,
    /// Days for which a rejected, frozen or failed ticket raises the tier.
    pub recent_days: u32,
    /// Hours that evidence counts.
    pub evidence_hours: u32,
    /// Hours that a first approval waits.
    pub first_approval_hours: u32,
    /// Hours that a sent key lives.
    pub key_hours: u32,
    /// Times that a key may be replaced.
    pub reissues: u32,
    /// Hours after the approval within which it may be.
    pub reissue_window_hours: u32,
    /// Days that a question stays open.
    pub waiting_days: u32,
    /// Hours that an unconfirmed request lives.
    pub unconfirmed_hours: u32,
    /// The tier `standard`.
    pub standard: TierSettings,
    /// The tier `privileged`.
    pub privileged: TierSettings,
}

impl PolicySettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let faults_before = layers.faults.len();
        let settings = Self {
            approvals_per_hour: layers.number("policy.approvals_per_hour", 1..=10_000),
            fresh_days: layers.number("policy.fresh_days", 7..=365),
            recent_days: layers.number("policy.recent_days", 1..=90),
            evidence_hours: layers.number("policy.evidence_hours", 1..=72),
            first_approval_hours: layers.number("policy.first_approval_hours", 1..=24),
            key_hours: layers.number("policy.key_hours", 1..=72),
            reissues: layers.number("policy.reissues", 0..=3),
            reissue_window_hours: layers.number("policy.reissue_window_hours", 1..=72),
            waiting_days: layers.number("policy.waiting_days", 1..=30),
            unconfirmed_hours: layers.number("policy.unconfirmed_hours", 1..=72),
            standard: tier(layers, "standard"),
            privileged: tier(layers, "privileged"),
        };
        if settings.key_hours > settings.reissue_window_hours {
            layers.fault(
                "policy.key_hours",
                "is longer than policy.reissue_window_hours",
                "no key may outlive the window of its approval",
            );
        }
        // What the numbers mean together is judged once each of them is sound.
        if layers.faults.len() == faults_before {
            for (tier, fault) in settings.to_policy(&DeskSettings::around_the_clock()).faults() {
                layers.fault(&format!("policy.{tier}"), fault.to_string(), "");
            }
        }
        settings
    }

    /// The policy as the domain has it.
    #[must_use]
    pub fn to_policy(&self, desk: &DeskSettings) -> Policy {
        Policy {
            standard: self.standard.to_policy(),
            privileged: self.privileged.to_policy(),
            approvals_per_hour: i64::from(self.approvals_per_hour),
            fresh: days(self.fresh_days),
            recent: days(self.recent_days),
            evidence_lifetime: hours(self.evidence_hours),
            first_approval_lifetime: hours(self.first_approval_hours),
            key_lifetime: hours(self.key_hours),
            reissues: i32::try_from(self.reissues).unwrap_or(0),
            reissue_window: hours(self.reissue_window_hours),
            waiting_lifetime: days(self.waiting_days),
            unconfirmed_lifetime: hours(self.unconfirmed_hours),
            service_level: ServiceLevel {
                days: desk.days.clone(),
                opens: desk.opens,
                closes: desk.closes,
                zone: desk.zone,
                target: hours(desk.response_hours),
            },
        }
    }
}

impl TierSettings {
    fn to_policy(&self) -> TierPolicy {
        let named: BTreeSet<Method> = self.methods.iter().filter_map(|word| Method::parse(word)).collect();
        let every = Method::ALL.iter().copied().filter(|method| method.is_independent());
        TierPolicy {
            independent: usize::try_from(self.independent).unwrap_or(usize::MAX),
            strong: usize::try_from(self.strong).unwrap_or(usize::MAX),
            methods: if self.methods.is_empty() { every.collect() } else { named },
            people: usize::try_from(self.people).unwrap_or(usize::MAX),
            hold: hours(self.hold_hours),
            codes: usize::try_from(self.codes).unwrap_or(usize::MAX),
            proof: self.proof,
        }
    }
}

fn days(number: u32) -> Duration {
    Duration::days(i64::from(number))
}

fn hours(number: u32) -> Duration {
    Duration::hours(i64::from(number))
}

fn tier(layers: &mut Layers, name: &str) -> TierSettings {
    let key = |setting: &str| format!("policy.{name}.{setting}");
    let proofs = [("pin_or_fresh", ProofRule::PinOrFresh), ("pin_and_password", ProofRule::PinAndPassword)];
    let tier = TierSettings {
        independent: layers.number(&key("independent"), 0..=6),
        strong: layers.number(&key("strong"), 0..=3),
        people: layers.number(&key("people"), 1..=2),
        hold_hours: layers.number(&key("hold_hours"), 0..=720),
        codes: layers.number(&key("codes"), 1..=2),
        proof: layers.word(&key("proof"), &proofs).unwrap_or(ProofRule::PinAndPassword),
        methods: layers.list(&key("methods")),
    };
    for method in tier.methods.iter().filter(|method| !INDEPENDENT.contains(&method.as_str())) {
        layers.fault(
            &key("methods"),
            format!("{} is no independent method", shown(method)),
            format!("of {}", INDEPENDENT.join(", ")),
        );
    }
    tier
}
