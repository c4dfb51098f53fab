//! The reference: one account, its tickets and its keys, kept by the words of the product's rules and nothing else.
//!
//! The rule to keep: nothing of the program's own reckoning is used here, or the two would err together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDateTime, TimeDelta};

use super::command::{Start, Who};

pub type Time = NaiveDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Unconfirmed,
    Open,
    InReview,
    Waiting,
    AwaitingApproval,
    Approved,
    KeySent,
    Completed,
    Closed,
    Frozen,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Open => "open",
            Self::InReview => "in_review",
            Self::Waiting => "waiting",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::KeySent => "key_sent",
            Self::Completed => "completed",
            Self::Closed => "closed",
            Self::Frozen => "frozen",
        }
    }
}

/// What is answered: the status, and the word that says why or what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub u16, pub String);

pub fn done(status: u16) -> Answer {
    Answer(status, String::new())
}

pub fn refused(status: u16, code: &str) -> Answer {
    Answer(status, code.to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub method: &'static str,
    pub passed: bool,
    pub by: Option<Who>,
    pub at: Time,
}

#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
#[derive(Debug, Clone)]
pub struct Ticket {
    pub state: State,
    pub reason: Option<&'static str>,
    pub privileged: bool,
    pub stolen: bool,
    pub opened: Time,
    pub confirmed: bool,
    /// Whether whoever holds the token has typed the mailbox code.
    pub known: bool,
    /// Which of the addresses on file, one after the other, it was made for.
    pub address: u32,
    /// Whether the new mailbox has to confirm it before a key leaves.
    pub mailbox_due: bool,
    /// Since when it stands where it stands.
    pub since: Time,
    pub ends: Option<Time>,
    pub holder: Option<Who>,
    pub evidence: Vec<Evidence>,
    pub approvals: Vec<Who>,
    pub approved_at: Option<Time>,
    pub pin: bool,
    pub pin_tries: u32,
    pub tries: u32,
    pub reissues: u32,
    pub diagnoses: u32,
    /// Whether a second request waits for the agent's decision.
    pub undecided: bool,
    pub kept: Option<usize>,
    pub duplicate_of: Option<usize>,
    pub was_completed: bool,
    pub took_part: BTreeSet<Who>,
    /// What gives a later ticket trouble: when this one was rejected or frozen.
    pub trouble_at: Option<Time>,
    /// The mailbox code: until when, and how many wrong ones there were; none once it was used.
    pub mailbox: Option<(Time, u32)>,
    pub token_dead: bool,
    /// Whether another request was recorded as the person's own.
    pub token_set_aside: bool,
    /// How often the manager was asked.
    pub questions: u32,
    pub token_ends: Option<Time>,
    /// The same of the stop link of the last letter.
    pub stop_ends: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Pending,
    Active,
    Suspended,
    Revoked,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub life: Life,
    pub ticket: Option<usize>,
    pub ends: Option<Time>,
    pub last: i64,
    pub arrived: bool,
}

/// The question to a manager.
#[derive(Debug, Clone)]
pub struct Vouch {
    pub ticket: usize,
    pub ends: Time,
    pub tries: u32,
    pub manager: u32,
    pub answered: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
#[derive(Debug, Clone)]
pub struct Reference {
    pub now: Time,
    pub tickets: Vec<Ticket>,
    pub keys: Vec<Key>,
    pub is_on: bool,
    /// Whether somebody stopped the account: no code counts until a ticket completes.
    pub frozen: bool,
    pub failures: u32,
    pub locked_until: Option<Time>,
    pub recovery_codes: usize,
    pub password_at: Option<Time>,
    pub privileged: bool,
    /// Whether the account belongs to a member of the staff.
    pub of_staff: bool,
    pub email_at: Option<Time>,
    /// How often the address on file was changed.
    pub address: u32,
    pub phone_at: Option<Time>,
    pub manager_at: Option<Time>,
    pub manager: u32,
    pub vouch: Option<Vouch>,
    pub stepped_up: BTreeMap<Who, Time>,
    pub mail_bounces: bool,
    /// How many diagnoses there were in each hour.
    pub diagnoses: BTreeMap<Time, u32>,
}

pub fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

impl Reference {
    pub fn new(start: Start, password_at: Option<Time>, last: i64, now: Time) -> Self {
        let key = Key { life: Life::Active, ticket: None, ends: None, last, arrived: true };
        Self {
            now,
            tickets: Vec::new(),
            keys: if start.enrolled { vec![key] } else { Vec::new() },
            is_on: start.enrolled,
            frozen: false,
            failures: 0,
            locked_until: None,
            recovery_codes: if start.enrolled { 10 } else { 0 },
            password_at,
            privileged: start.privileged,
            of_staff: start.of_staff,
            email_at: None,
            address: 0,
            phone_at: None,
            manager_at: None,
            manager: 0,
            vouch: None,
            stepped_up: BTreeMap::new(),
            mail_bounces: false,
            diagnoses: BTreeMap::new(),
        }
    }

    /// The step of the one-time codes that are shown now.
    pub fn step(&self) -> i64 {
        self.now.and_utc().timestamp() / 30
    }

    pub fn is_fresh(&self, changed: Option<Time>) -> bool {
        changed.is_some_and(|at| self.now < at + hours(30 * 24))
    }

    /// The ticket that keeps the account's only place.
    pub fn open_ticket(&self) -> Option<usize> {
        self.tickets.iter().position(|ticket| match ticket.state {
            State::Unconfirmed | State::Completed | State::Closed => false,
            State::Frozen => !ticket.was_completed,
            _ => true,
        })
    }
}
