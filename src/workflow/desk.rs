//! What the staff see: the queues here, one ticket in `ticket`.
//!
//! The rule: a number of queries that does not grow with the rows, and accounts masked for all who need not know.

mod letter_seen;
mod log;
mod looking;
mod overview;
mod requests;
mod ticket;
mod timeline;

use std::collections::HashMap;

use super::Context;
use super::applications::Names;
use super::session::StaffSession;
use crate::db::tickets::{self, After, Search};
use crate::db::{Conn, accounts, delivery, letters, staff};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Rank;
use crate::domain::address::EmailAddress;
use crate::domain::ids::{AccountId, Reference, StaffId, TicketId};
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{CloseReason, Problem, State, Ticket};
use crate::error::Error;
pub use letter_seen::LetterSeen;
pub use log::{LogAsked, LogPage, Logged, log};
pub(super) use looking::sweep as forget_lookers;
pub use looking::{Glance, look};
pub use overview::{Outcome, Overview, Reach, Step, Sums, overview};
pub use requests::RequestSeen;
pub use ticket::{ApprovalGiven, DeskTicket, EvidenceSeen, MethodSeen, PolicySeen, ticket};
pub use timeline::{Moment, Source};

/// The most rows of a page.
pub const MOST: i64 = 100;

/// A list of tickets that staff work through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Not confirmed yet.
    Unconfirmed,
    /// Waiting for an agent.
    Unassigned,
    /// Held by the one who asks.
    Mine,
    /// Waiting for another approval.
    AwaitingApproval,
    /// Waiting for the requester.
    Waiting,
    /// With a letter that could not be delivered.
    Delivery,
    /// Everything that has not ended.
    Open,
    /// Everything that has.
    Closed,
}

impl Queue {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Unconfirmed,
        Self::Unassigned,
        Self::Mine,
        Self::AwaitingApproval,
        Self::Waiting,
        Self::Delivery,
        Self::Open,
        Self::Closed,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Unassigned => "unassigned",
            Self::Mine => "mine",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Waiting => "waiting",
            Self::Delivery => "delivery",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// The queue that the word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == word)
    }

    /// Where it is read from; none for `delivery`, which has a table of its own.
    fn of(self, who: &StaffId) -> Option<tickets::Queue> {
        Some(match self {
            Self::Unconfirmed => tickets::Queue::State(State::Unconfirmed),
            Self::Unassigned => tickets::Queue::State(State::Open),
            Self::Mine => tickets::Queue::Holder(who.clone()),
            Self::AwaitingApproval => tickets::Queue::State(State::AwaitingApproval),
            Self::Waiting => tickets::Queue::State(State::Waiting),
            Self::Delivery => return None,
            Self::Open => tickets::Queue::Live,
            Self::Closed => tickets::Queue::Over,
        })
    }
}

/// What is asked of a list.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Which queue; without one, those that wait for an agent, or every ticket where something is searched for.
    pub queue: Option<Queue>,
    /// A reference, or the address on file or external id of accounts at any application.
    pub search: Option<String>,
    /// Where the former page ended.
    pub cursor: Option<String>,
    /// How many rows, 1 to [`MOST`].
    pub limit: i64,
}

/// An account, as much of it as the one who asks may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSeen {
    /// Whether everything but the masked address is left out.
    pub is_masked: bool,
    /// The address on file, perhaps masked.
    pub email: String,
    /// The application that it belongs to; none where one application is set up.
    pub application: Option<String>,
    /// What is shown only in full.
    pub full: Option<AccountFull>,
}

/// What only the holder, approvers and admins see of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFull {
    /// The person's name.
    pub name: String,
    /// The host's name for the account.
    pub external_id: String,
    /// The number that may be called; none where there is none on file or it is new.
    pub phone: Option<String>,
    /// The manager on file.
    pub manager_email: Option<String>,
    /// Whether the host asks for codes.
    pub two_factor: TwoFactor,
    /// The tier that the host gave it.
    pub tier: Tier,
    /// When it was first put.
    pub created_at: Time,
}

/// One ticket in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What people call it.
    pub reference: Reference,
    /// Where it stands.
    pub state: State,
    /// Why it was closed.
    pub reason: Option<CloseReason>,
    /// What the requester said is wrong.
    pub problem: Problem,
    /// What the reset needs.
    pub tier: Tier,
    /// Whose account; masked.
    pub account: AccountSeen,
    /// When it was submitted.
    pub opened_at: Time,
    /// Since when it stands where it stands.
    pub state_since: Time,
    /// By when it should be answered.
    pub due_at: Option<Time>,
    /// When its state ends by itself.
    pub expires_at: Option<Time>,
    /// Who has it.
    pub holder: Option<String>,
    /// Whether that is the one who asks.
    pub is_mine: bool,
    /// The names of the others who look at it now.
    pub lookers: Vec<String>,
    /// When its code was held back, because its address had its share: nobody can confirm it.
    pub code_held_back_at: Option<Time>,
    /// Goes up with each change.
    pub version: i32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its rows, by next deadline.
    pub items: Vec<Row>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// One page of a queue.
///
/// # Errors
/// `RoleTooLow` for auditors, `Invalid` for a limit or cursor that is none.
pub async fn list(ctx: &Context, who: &StaffSession, asked: Asked) -> Result<Page, Error> {
    if who.actor.rank < Rank::Agent {
        return Err(Rejection::RoleTooLow.into());
    }
    if !(1..=MOST).contains(&asked.limit) {
        return Err(Rejection::Invalid("limit is not between 1 and 100").into());
    }
    let after = match &asked.cursor {
        Some(cursor) => Some(read_cursor(cursor).ok_or(Rejection::Invalid("cursor is none of ours"))?),
        None => None,
    };
    let words = asked.search.as_deref().map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned);
    let queue = match (asked.queue, &words) {
        (Some(queue), _) => queue.of(&who.actor.id),
        (None, None) => Queue::Unassigned.of(&who.actor.id),
        (None, Some(_)) => Some(tickets::Queue::All),
    };
    let (me, limit, now) = (who.actor.id.clone(), asked.limit, ctx.now());
    ctx.db
        .read(move |conn| {
            let search = match &words {
                Some(words) => match find(conn, words)? {
                    Some(search) => Some(search),
                    None => return Ok(Page { items: Vec::new(), next: None }),
                },
                None => None,
            };
            let (search, after) = (search.as_ref(), after.as_ref());
            let mut found = match &queue {
                Some(queue) => tickets::list(conn, queue, search, after, limit + 1)?,
                None => delivery::list(conn, search, after, limit + 1)?,
            };
            let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let next = found.last().filter(|_| more).map(write_cursor);
            Ok(Page { items: rows(conn, found, &me, now)?, next })
        })
        .await
}

/// What the words name, if anything: a reference, or accounts by address on file or external id.
fn find(conn: &mut Conn, words: &str) -> Result<Option<Search>, Error> {
    if let Some(reference) = reference(words) {
        return Ok(Some(Search::Reference(reference)));
    }
    let mut found = accounts::list_by_external_id(conn, words)?;
    if let Some(email) = EmailAddress::parse(words) {
        found.extend(accounts::list_by_email(conn, email.as_str())?);
    }
    let found: Vec<AccountId> = found.into_iter().map(|account| account.id).collect();
    Ok((!found.is_empty()).then_some(Search::Accounts(found)))
}

/// `rk-7q4m 2xkd` as it would be written: `RK-7Q4M-2XKD`.
fn reference(words: &str) -> Option<Reference> {
    let bare: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
    let bare = bare.to_ascii_uppercase();
    let (first, second) = bare.strip_prefix("RK").filter(|rest| rest.len() == 8)?.split_at_checked(4)?;
    Some(Reference::new(format!("RK-{first}-{second}")))
}

fn rows(conn: &mut Conn, found: Vec<Ticket>, me: &StaffId, now: Time) -> Result<Vec<Row>, Error> {
    let ids: Vec<AccountId> = found.iter().filter_map(|ticket| ticket.account.clone()).collect();
    let accounts: HashMap<AccountId, Account> =
        accounts::list(conn, ids)?.into_iter().map(|account| (account.id.clone(), account)).collect();
    let holders: Vec<StaffId> = found.iter().filter_map(|ticket| ticket.holder.clone()).collect();
    let names: HashMap<StaffId, String> = staff::names(conn, holders)?.into_iter().collect();
    let applications = Names::load(conn)?;
    let looks = looking::list(conn, found.iter().map(|ticket| ticket.id.clone()).collect(), now)?;
    let held_back = held_back(conn, &found)?;
    Ok(found
        .into_iter()
        .filter_map(|ticket| {
            let account = accounts.get(ticket.account.as_ref()?)?;
            Some(Row {
                account: AccountSeen {
                    is_masked: true,
                    email: masked(&account.email),
                    application: applications.of(account),
                    full: None,
                },
                holder: ticket.holder.as_ref().and_then(|id| names.get(id).cloned()),
                is_mine: ticket.holder.as_ref() == Some(me),
                lookers: looking::others(looks.iter().cloned(), &ticket.id, me),
                code_held_back_at: held_back.get(&ticket.id).copied(),
                reference: ticket.reference,
                state: ticket.state,
                reason: ticket.reason,
                problem: ticket.problem,
                tier: ticket.tier,
                opened_at: ticket.opened_at,
                state_since: ticket.state_since,
                due_at: ticket.due_at,
                expires_at: ticket.expires_at,
                version: ticket.version,
            })
        })
        .collect())
}

/// When the codes of these tickets were held back, where they were and are still of use.
fn held_back(conn: &mut Conn, of: &[Ticket]) -> Result<HashMap<TicketId, Time>, Error> {
    let waiting: Vec<TicketId> =
        of.iter().filter(|ticket| ticket.awaits_code()).map(|ticket| ticket.id.clone()).collect();
    if waiting.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(letters::list_codes_held_back(conn, &waiting)?.into_iter().collect())
}

fn masked(address: &str) -> String {
    EmailAddress::parse(address).map_or_else(|| "•••".to_owned(), |address| address.masked())
}

fn write_cursor(ticket: &Ticket) -> String {
    let at = ticket.queue_at().and_utc().timestamp();
    format!("{at}.{}", ticket.id)
}

fn read_cursor(cursor: &str) -> Option<After> {
    let (at, id) = cursor.split_once('.')?;
    let at = chrono::DateTime::from_timestamp(at.parse().ok()?, 0)?.naive_utc();
    is_id(id).then(|| After { queue_at: at, id: TicketId::new(id) })
}

/// Whether a cursor holds one of our ids.
fn is_id(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_known_however_it_is_typed() {
        for typed in ["RK-7Q4M-2XKD", " rk-7q4m-2xkd ", "rk7q4m2xkd", "RK 7Q4M 2XKD"] {
            assert_eq!(reference(typed), Some(Reference::new("RK-7Q4M-2XKD")), "{typed}");
        }
        for typed in ["", "RK-7Q4M", "ada@example.com", "7Q4M-2XKD", "RK-7Q4M-2XKDX"] {
            assert_eq!(reference(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_cursor_that_we_did_not_write_is_none() {
        for cursor in ["", "!", "MTIzNA", "MTIzLCcgT1IgMT0x"] {
            assert_eq!(read_cursor(cursor), None, "{cursor}");
        }
    }

    #[test]
    fn queues_have_one_word_each() {
        for queue in Queue::ALL {
            assert_eq!(Queue::parse(queue.as_str()), Some(queue));
        }
    }
}
