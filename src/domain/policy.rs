//! The policy: what a reset needs in each tier, and whether a configuration may say so.
//!
//! The rule that no configuration can lift: a reset rests on at least one thing that neither mailbox nor password gives.

use std::collections::BTreeSet;

use chrono::Duration;

use super::Time;
use super::evidence::{Evidence, Method, stands};
use super::service_level::ServiceLevel;
use super::words::words;

words! {
    /// What a reset needs; stored on the ticket and only ever raised.
    Tier {
        /// An ordinary account.
        Standard = "standard",
        /// Administrators, staff, and whatever a risk signal raised.
        Privileged = "privileged",
    }
}

words! {
    /// What activation needs beside the code.
    ProofRule {
        /// The PIN where one was made; otherwise fresh password or recovery code.
        PinOrFresh = "pin_or_fresh",
        /// PIN and fresh password, both.
        PinAndPassword = "pin_and_password",
    }
}

/// What one tier asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierPolicy {
    /// How many different independent methods must have passed.
    pub independent: usize,
    /// How many of them must be strong ones.
    pub strong: usize,
    /// The independent methods that are accepted.
    pub methods: BTreeSet<Method>,
    /// How many different persons approve: 1 or 2.
    pub people: usize,
    /// How long an approved ticket waits before a key is generated.
    pub hold: Duration,
    /// How many consecutive codes activation takes: 1 or 2.
    pub codes: usize,
    /// What activation needs beside the code.
    pub proof: ProofRule,
}

/// The whole policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// For `standard` tickets.
    pub standard: TierPolicy,
    /// For `privileged` tickets.
    pub privileged: TierPolicy,
    /// Approvals by one person in an hour, after which their approvals stop.
    pub approvals_per_hour: i64,
    /// How long an address, number or manager counts as new.
    pub fresh: Duration,
    /// How long a rejected, frozen or failed ticket raises the tier of the account's next ones.
    pub recent: Duration,
    /// How long evidence counts.
    pub evidence_lifetime: Duration,
    /// How long a first approval waits for the second.
    pub first_approval_lifetime: Duration,
    /// How long a sent key can be activated.
    pub key_lifetime: Duration,
    /// How many times a key may be issued anew.
    pub reissues: i32,
    /// How long after the approval a key may be issued anew.
    pub reissue_window: Duration,
    /// How long a ticket waits for the requester.
    pub waiting_lifetime: Duration,
    /// How long a ticket waits for its mailbox code.
    pub unconfirmed_lifetime: Duration,
    /// By when tickets should be answered.
    pub service_level: ServiceLevel,
}

words! {
    /// What an approval still lacks.
    Missing {
        /// Independent methods, one or more.
        Independent = "independent_evidence",
        /// A strong method: in person, video with identity document, or the manager's word.
        Strong = "strong_evidence",
        /// Which of several requests is the person's own.
        RequestDecision = "request_decision",
        /// The code that went to the new address on file.
        Mailbox = "mailbox_code",
        /// The PIN that activation in this tier will ask for.
        Pin = "pin",
    }
}

/// A configuration that the product refuses to run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Mailbox and password alone would do.
    #[error(
        "needs at least 1 independent method: a reset must rest on something that neither mailbox nor password gives"
    )]
    NothingIndependent,
    /// Fewer methods are accepted than asked for.
    #[error("accepts fewer methods than it asks for: name more methods or ask for fewer")]
    TooFewMethods,
    /// More strong methods than independent ones.
    #[error("asks for more strong methods than independent ones")]
    MoreStrongThanIndependent,
    /// A method that staff or machine never record as independent.
    #[error("names a method that is not independent of mailbox and password")]
    MethodNotIndependent,
    /// One or two persons approve.
    #[error("people must be 1 or 2")]
    People,
    /// One person for privileged accounts, without the time to notice.
    #[error("one person may approve privileged tickets only with a hold of at least 72 hours")]
    OnePersonWithoutHold,
    /// One or two codes.
    #[error("codes must be 1 or 2")]
    Codes,
    /// The privileged tier asks for less than the standard one.
    #[error("the privileged tier must ask for at least as much as the standard one")]
    WeakerThanStandard,
}

impl TierPolicy {
    /// Whether the product may run with it.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn check(&self, tier: Tier) -> Result<(), PolicyFault> {
        if self.independent == 0 {
            return Err(PolicyFault::NothingIndependent);
        }
        if self.methods.iter().any(|method| !method.is_independent()) {
            return Err(PolicyFault::MethodNotIndependent);
        }
        if self.strong > self.independent {
            return Err(PolicyFault::MoreStrongThanIndependent);
        }
        let strong = self.methods.iter().filter(|method| method.is_strong()).count();
        if self.methods.len() < self.independent || strong < self.strong {
            return Err(PolicyFault::TooFewMethods);
        }
        if !(1..=2).contains(&self.people) {
            return Err(PolicyFault::People);
        }
        if !(1..=2).contains(&self.codes) {
            return Err(PolicyFault::Codes);
        }
        if tier == Tier::Privileged && self.people < 2 && self.hold < Duration::hours(72) {
            return Err(PolicyFault::OnePersonWithoutHold);
        }
        Ok(())
    }

    /// What the evidence still lacks; empty when the tier is satisfied. A failure takes back what passed by the same
    /// method before it.
    #[must_use]
    pub fn missing(&self, evidence: &[Evidence], lifetime: Duration, now: Time) -> Vec<Missing> {
        let independent = self.methods.iter().copied().filter(|method| method.is_independent());
        let passed: Vec<Method> =
            independent.filter(|method| stands(evidence, *method, lifetime, now)).collect();
        let mut missing = Vec::new();
        if passed.len() < self.independent {
            missing.push(Missing::Independent);
        }
        if passed.iter().filter(|method| method.is_strong()).count() < self.strong {
            missing.push(Missing::Strong);
        }
        missing
    }

    fn asks_less_than(&self, other: &Self) -> bool {
        self.independent < other.independent
            || self.strong < other.strong
            || self.people < other.people
            || self.hold < other.hold
            || self.codes < other.codes
            || (self.proof == ProofRule::PinOrFresh && other.proof == ProofRule::PinAndPassword)
    }
}

impl Policy {
    /// The policy of a tier.
    #[must_use]
    pub fn tier(&self, tier: Tier) -> &TierPolicy {
        match tier {
            Tier::Standard => &self.standard,
            Tier::Privileged => &self.privileged,
        }
    }

    /// Every reason why the product may not run with it, each with its tier.
    #[must_use]
    pub fn faults(&self) -> Vec<(Tier, PolicyFault)> {
        let mut faults: Vec<_> = Tier::ALL
            .iter()
            .filter_map(|tier| self.tier(*tier).check(*tier).err().map(|fault| (*tier, fault)))
            .collect();
        if self.privileged.asks_less_than(&self.standard) {
            faults.push((Tier::Privileged, PolicyFault::WeakerThanStandard));
        }
        faults
    }
}

#[cfg(test)]
mod tests;
