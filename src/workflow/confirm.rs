//! Confirming: the mailbox code typed into the ticket, or the host's word, brings it before the staff.

use secrecy::SecretString;

use super::requester::{self, Access, Status};
use super::verify::all_evidence;
use super::{Context, Counted, assess};
use crate::crypto::{Purpose, SealError};
use crate::db::challenges::{self, Challenge};
use crate::db::{self, Conn, accounts, apply, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::evidence::{Method, stands};
use crate::domain::ids::EvidenceId;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Bearer, Command, State, Ticket};
use crate::domain::totp::Code;
use crate::error::Error;

/// How many wrong codes kill a mailbox code.
const TRIES: i32 = 5;

/// A ticket that was confirmed.
pub struct Confirmed {
    /// What the requester sees.
    pub status: Status,
    /// A new token, for one who came back without.
    pub token: Option<SecretString>,
}

/// The mailbox code is typed: with the token of the browser that opened the ticket, or without, to come back.
///
/// # Errors
/// `NotFound` where the token does not fit; `WrongCode`, `TooManyTries`; without a token only ever `WrongCode`.
pub async fn confirm(
    ctx: &Context,
    reference: &str,
    token: Option<&str>,
    code: &str,
) -> Result<Confirmed, Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let (reference, token) = (reference.to_owned(), token.map(str::to_owned));
    let code = code.to_owned();
    ctx.write_counted(move |conn| {
        let access = match &token {
            Some(token) => requester::access_to_change(conn, &inner, &reference, token, now)?,
            None => match by_reference(conn, &inner, &reference, now)? {
                Some(access) => access,
                None => return Ok(Err(Rejection::WrongCode)),
            },
        };
        let access = on_file(conn, &inner, access, now)?;
        let answer = check(conn, &inner, &access.own, &code, now)?;
        match answer {
            Ok(()) => enter(conn, &inner, access, token.is_none(), now).map(Ok),
            Err(_) if token.is_none() => Ok(Err(Rejection::WrongCode)),
            Err(rejection) => Ok(Err(rejection)),
        }
    })
    .await
}

/// A code that went to an address that is no longer on file is void.
fn on_file(conn: &mut Conn, ctx: &Context, access: Access, now: Time) -> Result<Access, Error> {
    match access.account.clone() {
        Some(account) => access.follow(conn, ctx, &account, now),
        None => Ok(access),
    }
}

fn by_reference(conn: &mut Conn, ctx: &Context, reference: &str, now: Time) -> Result<Option<Access>, Error> {
    let reference = requester::parse_reference(reference);
    let account = accounts::lock_of_reference(conn, &reference)?;
    let Some(ticket) = tickets::find(conn, &reference)? else { return Ok(None) };
    Access::of(conn, ticket)?.settle(conn, ctx, account, now).map(Some)
}

/// Looks at the code, and counts a wrong one in the transaction that answers.
fn check(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &Ticket,
    code: &str,
    now: Time,
) -> Result<Counted<()>, Error> {
    let Some(challenge) = challenges::find(conn, &ticket.id)? else { return Ok(Err(Rejection::WrongCode)) };
    if challenge.tries >= TRIES {
        return Ok(Err(Rejection::TooManyTries(None)));
    }
    // Compared for unknown accounts too, so that they take as long.
    let right = is_right(ctx, ticket, &challenge, code)?;
    if right && ticket.account.is_some() && challenge.expires_at > now {
        challenges::end(conn, &ticket.id)?;
        return Ok(Ok(()));
    }
    challenges::count(conn, &challenge)?;
    Ok(Err(Rejection::WrongCode))
}

fn is_right(ctx: &Context, ticket: &Ticket, challenge: &Challenge, code: &str) -> Result<bool, SealError> {
    let Some(code) = Code::parse(code) else { return Ok(false) };
    let typed = code.text();
    let typed = secrecy::ExposeSecret::expose_secret(&typed);
    ctx.crypto.code_matches(Purpose::MailboxCode, &[ticket.id.as_str()], typed, &challenge.digest)
}

fn enter(
    conn: &mut Conn,
    ctx: &Context,
    mut access: Access,
    came_back: bool,
    now: Time,
) -> Result<Confirmed, Error> {
    if access.own.state == State::Unconfirmed {
        let account = access.account.as_ref().ok_or(Rejection::WrongCode)?;
        let (own, main) = enter_queue(conn, ctx, access.own.clone(), account, Method::MailboxCode, now)?;
        access.full = own.duplicate_of.is_none();
        (access.own, access.main) = (own, main);
    } else {
        access = recognise(conn, ctx, access, came_back, now)?;
    }
    let mut token = None;
    if came_back {
        let is_own = access.own.id == access.main.id;
        if (is_own || access.full) && access.main.state != State::Closed {
            access.main = apply(conn, &ctx.crypto, access.main.returned(now)?)?;
        }
        if is_own {
            access.own = access.main.clone();
        }
        token = Some(requester::new_token(conn, ctx, &access.own)?);
    }
    let mut status = requester::view(conn, ctx, &access)?;
    if !access.full {
        // Until the agent has decided nobody learns that there is another request.
        status.state = State::Open;
    }
    Ok(Confirmed { status, token })
}

/// The code is typed for a request that came before the staff already: the ticket may gain evidence, and whoever holds
/// the token, or gets a new one, is recognised.
fn recognise(
    conn: &mut Conn,
    ctx: &Context,
    mut access: Access,
    came_back: bool,
    now: Time,
) -> Result<Access, Error> {
    let is_main = access.own.id == access.main.id;
    if access.full {
        access.main = gain_evidence(conn, ctx, access.main, now)?;
    }
    if is_main {
        access.own = access.main.clone();
    }
    let is_known = match access.own.bearer {
        _ if access.own.mailbox_due => false,
        Bearer::Mailbox => true,
        Bearer::Session => !came_back,
        Bearer::Unknown => false,
    };
    // Coming back to the ticket itself is noted on it, and what is closed is over.
    let is_noted = is_main && (came_back || access.own.require(Command::Return).is_err());
    if !is_known && !is_noted {
        access.own = apply(conn, &ctx.crypto, access.own.recognised(now)?)?;
        if is_main {
            access.main = access.own.clone();
        }
    }
    Ok(access)
}

/// A ticket that an agent took unconfirmed, or whose mailbox code is of the day before, gains the mailbox as evidence;
/// while it counts, later codes add nothing.
fn gain_evidence(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<Ticket, Error> {
    let known = stands(&all_evidence(conn, &ticket)?, Method::MailboxCode, ctx.policy.evidence_lifetime, now);
    if known || ticket.require(Command::Confirm).is_err() {
        return Ok(ticket);
    }
    let id = EvidenceId::new(ctx.crypto.id(now));
    Ok(apply(conn, &ctx.crypto, ticket.confirm(Method::MailboxCode, id, &ctx.policy, now)?)?)
}

/// Brings an unconfirmed ticket of a locked account before the staff, or closes it as the duplicate of the account's
/// open one. Returns the request itself and the ticket that it is part of.
pub(super) fn enter_queue(
    conn: &mut Conn,
    ctx: &Context,
    mut ticket: Ticket,
    account: &Account,
    method: Method,
    now: Time,
) -> Result<(Ticket, Ticket), Error> {
    if account.removed_at.is_some() {
        return Err(Rejection::WrongCode.into());
    }
    if let Some(open) = tickets::find_open(conn, &account.id)? {
        let duplicate = apply(conn, &ctx.crypto, ticket.confirm_as_duplicate(method, open.id.clone(), now)?)?;
        let joined = open.second_request(&duplicate.id, &ctx.policy, now)?;
        return Ok((duplicate, apply(conn, &ctx.crypto, joined)?));
    }
    assess::assess(conn, ctx, &mut ticket, account, now)?;
    let evidence = EvidenceId::new(ctx.crypto.id(now));
    let confirmed = ticket.confirm(method, evidence, &ctx.policy, now)?;
    let ticket = apply(conn, &ctx.crypto, confirmed).map_err(slot_taken)?;
    Ok((ticket.clone(), ticket))
}

/// Another request of the account was confirmed at the same moment: look again.
pub(super) fn slot_taken(error: db::Error) -> db::Error {
    match error {
        db::Error::Unique(constraint) if constraint.is("tickets_slot") => db::Error::Stale,
        other => other,
    }
}
