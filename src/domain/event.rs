//! The audit log's vocabulary: every entry that can be written, as data.
//!
//! A ticket's, account's or authenticator's version goes up by one with each of its entries, so that a missing
//! entry shows.

use super::ids::{AccountId, AuthenticatorId, ClientId, StaffId, TicketId};
use super::words::words;

words! {
    /// What happened.
    Action {
        /// A ticket was submitted.
        Opened = "opened",
        /// The requester typed the mailbox code or came with the host's word.
        Confirmed = "confirmed",
        /// The requester came back with a new mailbox code; the former token ended.
        Returned = "returned",
        /// A second request was confirmed and waits for the agent's decision.
        SecondRequest = "second_request",
        /// The agent recorded which request is the person's own.
        RequestKept = "request_kept",
        /// An agent took the ticket.
        Claimed = "claimed",
        /// An approver or admin took it from another holder.
        TakenOver = "taken_over",
        /// The ticket went back to the queue.
        Released = "released",
        /// The requester was asked for something.
        Asked = "asked",
        /// The requester answered.
        Answered = "answered",
        /// The agent went on without an answer.
        Resumed = "resumed",
        /// The staff wrote to the requester.
        Replied = "replied",
        /// An internal note was written.
        Noted = "noted",
        /// A verification was recorded.
        EvidenceRecorded = "evidence_recorded",
        /// The manager on file was asked.
        VouchAsked = "vouch_asked",
        /// A PIN was made.
        PinMade = "pin_made",
        /// The tier was raised.
        Flagged = "flagged",
        /// Codes were tried to find the fault.
        Diagnosed = "diagnosed",
        /// One approval was given.
        Approved = "approved",
        /// An approval ended without effect.
        ApprovalVoided = "approval_voided",
        /// A key was generated and its letter queued.
        KeySent = "key_sent",
        /// A new key took the place of the former.
        KeyReissued = "key_reissued",
        /// The letter with the key could not be delivered.
        KeyBounced = "key_bounced",
        /// The person proved the key.
        Completed = "completed",
        /// The ticket was rejected.
        Rejected = "rejected",
        /// The requester withdrew.
        Withdrawn = "withdrawn",
        /// The ticket was closed.
        Closed = "closed",
        /// A time limit ran out.
        Expired = "expired",
        /// Somebody said "this wasn't me".
        Frozen = "frozen",
        /// An admin thawed the ticket.
        Thawed = "thawed",
        /// A member of the staff who had a part in it was disabled, reset or demoted.
        StaffShutOut = "staff_shut_out",
        /// The account changed under an open ticket.
        AccountChanged = "account_changed",
        /// An account was put for the first time.
        AccountCreated = "account_created",
        /// An account's facts changed.
        AccountUpdated = "account_updated",
        /// An account was removed.
        AccountRemoved = "account_removed",
        /// An account was given to another application.
        AccountMoved = "account_moved",
        /// A local password was set.
        PasswordSet = "password_set",
        /// Wrong codes locked sign-in by code, or switched it off.
        CodesLocked = "codes_locked",
        /// Recovery codes were made.
        RecoveryCodesMade = "recovery_codes_made",
        /// A recovery code was typed back: the list is saved.
        RecoveryCodesSaved = "recovery_codes_saved",
        /// A recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// Two-factor authentication was turned off with a code.
        TwoFactorOff = "two_factor_off",
        /// The account was suspended by "this wasn't me".
        AccountFrozen = "account_frozen",
        /// A key came into being.
        KeyCreated = "key_created",
        /// A key went live.
        KeyActivated = "key_activated",
        /// A key was suspended.
        KeySuspended = "key_suspended",
        /// A suspended key works again.
        KeyRestored = "key_restored",
        /// A key was revoked.
        KeyRevoked = "key_revoked",
        /// A member of the staff was added.
        StaffAdded = "staff_added",
        /// A member's roles changed.
        StaffChanged = "staff_changed",
        /// A member was disabled.
        StaffDisabled = "staff_disabled",
        /// A member got a new password and authenticator.
        StaffReset = "staff_reset",
        /// A member's approvals were allowed again.
        StaffLifted = "staff_lifted",
        /// A member approved too many tickets in an hour.
        ApprovalsStopped = "approvals_stopped",
        /// A member signed in.
        SignedIn = "signed_in",
        /// A host was registered.
        ClientAdded = "client_added",
        /// A host's keys were replaced.
        ClientChanged = "client_changed",
        /// A host was disabled.
        ClientDisabled = "client_disabled",
        /// The key ring was rotated.
        KeysRotated = "keys_rotated",
        /// A backup took the place of the database, or what it had ended was ended again.
        Restored = "restored",
        /// A key of the ring was taken out of service.
        KeyRetired = "key_retired",
        /// The rows that decide were signed, once and for all.
        RowsSigned = "rows_signed",
        /// A file of accounts was imported.
        AccountsImported = "accounts_imported",
    }
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A ticket.
    Ticket(TicketId),
    /// An account.
    Account(AccountId),
    /// An authenticator of an account.
    Authenticator(AuthenticatorId),
    /// A member of the staff.
    Staff(StaffId),
    /// A host.
    Client(ClientId),
    /// The program itself.
    System,
}

impl Subject {
    /// The kind of subject, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Account(_) => "account",
            Self::Authenticator(_) => "authenticator",
            Self::Staff(_) => "staff",
            Self::Client(_) => "client",
            Self::System => "system",
        }
    }

    /// Which one; empty for the program itself.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Ticket(id) => id.as_str(),
            Self::Account(id) => id.as_str(),
            Self::Authenticator(id) => id.as_str(),
            Self::Staff(id) => id.as_str(),
            Self::Client(id) => id.as_str(),
            Self::System => "",
        }
    }
}

/// One thing that happened, with its details as name and value. Details never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub action: Action,
    /// Particulars: names of fields and their values.
    pub details: Vec<(&'static str, String)>,
}

impl Event {
    /// An event without particulars.
    #[must_use]
    pub const fn new(action: Action) -> Self {
        Self { action, details: Vec::new() }
    }

    /// Adds a particular.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_named_by_its_kind_and_id() {
        for (subject, kind, id) in [
            (Subject::Ticket(TicketId::new("t")), "ticket", "t"),
            (Subject::Account(AccountId::new("a")), "account", "a"),
            (Subject::Authenticator(AuthenticatorId::new("k")), "authenticator", "k"),
            (Subject::Staff(StaffId::new("s")), "staff", "s"),
            (Subject::Client(ClientId::new("c")), "client", "c"),
            (Subject::System, "system", ""),
        ] {
            assert_eq!((subject.kind(), subject.id()), (kind, id));
        }
    }
}
