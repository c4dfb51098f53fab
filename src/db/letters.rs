//! The outbox: letters wait here, sealed, until the mail server has accepted them.
//!
//! The payload is gone in the same transaction that marks a letter accepted, bounced or dead.

use diesel::prelude::*;
use secrecy::SecretString;

use super::conn::on_both;
pub use super::letter_row::{Row, reseal};
use super::rows;
use super::schema::letters;
use super::tokens::{self, NewToken};
use super::{Conn, Error, account_addresses, accounts, authenticators, payload};
use crate::crypto::{Crypto, Purpose, TokenKind};
use crate::domain::Time;
use crate::domain::ids::{AccountId, AuthenticatorId, LetterId, TicketId};
use crate::domain::letter::{Content, Letter};

/// What a letter is about.
#[derive(Clone, Copy, Default)]
pub struct About<'a> {
    /// A ticket.
    pub ticket: Option<&'a TicketId>,
    /// An account.
    pub account: Option<&'a AccountId>,
    /// The key that it carries.
    pub authenticator: Option<&'a AuthenticatorId>,
}

/// Whether a letter will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It will.
    Send,
    /// It is written and never sent, so that an unknown account costs as much as a known one. Its stop token is
    /// over when it is made, and both are forgotten: see [`super::dropped`].
    Drop,
}

/// Puts a letter into the outbox, with a stop token of its own for "this wasn't me".
///
/// # Errors
/// Of the database, or `Sealed`.
pub fn insert(
    conn: &mut Conn,
    crypto: &Crypto,
    about: About<'_>,
    letter: &Letter,
    fate: Fate,
    now: Time,
) -> Result<(), Error> {
    let id = LetterId::new(crypto.id(now));
    let stop = stop_token(conn, crypto, about, letter, fate, now)?;
    let payload = payload::encode(letter, stop.as_ref());
    let purpose = letter.content.purpose();
    let sealed = crypto.seal(Purpose::Letter, &[id.as_str(), &letter.to, purpose.as_str()], &payload);
    let send = fate == Fate::Send;
    let mut row = Row {
        id,
        ticket_id: about.ticket.cloned(),
        account_id: about.account.cloned(),
        authenticator_id: about.authenticator.cloned(),
        purpose: purpose.as_str().to_owned(),
        recipient: if send { letter.to.clone() } else { String::new() },
        message_id: crypto.message_id(),
        state: if send { "queued" } else { "dropped" }.to_owned(),
        attempts: 0,
        doubts: 0,
        next_at: send.then_some(now),
        claimed_until: None,
        payload: send.then_some(sealed),
        error: None,
        expires_at: expiry(&letter.content),
        created_at: now,
        state_at: now,
        refuses_us: false,
        mac: None,
    };
    row.mac = Some(rows::sign(conn, &row)?);
    diesel::insert_into(letters::table).values(row).execute(conn)?;
    Ok(())
}

/// Every address of an account: the one on file first, then the others and the former ones, each once.
///
/// # Errors
/// `NotFound`.
pub fn addresses(conn: &mut Conn, account: &AccountId) -> Result<Vec<String>, Error> {
    let mut all = vec![accounts::get(conn, account)?.email];
    all.extend(account_addresses::list(conn, account)?.into_iter().map(|other| other.address));
    Ok(once_each(all))
}

pub(super) fn once_each(mut addresses: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(address.to_ascii_lowercase()));
    addresses
}

/// Puts a letter to every address of the account into the outbox.
///
/// # Errors
/// As [`insert`].
pub fn tell_everyone(
    conn: &mut Conn,
    crypto: &Crypto,
    about: About<'_>,
    content: &Content,
    now: Time,
) -> Result<(), Error> {
    let Some(account) = about.account else { return Ok(()) };
    for to in addresses(conn, account)? {
        insert(conn, crypto, about, &Letter { to, content: content.clone() }, Fate::Send, now)?;
    }
    Ok(())
}

fn stop_token(
    conn: &mut Conn,
    crypto: &Crypto,
    about: About<'_>,
    letter: &Letter,
    fate: Fate,
    now: Time,
) -> Result<Option<SecretString>, Error> {
    if letter.content.purpose().is_internal() {
        return Ok(None);
    }
    let (token, hash) = crypto.token(TokenKind::Stop);
    tokens::insert(
        conn,
        NewToken {
            hash,
            kind: tokens::Kind::Stop,
            ticket_id: about.ticket.cloned(),
            account_id: about.account.cloned(),
            authenticator_id: None,
            // A ticket's links end 30 days after it; others 30 days after their letter.
            expires_at: match fate {
                Fate::Drop => Some(now),
                Fate::Send => about.ticket.is_none().then(|| now + chrono::Duration::days(30)),
            },
        },
    )?;
    Ok(Some(token))
}

fn expiry(content: &Content) -> Option<Time> {
    match content {
        Content::SetupKey(key) => Some(key.expires_at),
        Content::MailboxCode { expires_at, .. } | Content::ManagerVouch { expires_at, .. } => {
            Some(*expires_at)
        }
        _ => None,
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due(now: Time) -> _ {
    letters::table
        .filter(letters::next_at.le(now))
        .filter(letters::claimed_until.is_null().or(letters::claimed_until.le(now)))
        .order(letters::next_at)
}

/// Letters whose time has come and that no worker has, those longest due first.
///
/// # Errors
/// Of the database alone.
pub fn list_due(conn: &mut Conn, now: Time, limit: i64) -> Result<Vec<Row>, Error> {
    Ok(due(now).limit(limit).select(Row::as_select()).load(conn)?)
}

/// Takes letters whose time has come and that no worker has, until a time.
///
/// # Errors
/// Of the database alone.
pub fn claim(conn: &mut Conn, now: Time, until: Time, limit: i64) -> Result<Vec<Row>, Error> {
    let due = due(now).limit(limit);
    let rows: Vec<Row> = match conn {
        // Another worker takes others, and neither waits for the other.
        Conn::Pg(conn) => due.select(Row::as_select()).for_update().skip_locked().load(conn)?,
        Conn::Sqlite(conn) => due.select(Row::as_select()).load(conn)?,
    };
    let ids: Vec<&LetterId> = rows.iter().map(|row| &row.id).collect();
    on_both!(conn, c => diesel::update(letters::table.filter(letters::id.eq_any(ids)))
        .set(letters::claimed_until.eq(until))
        .execute(c)?);
    Ok(rows)
}

/// Keeps a letter for longer. False if this worker, who held it until `held`, holds it no more.
///
/// # Errors
/// Of the database alone.
pub fn keep(conn: &mut Conn, id: &LetterId, held: Time, until: Time) -> Result<bool, Error> {
    let target = letters::table
        .find(id)
        .filter(letters::next_at.is_not_null())
        .filter(letters::claimed_until.eq(held));
    Ok(diesel::update(target).set(letters::claimed_until.eq(until)).execute(conn)? == 1)
}

/// Records that the server has taken letters which this worker holds until `held`, and that the keys they carry are
/// delivered. Those that it holds no more are left alone.
///
/// # Errors
/// Of the database alone.
pub fn accept(conn: &mut Conn, ids: &[LetterId], held: Time, now: Time) -> Result<(), Error> {
    let keys: Vec<Option<AuthenticatorId>> = on_both!(conn, c => {
        let held = letters::table
            .filter(letters::id.eq_any(ids))
            .filter(letters::claimed_until.eq(held))
            .filter(letters::next_at.is_not_null());
        diesel::update(held)
            .set((
                letters::state.eq("accepted"),
                letters::attempts.eq(letters::attempts + 1),
                letters::next_at.eq(None::<Time>),
                letters::claimed_until.eq(None::<Time>),
                letters::payload.eq(None::<Vec<u8>>),
                letters::error.eq(None::<String>),
                letters::state_at.eq(now),
                letters::refuses_us.eq(false),
            ))
            .returning(letters::authenticator_id)
            .get_results(c)?
    });
    let keys: Vec<AuthenticatorId> = keys.into_iter().flatten().collect();
    if keys.is_empty() { Ok(()) } else { authenticators::delivered(conn, &keys, now) }
}

/// How a try ended that the server did not end by taking the letter.
pub struct Ending<'a> {
    /// The letter's state from now on.
    pub state: &'a str,
    /// When it is tried again; none when it is over, and then its payload goes.
    pub next_at: Option<Time>,
    /// The server's words.
    pub error: Option<&'a str>,
    /// Whether the server may have taken it without our knowing.
    pub in_doubt: bool,
    /// Whether the answer was about us.
    pub refuses_us: bool,
}

/// Records how a try ended, for the worker that holds the letter until `held`. False where it holds it no more.
///
/// # Errors
/// Of the database alone.
pub fn end_try(
    conn: &mut Conn,
    row: &Row,
    held: Time,
    ending: &Ending<'_>,
    now: Time,
) -> Result<bool, Error> {
    let payload = row.payload.as_ref().filter(|_| ending.next_at.is_some());
    let held = letters::table
        .find(&row.id)
        .filter(letters::claimed_until.eq(held))
        .filter(letters::next_at.is_not_null());
    let changed = diesel::update(held)
        .set((
            letters::state.eq(ending.state),
            letters::attempts.eq(row.attempts + 1),
            letters::doubts.eq(row.doubts + i32::from(ending.in_doubt)),
            letters::next_at.eq(ending.next_at),
            letters::claimed_until.eq(None::<Time>),
            letters::payload.eq(payload),
            letters::error.eq(ending.error),
            letters::state_at.eq(now),
            letters::refuses_us.eq(ending.refuses_us),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// The letters that carry keys of a ticket are worth nothing any more: those not yet accepted are dropped.
///
/// # Errors
/// Of the database alone.
pub fn drop_keys(conn: &mut Conn, ticket: &TicketId, now: Time) -> Result<(), Error> {
    diesel::update(
        letters::table
            .filter(letters::ticket_id.eq(ticket))
            .filter(letters::authenticator_id.is_not_null())
            .filter(letters::next_at.is_not_null()),
    )
    .set((
        letters::state.eq("dropped"),
        letters::next_at.eq(None::<Time>),
        letters::payload.eq(None::<Vec<u8>>),
        letters::state_at.eq(now),
    ))
    .execute(conn)?;
    Ok(())
}

/// The letters of a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_of_ticket(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<Row>, Error> {
    Ok(letters::table
        .filter(letters::ticket_id.eq(ticket))
        .filter(letters::state.ne("dropped"))
        .order(letters::id)
        .limit(200)
        .select(Row::as_select())
        .load(conn)?)
}

/// Of these tickets, those whose last code was held back, and when: its address had its share of the day.
///
/// # Errors
/// Of the database alone.
pub fn list_codes_held_back(conn: &mut Conn, of: &[TicketId]) -> Result<Vec<(TicketId, Time)>, Error> {
    let last: Vec<(Option<TicketId>, String, Option<Time>)> = letters::table
        .filter(letters::ticket_id.eq_any(of))
        .filter(letters::purpose.eq("mailbox_code"))
        .group_by((letters::ticket_id, letters::recipient))
        .select((letters::ticket_id, letters::recipient, diesel::dsl::max(letters::created_at)))
        .load(conn)?;
    let mut held: Vec<(TicketId, Time)> = Vec::new();
    for (ticket, recipient, at) in &last {
        let (Some(ticket), Some(at), "") = (ticket, at, recipient.as_str()) else { continue };
        let is_sent = |(other, to, later): &(Option<TicketId>, String, Option<Time>)| {
            other.as_ref() == Some(ticket) && !to.is_empty() && later.is_some_and(|later| later >= *at)
        };
        if !last.iter().any(is_sent) {
            held.push((ticket.clone(), *at));
        }
    }
    Ok(held)
}

/// When the oldest letter that still waits was written.
///
/// # Errors
/// Of the database alone.
pub fn oldest_waiting(conn: &mut Conn) -> Result<Option<Time>, Error> {
    Ok(letters::table
        .filter(letters::next_at.is_not_null())
        .order(letters::created_at)
        .select(letters::created_at)
        .first(conn)
        .optional()?)
}

/// Whether a letter waits because the mail server refuses us.
///
/// # Errors
/// Of the database alone.
pub fn is_refused(conn: &mut Conn) -> Result<bool, Error> {
    let refused = letters::table.filter(letters::next_at.is_not_null()).filter(letters::refuses_us);
    Ok(refused.select(letters::id).first::<LetterId>(conn).optional()?.is_some())
}

/// One page of waiting letters after an id, for sealing anew.
///
/// # Errors
/// Of the database alone.
pub fn list_waiting_after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Row>, Error> {
    Ok(letters::table
        .filter(letters::next_at.is_not_null())
        .filter(letters::id.gt(after))
        .order(letters::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?)
}
