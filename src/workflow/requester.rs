//! The requester's side: who may speak for a ticket, what they see, and what they say.

use secrecy::SecretString;

use super::code_limits::Cause;
use super::{Context, expire, open, readdress};
use crate::crypto::{Purpose, TokenKind, token_hash};
use crate::db::tokens::{self, Kind};
use crate::db::{Conn, accounts, apply, audit, limit_tokens, review, tickets, tokens_end};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::event::Action;
use crate::domain::ids::Reference;
use crate::domain::proof::Proof;
use crate::domain::rejection::Rejection;
use crate::domain::text::Text;
use crate::domain::ticket::{Bearer, CloseReason, MessageKind, State, Ticket};
use crate::error::Error;

pub use super::confirm::{Confirmed, confirm};

/// How many messages a requester may write on one ticket.
const MESSAGES: i64 = 50;
/// How many moments a timeline shows at most.
const MOMENTS: i64 = 300;

/// What a requester sees of a ticket.
#[derive(Debug, Clone)]
pub struct Status {
    /// What it is called.
    pub reference: Reference,
    /// Where it stands.
    pub state: State,
    /// Why it was closed.
    pub reason: Option<CloseReason>,
    /// When it was opened.
    pub opened_at: Time,
    /// Place in the queue, while it waits for an agent.
    pub position: Option<i64>,
    /// When the state ends by itself.
    pub ends_at: Option<Time>,
    /// What happened, oldest first.
    pub timeline: Vec<Moment>,
    /// What activation needs beside the code, once a key was sent.
    pub proof: Option<Proof>,
    /// How many consecutive codes activation takes, once a key was sent.
    pub codes: usize,
    /// Whether whoever asks was recognised; else they see the state alone, and may withdraw.
    pub is_known: bool,
    /// The two words that the help desk says first when it calls; only once the request was confirmed.
    pub call_words: Option<String>,
}

/// Something that happened, as the requester sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// What, in one word.
    pub kind: &'static str,
    /// What was written, where something was.
    pub text: Option<String>,
}

/// A ticket as far as the bearer of a token may touch it.
pub(super) struct Access {
    /// The request that the token belongs to.
    pub own: Ticket,
    /// The ticket itself: the same, or the one of which the request is a duplicate.
    pub main: Ticket,
    /// Whether the bearer may do more than read the status and stop it.
    pub full: bool,
    /// The account, locked: only for a change, and where there is one.
    pub account: Option<Account>,
}

impl Access {
    /// What may be done by way of a request: all where it is the only one, or was recorded as the person's own.
    pub(super) fn of(conn: &mut Conn, own: Ticket) -> Result<Self, Error> {
        let main = match &own.duplicate_of {
            Some(of) => tickets::get(conn, of)?,
            None => own.clone(),
        };
        let full = main.kept.as_ref().map_or(own.id == main.id, |kept| *kept == own.id);
        Ok(Self { own, main, full, account: None })
    }

    /// The same for a change, read after its account was locked: a ticket whose state's time has run out is expired first.
    pub(super) fn settle(
        mut self,
        conn: &mut Conn,
        ctx: &Context,
        account: Option<Account>,
        now: Time,
    ) -> Result<Self, Error> {
        self.account = account;
        self.main = expire::settle(conn, ctx, self.main, now)?;
        if self.own.id == self.main.id {
            self.own = self.main.clone();
        }
        Ok(self)
    }

    fn is_known(&self) -> bool {
        is_known(&self.own, &self.main)
    }

    /// As it is for the address on file now.
    pub(super) fn follow(
        mut self,
        conn: &mut Conn,
        ctx: &Context,
        account: &Account,
        now: Time,
    ) -> Result<Self, Error> {
        let is_main = self.own.id == self.main.id;
        self.main = readdress::follow(conn, ctx, self.main, account, now)?;
        self.own =
            if is_main { self.main.clone() } else { readdress::follow(conn, ctx, self.own, account, now)? };
        Ok(self)
    }

    /// What is anybody's to do who opened the request.
    fn require_own(&self) -> Result<(), Error> {
        if self.full { Ok(()) } else { Err(Rejection::OutOfOrder.into()) }
    }

    pub(super) fn require_full(&self) -> Result<(), Error> {
        if self.full && self.is_known() { Ok(()) } else { Err(Rejection::OutOfOrder.into()) }
    }

    /// The account of a ticket that is somebody's.
    pub(super) fn account(&self) -> Result<&Account, Error> {
        self.account.as_ref().ok_or_else(|| Rejection::OutOfOrder.into())
    }
}

/// Whether the bearer of a request typed the code of the mailbox, or came with a session: a name alone reads and tries
/// nothing.
fn is_known(own: &Ticket, main: &Ticket) -> bool {
    match own.bearer {
        Bearer::Unknown => false,
        Bearer::Session => true,
        // Of a duplicate it must have been the mailbox that is on file now.
        Bearer::Mailbox => own.address == main.address,
    }
}

/// A reference as people write it.
pub(super) fn parse_reference(written: &str) -> Reference {
    Reference::new(written.trim().to_ascii_uppercase())
}

/// Who may speak for which ticket: reference and token must fit, or the answer is as for unknown ones.
pub(super) fn access(conn: &mut Conn, reference: &str, token: &str, now: Time) -> Result<Access, Error> {
    let hash = token_hash(TokenKind::Ticket, token).ok_or(Rejection::NotFound)?;
    let row = tokens::find(conn, Kind::Ticket, &hash, now)?.ok_or(Rejection::NotFound)?;
    let own = tickets::get(conn, &row.ticket_id.ok_or(Rejection::NotFound)?)?;
    if own.reference != parse_reference(reference) {
        return Err(Rejection::NotFound.into());
    }
    Access::of(conn, own)
}

/// The same for a change: the account is locked, and a ticket whose state's time has run out is expired first.
pub(super) fn access_to_change(
    conn: &mut Conn,
    ctx: &Context,
    reference: &str,
    token: &str,
    now: Time,
) -> Result<Access, Error> {
    let hash = token_hash(TokenKind::Ticket, token).ok_or(Rejection::NotFound)?;
    let account = accounts::lock_of_token(conn, &hash)?;
    access(conn, reference, token, now)?.settle(conn, ctx, account, now)
}

/// What the requester sees.
///
/// # Errors
/// `NotFound`.
pub async fn status(ctx: &Context, reference: &str, token: &str) -> Result<Status, Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let (reference, token) = (reference.to_owned(), token.to_owned());
    ctx.db
        .read(move |conn| {
            let access = access(conn, &reference, &token, now)?;
            view(conn, &inner, &access)
        })
        .await
}

/// Writes to the staff; a ticket that waited for it goes on.
///
/// # Errors
/// `NotFound`, `Invalid`, `OutOfOrder`, `TooManyTries`, `LimitReached`.
pub async fn reply(ctx: &Context, reference: &str, token: &str, text: String) -> Result<Status, Error> {
    let text = Text::parse(&text).ok_or(Rejection::Invalid("message: 1 to 4000 characters"))?;
    change(ctx, reference, token, Access::require_full, move |conn, ctx, ticket, now| {
        if review::count_answers(conn, &ticket.id)? >= MESSAGES {
            return Err(Rejection::TooManyTries(None).into());
        }
        super::review::require_room(conn, &ticket.id, &[MessageKind::Answer], now)?;
        let answered = ticket.answer(&ctx.policy, text.as_str().to_owned(), now)?;
        Ok(apply(conn, &ctx.crypto, answered)?)
    })
    .await
}

/// Withdraws the ticket; a key that was sent dies.
///
/// # Errors
/// `NotFound`, `OutOfOrder`.
pub async fn withdraw(ctx: &Context, reference: &str, token: &str) -> Result<Status, Error> {
    change(ctx, reference, token, Access::require_own, |conn, ctx, ticket, now| {
        Ok(apply(conn, &ctx.crypto, ticket.withdraw(now)?)?)
    })
    .await
}

/// Sends a new mailbox code, to come back without the token; nobody learns whether it was sent. A network is heard as
/// often in an hour as it may open tickets.
///
/// # Errors
/// `TooManyTries` from such a network, which it is not told.
pub async fn come_back(ctx: &Context, reference: &str, network: Option<String>) -> Result<(), Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let reference = parse_reference(reference);
    let former = network.as_ref().map(|one| ctx.crypto.former_indexes(Purpose::Network, &[], one));
    let network = network.map(|network| ctx.crypto.index(Purpose::Network, &[], &network));
    ctx.write_counted(move |conn| {
        if open::may_ask(conn, &inner, "returns", network.as_deref(), now)?.is_err() {
            return Ok(Err(Rejection::TooManyTries(None)));
        }
        // The same work where there is no account: who opened a ticket for an unknown one would learn it here.
        let account = accounts::lock_of_reference(conn, &reference)?;
        let Some(ticket) = tickets::find(conn, &reference)? else { return Ok(Ok(())) };
        if !goes_on(conn, &ticket)? {
            return Ok(Ok(()));
        }
        let name = account.as_ref().map_or(reference.as_str(), |account| &account.email);
        let ticket = match &account {
            Some(account) if ticket.account.is_some() => {
                readdress::follow(conn, &inner, ticket, account, now)?
            }
            _ => ticket,
        };
        // By the digest that the network's earlier tickets have.
        let known = tickets::find_network(conn, former.as_deref().unwrap_or_default())?;
        let cause = Cause::Network(known.as_ref().or(network.as_ref()).map(String::as_str));
        open::send_code(conn, &inner, &ticket, account.as_ref(), name, cause, now)?;
        Ok(Ok(limit_tokens(conn, &ticket, now)?))
    })
    .await
}

/// What is closed is over, unless it was recorded as the person's own: then the ticket that it is part of goes on.
fn goes_on(conn: &mut Conn, request: &Ticket) -> Result<bool, Error> {
    if request.state != State::Closed || request.duplicate_of.is_none() {
        return Ok(request.state != State::Closed);
    }
    let access = Access::of(conn, request.clone())?;
    Ok(access.full && access.main.state != State::Closed)
}

/// One change by the bearer of a token, and the view after it.
async fn change<F>(
    ctx: &Context,
    reference: &str,
    token: &str,
    may: fn(&Access) -> Result<(), Error>,
    work: F,
) -> Result<Status, Error>
where
    F: Fn(&mut Conn, &Context, Ticket, Time) -> Result<Ticket, Error> + Send + 'static,
{
    let (now, inner) = (ctx.now(), ctx.clone());
    let (reference, token) = (reference.to_owned(), token.to_owned());
    ctx.write(move |conn| {
        let mut access = access_to_change(conn, &inner, &reference, &token, now)?;
        may(&access)?;
        access.main = work(conn, &inner, access.main.clone(), now)?;
        view(conn, &inner, &access)
    })
    .await
}

pub(super) fn view(conn: &mut Conn, ctx: &Context, access: &Access) -> Result<Status, Error> {
    let ticket = &access.main;
    if !access.is_known() {
        return Ok(state_alone(access));
    }
    let key_sent = ticket.state == State::KeySent;
    Ok(Status {
        reference: access.own.reference.clone(),
        state: ticket.state,
        reason: ticket.reason,
        opened_at: access.own.opened_at,
        position: tickets::position(conn, ticket)?,
        ends_at: ticket.expires_at,
        timeline: if access.full { timeline(conn, ticket)? } else { own_beginning(&access.own) },
        proof: key_sent.then(|| ticket.proof(&ctx.policy)),
        // The tier of an account is nobody's business before a key was sent.
        codes: if key_sent { ctx.policy.tier(ticket.tier).codes } else { 1 },
        is_known: true,
        call_words: call_words(ctx, &access.own, ticket),
    })
}

fn state_alone(access: &Access) -> Status {
    let own = &access.own;
    Status {
        reference: own.reference.clone(),
        state: access.main.state,
        reason: access.main.reason,
        opened_at: own.opened_at,
        position: None,
        ends_at: own.expires_at.filter(|_| own.state == State::Unconfirmed),
        timeline: own_beginning(own),
        proof: None,
        codes: 1,
        is_known: false,
        call_words: None,
    }
}

/// The words of a request, while a call may come. The desk is shown them only where the page of the request has them:
/// else a person would miss them, and hang up on the help desk.
pub(super) fn call_words(ctx: &Context, own: &Ticket, main: &Ticket) -> Option<String> {
    let may_be_called = main.occupies_slot() && main.state != State::Frozen;
    (may_be_called && is_known(own, main)).then(|| ctx.crypto.call_words(own.id.as_str()))
}

/// What one who may only read the status sees: that they asked, and no more.
fn own_beginning(own: &Ticket) -> Vec<Moment> {
    let confirmed_at = own.confirmed_at.filter(|_| own.bearer != Bearer::Unknown);
    [(Some(own.opened_at), Action::Opened), (confirmed_at, Action::Confirmed)]
        .into_iter()
        .filter_map(|(at, action)| at.map(|at| Moment { at, kind: action.as_str(), text: None }))
        .collect()
}

fn timeline(conn: &mut Conn, ticket: &Ticket) -> Result<Vec<Moment>, Error> {
    let mut moments: Vec<Moment> = audit::timeline(conn, &ticket.id, MOMENTS)?
        .into_iter()
        .filter_map(|entry| shown(&entry.action).map(|kind| Moment { at: entry.at, kind, text: None }))
        .collect();
    let messages = review::list_messages(conn, &ticket.id)?;
    moments.extend(
        messages.into_iter().filter(|message| message.kind != MessageKind::Note).map(|message| Moment {
            at: message.at,
            kind: message.kind.as_str(),
            text: Some(message.body),
        }),
    );
    moments.sort_by_key(|moment| moment.at);
    Ok(moments)
}

/// What a requester is shown of the audit log: what became of their ticket, and not who did what.
fn shown(action: &str) -> Option<&'static str> {
    const SHOWN: [Action; 14] = [
        Action::Opened,
        Action::Confirmed,
        Action::Returned,
        Action::Claimed,
        Action::Resumed,
        Action::KeySent,
        Action::KeyReissued,
        Action::Completed,
        Action::Rejected,
        Action::Withdrawn,
        Action::Closed,
        Action::Expired,
        Action::Frozen,
        Action::Thawed,
    ];
    SHOWN.iter().map(|shown| shown.as_str()).find(|word| *word == action)
}

/// A token that takes the place of the former ones of a ticket.
pub(super) fn new_token(conn: &mut Conn, ctx: &Context, ticket: &Ticket) -> Result<SecretString, Error> {
    let (token, hash) = ctx.crypto.token(TokenKind::Ticket);
    tokens::end(conn, &ticket.id, Kind::Ticket)?;
    tokens::end(conn, &ticket.id, Kind::SetAside)?;
    let row = tokens::NewToken {
        hash,
        kind: Kind::Ticket,
        ticket_id: Some(ticket.id.clone()),
        account_id: None,
        authenticator_id: None,
        expires_at: tokens_end(ticket),
    };
    tokens::insert(conn, row)?;
    Ok(token)
}
