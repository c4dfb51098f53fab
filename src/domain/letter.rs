//! Every letter that can leave, as data: what it says, never how it looks.
//!
//! The one rule: a letter carries facts of this closed list and no text that a user typed. Names of
//! people and accounts are set by hosts, and whoever renders them treats them as hostile.
//! Keys, codes and tokens are `SecretString`s, so nothing here has `Debug`.

use secrecy::SecretString;

use super::Time;
use super::ids::Reference;
use super::proof::Proof;
use super::ticket::Problem;
use super::words::words;

words! {
    /// What a letter is for.
    Purpose {
        /// The six digits that confirm a ticket.
        MailboxCode = "mailbox_code",
        /// Notice to every address of the account: a ticket was opened.
        TicketOpened = "ticket_opened",
        /// The desk has written; the text waits on the ticket's page.
        StaffReply = "staff_reply",
        /// The desk has asked for something and waits.
        NeedsAnswer = "needs_answer",
        /// The request was approved; the key follows, at once or after the hold.
        Approved = "approved",
        /// The new key, inert until it is proven.
        SetupKey = "setup_key",
        /// The new key is live, the former one revoked.
        Completed = "completed",
        /// The request was turned down.
        Rejected = "rejected",
        /// The ticket or its key ran out of time.
        Expired = "expired",
        /// Someone said "this wasn't me".
        Frozen = "frozen",
        /// The address on file changed while a ticket is open: to all others.
        AddressChanged = "address_changed",
        /// Two-factor authentication was turned on.
        TwoFactorEnabled = "two_factor_enabled",
        /// Two-factor authentication was turned off, with a code.
        TwoFactorDisabled = "two_factor_disabled",
        /// One of the saved recovery codes was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// The saved recovery codes were replaced by new ones.
        RecoveryCodesMade = "recovery_codes_made",
        /// The manager on file is asked to vouch.
        ManagerVouch = "manager_vouch",
        /// To the desk: a letter came back.
        Bounced = "bounced",
        /// To the administrators: something stands still until they act.
        DeskAlarm = "desk_alarm",
    }
}

words! {
    /// What ran out of time.
    Lapsed {
        /// The ticket, never confirmed.
        Confirmation = "confirmation",
        /// The ticket, waiting for an answer.
        Answer = "answer",
        /// The key that was sent.
        Key = "key",
    }
}

words! {
    /// What the administrators have to know at once.
    Alarm {
        /// One person approved too many resets within an hour.
        ApprovalsStopped = "approvals_stopped",
        /// The audit log does not verify.
        AuditBroken = "audit_broken",
        /// A sealed secret did not open where it lies, or a row that decides is not what was written.
        SealBroken = "seal_broken",
        /// The mail server refuses us, or its TLS does not verify.
        MailRefused = "mail_refused",
    }
}

/// How many codes in a row activation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesAsked {
    /// The code shown now.
    One,
    /// The code shown now and the next one.
    Two,
}

/// The facts of the letter with the new key.
#[derive(Clone)]
pub struct SetupKey {
    /// 32 Base32 characters, no padding.
    pub key: SecretString,
    /// `rk_act_…`, good for activating this key and nothing else.
    pub activation_token: SecretString,
    /// When the key dies unused.
    pub expires_at: Time,
    /// What is needed beside the code.
    pub proof: Proof,
    /// How many codes are needed.
    pub codes: CodesAsked,
    /// Whether signing in at the host, with password and code, activates the key too.
    pub sign_in_activates: bool,
}

/// What a letter says: one variant a purpose, with exactly its facts.
#[derive(Clone)]
pub enum Content {
    /// See [`Purpose::MailboxCode`].
    MailboxCode {
        /// Six digits.
        code: SecretString,
        /// When the code dies.
        expires_at: Time,
    },
    /// See [`Purpose::TicketOpened`].
    TicketOpened {
        /// When it was opened.
        opened_at: Time,
        /// What the requester chose.
        problem: Problem,
    },
    /// See [`Purpose::StaffReply`].
    StaffReply,
    /// See [`Purpose::NeedsAnswer`].
    NeedsAnswer {
        /// When the ticket closes without an answer.
        until: Time,
    },
    /// See [`Purpose::Approved`].
    Approved {
        /// When the hold ends, if there is one.
        hold_until: Option<Time>,
    },
    /// See [`Purpose::SetupKey`].
    SetupKey(SetupKey),
    /// See [`Purpose::Completed`].
    Completed {
        /// When the new key went live.
        at: Time,
    },
    /// See [`Purpose::Rejected`].
    Rejected,
    /// See [`Purpose::Expired`].
    Expired {
        /// What ran out.
        what: Lapsed,
    },
    /// See [`Purpose::Frozen`].
    Frozen,
    /// See [`Purpose::AddressChanged`].
    AddressChanged,
    /// See [`Purpose::TwoFactorEnabled`].
    TwoFactorEnabled {
        /// When.
        at: Time,
    },
    /// See [`Purpose::TwoFactorDisabled`].
    TwoFactorDisabled {
        /// When.
        at: Time,
    },
    /// See [`Purpose::RecoveryCodeUsed`].
    RecoveryCodeUsed {
        /// When.
        at: Time,
        /// How many codes are left.
        left: u32,
    },
    /// See [`Purpose::RecoveryCodesMade`].
    RecoveryCodesMade {
        /// When.
        at: Time,
    },
    /// See [`Purpose::ManagerVouch`].
    ManagerVouch {
        /// Opens the vouching page; good for nothing without the code.
        token: SecretString,
        /// The code that the manager types.
        code: SecretString,
        /// Whom they are asked about, by name.
        person: String,
        /// When token and code die.
        expires_at: Time,
    },
    /// See [`Purpose::Bounced`].
    Bounced {
        /// What the letter was for.
        purpose: Purpose,
        /// Where it went, masked.
        address: String,
    },
    /// See [`Purpose::DeskAlarm`].
    DeskAlarm {
        /// What happened.
        alarm: Alarm,
    },
}

impl Content {
    /// What this letter is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::MailboxCode { .. } => Purpose::MailboxCode,
            Self::TicketOpened { .. } => Purpose::TicketOpened,
            Self::StaffReply => Purpose::StaffReply,
            Self::NeedsAnswer { .. } => Purpose::NeedsAnswer,
            Self::Approved { .. } => Purpose::Approved,
            Self::SetupKey(_) => Purpose::SetupKey,
            Self::Completed { .. } => Purpose::Completed,
            Self::Rejected => Purpose::Rejected,
            Self::Expired { .. } => Purpose::Expired,
            Self::Frozen => Purpose::Frozen,
            Self::AddressChanged => Purpose::AddressChanged,
            Self::TwoFactorEnabled { .. } => Purpose::TwoFactorEnabled,
            Self::TwoFactorDisabled { .. } => Purpose::TwoFactorDisabled,
            Self::RecoveryCodeUsed { .. } => Purpose::RecoveryCodeUsed,
            Self::RecoveryCodesMade { .. } => Purpose::RecoveryCodesMade,
            Self::ManagerVouch { .. } => Purpose::ManagerVouch,
            Self::Bounced { .. } => Purpose::Bounced,
            Self::DeskAlarm { .. } => Purpose::DeskAlarm,
        }
    }
}

impl Purpose {
    /// Whether it goes to the desk or its administrators rather than to a person with an account.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        matches!(self, Self::Bounced | Self::DeskAlarm)
    }
}

/// A letter: what is said, and the one address it goes to.
#[derive(Clone)]
pub struct Letter {
    /// An address on file.
    pub to: String,
    /// What it says.
    pub content: Content,
}

/// What surrounds the content: kept over retries, so that the same letter is the same bytes.
#[derive(Clone)]
pub struct Envelope {
    /// `local@domain`, with or without angle brackets.
    pub message_id: String,
    /// The Message-ID that the ticket's thread began with; `setup_key` begins a thread of its own.
    pub thread: Option<String>,
    /// The ticket that it is about.
    pub reference: Option<Reference>,
    /// Name of the reader, for the greeting; may be empty.
    pub person: String,
    /// What the account is called, such as `ada`; in letters to the desk: whom it concerns, or empty.
    pub account: String,
    /// `rk_stop_…`, for "this wasn't me": in every letter to a person.
    pub stop_token: Option<SecretString>,
    /// When the letter was written: its `Date`.
    pub written_at: Time,
}

#[cfg(test)]
mod tests {
    use super::{Alarm, Lapsed, Problem, Proof, Purpose};

    #[test]
    fn every_word_reads_back_as_itself() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(*purpose));
        }
        for problem in Problem::ALL {
            assert_eq!(Problem::parse(problem.as_str()), Some(*problem));
        }
        for proof in Proof::ALL {
            assert_eq!(Proof::parse(proof.as_str()), Some(*proof));
        }
        for what in Lapsed::ALL {
            assert_eq!(Lapsed::parse(what.as_str()), Some(*what));
        }
        for alarm in Alarm::ALL {
            assert_eq!(Alarm::parse(alarm.as_str()), Some(*alarm));
        }
        assert_eq!(Purpose::parse("Setup_Key"), None);
    }

    #[test]
    fn the_desk_and_its_administrators_get_these_letters_and_persons_all_others() {
        let internal: Vec<Purpose> =
            Purpose::ALL.iter().copied().filter(|purpose| purpose.is_internal()).collect();
        assert_eq!(internal, [Purpose::Bounced, Purpose::DeskAlarm]);
    }
}
