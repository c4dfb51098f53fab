//! Evidence: how the requester was recognised, by a method of a closed list.
//!
//! There is no knowledge-based method (NIST SP 800-63A-4 forbids them), and free text is never evidence.

use chrono::Duration;

use super::Time;
use super::ids::{EvidenceId, StaffId};
use super::words::words;

words! {
    /// A way to establish that the requester is the account's owner.
    Method {
        /// A code sent to the address on file was typed into the ticket.
        MailboxCode = "mailbox_code",
        /// The ticket was opened from a session of the host.
        HostSession = "host_session",
        /// Staff called the number on file.
        Callback = "callback",
        /// The manager on file confirmed with a code of their own mailbox.
        ManagerVouch = "manager_vouch",
        /// A live video call, the identity document compared.
        VideoWithId = "video_with_id",
        /// At a counter, badge or document seen.
        InPerson = "in_person",
        /// One of the saved recovery codes, burnt by use.
        RecoveryCode = "recovery_code",
        /// Two consecutive codes of the existing authenticator.
        CurrentCode = "current_code",
    }
}

impl Method {
    /// Whether it proves something that neither the mailbox nor the password gives.
    #[must_use]
    pub const fn is_independent(self) -> bool {
        !matches!(self, Self::MailboxCode | Self::HostSession)
    }

    /// Whether staff record it; the machine records the others when they happen.
    #[must_use]
    pub const fn is_recorded_by_staff(self) -> bool {
        matches!(self, Self::Callback | Self::VideoWithId | Self::InPerson)
    }

    /// Whether it counts as one of the strong methods of which the privileged tier wants one.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::InPerson | Self::VideoWithId | Self::ManagerVouch)
    }
}

words! {
    /// How a verification ended.
    Outcome {
        /// The requester was recognised.
        Passed = "passed",
        /// The requester was not.
        Failed = "failed",
    }
}

/// One recorded verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Which.
    pub id: EvidenceId,
    /// By which method.
    pub method: Method,
    /// How it ended.
    pub outcome: Outcome,
    /// Who recorded it; none where the machine did.
    pub by: Option<StaffId>,
    /// When.
    pub at: Time,
}

/// Whether a method was passed, not so long ago that it counts no more, and has not been failed since. Of the same
/// second it is the failure that counts.
#[must_use]
pub fn stands(all: &[Evidence], method: Method, lifetime: Duration, now: Time) -> bool {
    let of_it = |outcome| {
        all.iter().filter(move |one| one.method == method && one.outcome == outcome).map(|one| one.at)
    };
    let failed = of_it(Outcome::Failed).max();
    let passed = of_it(Outcome::Passed).max();
    passed.is_some_and(|at| at + lifetime > now && failed.is_none_or(|failed| failed < at))
}
