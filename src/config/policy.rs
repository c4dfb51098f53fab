//! What a reset needs, as numbers within hard bounds. What the numbers mean together is the domain's to judge.

use super::fault::shown;
use super::layers::Layers;

/// Methods of evidence that neither mailbox nor password gives; the only ones that a tier can be narrowed to.
const INDEPENDENT: [&str; 6] =
    ["callback", "manager_vouch", "video_with_id", "in_person", "recovery_code", "current_code"];

/// What activation needs beside the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofRule {
    /// The PIN where one was made; otherwise a fresh password or a recovery code.
    PinOrFresh,
    /// The PIN and a fresh password.
    PinAndPassword,
}

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
    /// Days after a ticket's end for which it can be frozen.
    pub stop_days: u32,
    /// The tier `standard`.
    pub standard: TierSettings,
    /// The tier `privileged`.
    pub privileged: TierSettings,
}

impl PolicySettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
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
            stop_days: layers.number("policy.stop_days", 7..=365),
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
        settings
    }
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
