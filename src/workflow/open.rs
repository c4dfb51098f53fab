//! Opening a ticket: the same work and the same answer, whether the account exists or not.
//!
//! Without a session the ticket starts unconfirmed, and a code goes to the address on file, at most a few a day.

use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::applications::{find_account, find_account_of};
use super::assertions::{self, Attested};
use super::code_limits::{self, Cause};
use super::owner::OwnerSession;
use super::{Context, confirm};
use crate::crypto::{Purpose, TokenKind};
use crate::db::challenges::{self, Challenge};
use crate::db::letters::{self, About, Fate};
use crate::db::throttles::{self, Counter};
use crate::db::tokens::{self, Kind, NewToken};
use crate::db::{self, Conn, accounts, apply, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::address::EmailAddress;
use crate::domain::evidence::Method;
use crate::domain::ids::{AccountId, Reference, TicketId};
use crate::domain::letter::{Content, Letter};
use crate::domain::policy::Tier;
use crate::domain::rejection::{Limit, Rejection};
use crate::domain::text::{DisplayName, ExternalId, Text};
use crate::domain::ticket::{Bearer, Problem, Standing, State, Ticket};
use crate::error::Error;

/// How long a mailbox code is good.
pub(super) const CODE_LIFETIME: Duration = Duration::minutes(15);
/// Requests for one account by its application's word, or from its own session, within 24 hours: each of them undoes
/// what was approved before.
const ATTESTED_PER_DAY: u32 = 3;

/// What a person asks for.
#[derive(Clone)]
pub struct Request {
    /// An address, or the application's name for the account.
    pub account: String,
    /// The application that is meant, by name; without it a name that fits accounts of several fits none.
    pub application: Option<String>,
    /// What is wrong.
    pub problem: Problem,
    /// In their words; may be empty.
    pub message: String,
    /// The network that the request came from.
    pub network: Option<String>,
}

/// What a ticket will be called and the token that will speak for its requester. Drawn before it is opened, so that the
/// answer can be kept with it.
pub struct Opening {
    /// What to call it.
    pub reference: Reference,
    /// `rk_tkt_…`
    pub token: SecretString,
    token_hash: String,
}

impl Opening {
    /// Draws both.
    #[must_use]
    pub fn draw(ctx: &Context) -> Self {
        let (token, token_hash) = ctx.crypto.token(TokenKind::Ticket);
        Self { reference: Reference::new(ctx.crypto.reference()), token, token_hash }
    }
}

/// A request whose words were looked at, with everything drawn that it needs.
#[derive(Clone)]
struct Draft {
    account: String,
    application: Option<String>,
    problem: Problem,
    message: String,
    network: Option<String>,
    /// The digests that former versions had of the network.
    former_networks: Vec<String>,
    id: TicketId,
    reference: Reference,
    token_hash: String,
}

impl Draft {
    fn of(ctx: &Context, request: Request, opening: &Opening, now: Time) -> Result<Self, Error> {
        let account = request.account.trim().to_owned();
        let named = EmailAddress::parse(&account)
            .map(|address| address.as_str().to_owned())
            .or_else(|| ExternalId::parse(&account).map(|id| id.as_str().to_owned()))
            .ok_or(Rejection::Invalid("account: give the e-mail address or the id of one account"))?;
        let application = request.application.map(|name| {
            let name = DisplayName::parse(&name).map(|name| name.as_str().to_owned());
            name.ok_or(Rejection::Invalid("application: give the name of one application"))
        });
        let message = match request.message.trim() {
            "" => String::new(),
            text => Text::parse(text)
                .ok_or(Rejection::Invalid("message: at most 4000 characters"))?
                .as_str()
                .to_owned(),
        };
        let network = request.network.as_ref().map(|one| ctx.crypto.index(Purpose::Network, &[], one));
        let former_networks =
            request.network.map(|one| ctx.crypto.former_indexes(Purpose::Network, &[], &one));
        let draft = Self {
            account: named,
            application: application.transpose()?,
            problem: request.problem,
            message,
            network,
            former_networks: former_networks.unwrap_or_default(),
            id: TicketId::new(ctx.crypto.id(now)),
            reference: opening.reference.clone(),
            token_hash: opening.token_hash.clone(),
        };
        Ok(draft)
    }

    fn ticket(&self, account: Option<&Account>, now: Time) -> Ticket {
        Ticket {
            id: self.id.clone(),
            reference: self.reference.clone(),
            account: account.map(|account| account.id.clone()),
            state: State::Unconfirmed,
            reason: None,
            problem: self.problem,
            tier: account.map_or(Tier::Standard, |account| account.tier),
            address: account.map(|account| account.email.clone()),
            opened_at: now,
            state_since: now,
            expires_at: None,
            confirmed_at: None,
            bearer: Bearer::Unknown,
            mailbox_due: false,
            holder: None,
            approved_at: None,
            due_at: None,
            due_left: None,
            pin_made: false,
            reissues: 0,
            duplicate_of: None,
            kept: None,
            undecided: false,
            frozen_from: None,
            diagnoses: 0,
            network: self.network.clone(),
            standing: Standing::default(),
            version: 0,
        }
    }
}

/// Opens a ticket without a session: it is unconfirmed until the mailbox code is typed.
///
/// # Errors
/// `Invalid`, or `TooManyTries` where the network has opened too many.
pub async fn submit(ctx: &Context, request: Request, opening: &Opening) -> Result<(), Error> {
    let now = ctx.now();
    let draft = Draft::of(ctx, request, opening, now)?;
    let inner = ctx.clone();
    ctx.write(move |conn| {
        let account = find_account(conn, &draft.account, draft.application.as_deref())?;
        let account = lock(conn, account.as_ref())?;
        let ticket = store(conn, &inner, &draft, account.as_ref(), now)?;
        let from = Cause::Network(ticket.network.as_deref());
        send_code(conn, &inner, &ticket, account.as_ref(), &draft.account, from, now)
    })
    .await
}

/// Opens a ticket for a person who is signed in at a host, by the host's signed word.
///
/// # Errors
/// `Unauthenticated` where the assertion is not good or not of this account; `Invalid`, `TooManyTries`, `LimitReached`.
pub async fn submit_signed_in(
    ctx: &Context,
    request: Request,
    assertion: &str,
    opening: &Opening,
) -> Result<(), Error> {
    let attested = assertions::verify(ctx, assertion).await?;
    submit_attested(ctx, request, attested, opening).await
}

async fn submit_attested(
    ctx: &Context,
    request: Request,
    attested: Attested,
    opening: &Opening,
) -> Result<(), Error> {
    let now = ctx.now();
    let draft = Draft::of(ctx, request, opening, now)?;
    let inner = ctx.clone();
    ctx.write(move |conn| {
        let client = attested.client();
        if draft.application.as_ref().is_some_and(|name| *name != client.name) {
            return Err(Error::Unauthenticated);
        }
        let account = find_account_of(conn, &client.id, &draft.account)?;
        let account = lock(conn, account.as_ref())?.ok_or(Error::Unauthenticated)?;
        attested.use_for(conn, &account, now)?;
        count_attested(conn, &account, now)?;
        let ticket = store(conn, &inner, &draft, Some(&account), now)?;
        confirm::enter_queue(conn, &inner, ticket, &account, Method::HostSession, now)?;
        Ok(())
    })
    .await
}

/// Opens a ticket for the owner who is signed in at the account pages: the session is the evidence.
///
/// # Errors
/// `Unauthenticated` where a code is still awaited; `Invalid`, `TooManyTries`, `LimitReached`.
pub async fn submit_from_session(
    ctx: &Context,
    who: &OwnerSession,
    problem: Problem,
    message: String,
    network: Option<String>,
    opening: &Opening,
) -> Result<(), Error> {
    who.require_full()?;
    let now = ctx.now();
    let request = Request { account: who.email.clone(), application: None, problem, message, network };
    let draft = Draft::of(ctx, request, opening, now)?;
    let (inner, caller) = (ctx.clone(), who.caller());
    ctx.write(move |conn| {
        let account = caller.account(conn, &inner, now)?;
        count_attested(conn, &account, now)?;
        let ticket = store(conn, &inner, &draft, Some(&account), now)?;
        confirm::enter_queue(conn, &inner, ticket, &account, Method::HostSession, now)?;
        Ok(())
    })
    .await
}

/// Counts a request that no code confirms, for an account that is locked.
fn count_attested(conn: &mut Conn, account: &Account, now: Time) -> Result<(), Error> {
    let counter = Counter { name: "requests", subject: account.id.as_str(), window: Duration::days(1) };
    let room = throttles::take(conn, &counter, ATTESTED_PER_DAY, now)?;
    room.map_err(|until| Rejection::LimitReached(Limit::Requests, Some(until)).into())
}

/// The account that was found, locked until the transaction ends. Where there is none, one is looked for all the same: an
/// unknown account costs as much.
fn lock(conn: &mut Conn, found: Option<&Account>) -> Result<Option<Account>, Error> {
    let id = found.map_or_else(|| AccountId::new("nobody"), |account| account.id.clone());
    match accounts::lock(conn, &id) {
        Ok(account) if found.is_some_and(|found| found.version == account.version) => Ok(Some(account)),
        // It may be called something else by now.
        Ok(_) => Err(db::Error::Stale.into()),
        Err(db::Error::NotFound) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

fn store(
    conn: &mut Conn,
    ctx: &Context,
    draft: &Draft,
    account: Option<&Account>,
    now: Time,
) -> Result<Ticket, Error> {
    if let Err(until) = may_ask(conn, ctx, "tickets", draft.network.as_deref(), now)? {
        return Err(Rejection::TooManyTries(Some(until)).into());
    }
    let mut ticket = draft.ticket(account, now);
    // A network keeps the digest that its earlier tickets have, or it would count as new for each of its accounts.
    ticket.network = tickets::find_network(conn, &draft.former_networks)?.or(ticket.network);
    let submitted = ticket.submitted(&ctx.policy, draft.message.clone(), now);
    let ticket = apply(conn, &ctx.crypto, submitted)?;
    let token = NewToken {
        hash: draft.token_hash.clone(),
        kind: Kind::Ticket,
        ticket_id: Some(ticket.id.clone()),
        account_id: None,
        authenticator_id: None,
        expires_at: None,
    };
    tokens::insert(conn, token)?;
    Ok(ticket)
}

/// Counts what a network asks for without an account, or says when it may ask again.
pub(super) fn may_ask(
    conn: &mut Conn,
    ctx: &Context,
    what: &str,
    network: Option<&str>,
    now: Time,
) -> Result<Result<(), Time>, Error> {
    let Some(network) = network else { return Ok(Ok(())) };
    let counter = Counter { name: what, subject: network, window: Duration::hours(1) };
    throttles::lock(conn, &counter)?;
    Ok(throttles::take(conn, &counter, ctx.config.limits.tickets_per_hour, now)?)
}

/// A new mailbox code goes to the address on file; to nobody where there is none, or too many went there today. Then
/// the former code stays, its tries counted: whoever asks for new codes gets no more guesses by it.
pub(super) fn send_code(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &Ticket,
    account: Option<&Account>,
    name: &str,
    cause: Cause<'_>,
    now: Time,
) -> Result<(), Error> {
    let code = ctx.crypto.mailbox_code();
    let digest = ctx.crypto.code_digest(Purpose::MailboxCode, &[ticket.id.as_str()], code.expose_secret());
    let expires_at = now + CODE_LIFETIME;
    let to = ticket.address.clone().unwrap_or_else(|| name.to_owned());
    let within_limit = code_limits::may_write_to(conn, ctx, account, &to, cause, now)?;
    let fate = if account.is_some() && within_limit { Fate::Send } else { Fate::Drop };
    let former = challenges::find(conn, &ticket.id)?;
    let new = Challenge { ticket_id: ticket.id.clone(), digest, expires_at, tries: 0 };
    let challenge = match (fate, former) {
        (Fate::Send, _) => new,
        (Fate::Drop, Some(former)) => former,
        // The empty digest fits no code: one that nobody was sent is not guessed either.
        (Fate::Drop, None) => Challenge { digest: String::new(), ..new },
    };
    challenges::put(conn, challenge)?;
    let about =
        About { ticket: Some(&ticket.id), account: account.map(|account| &account.id), authenticator: None };
    let letter = Letter { to, content: Content::MailboxCode { code, expires_at } };
    letters::insert(conn, &ctx.crypto, about, &letter, fate, now)?;
    Ok(())
}
