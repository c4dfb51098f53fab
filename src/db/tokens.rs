//! Opaque secrets of requesters, as hashes: the ticket's token, the activation link's, the stop link's.

use diesel::prelude::*;

use super::rows::{self, Mac, decides};
use super::schema::{tickets, tokens};
use super::{Conn, Error, rows_all};
use crate::domain::Time;
use crate::domain::ids::{AccountId, AuthenticatorId, TicketId};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Speaks for the requester of a ticket.
    Ticket,
    /// The same, of a request that was recorded as not the person's own: good for nothing, unless that is corrected.
    SetAside,
    /// Activates one key on one ticket.
    Activation,
    /// Freezes, and nothing else.
    Stop,
}

impl Kind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::SetAside => "set_aside",
            Self::Activation => "activation",
            Self::Stop => "stop",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ticket, Self::SetAside, Self::Activation, Self::Stop]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A token's row.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tokens, treat_none_as_default_value = false)]
pub struct NewToken {
    /// Its hash.
    pub hash: String,
    /// What it is good for.
    pub kind: Kind,
    /// On which ticket.
    pub ticket_id: Option<TicketId>,
    /// On which account, where there is no ticket.
    pub account_id: Option<AccountId>,
    /// For which key.
    pub authenticator_id: Option<AuthenticatorId>,
    /// Until when; none where its ticket says so.
    pub expires_at: Option<Time>,
}

decides! {
    NewToken: "tokens", tokens.mac by hash {
        hash, kind, ticket_id, account_id, authenticator_id, expires_at,
    } beside {}
}

/// Stores a token.
///
/// # Errors
/// Of the database alone.
pub fn insert(conn: &mut Conn, token: NewToken) -> Result<(), Error> {
    let mac = rows::sign(conn, &token)?;
    diesel::insert_into(tokens::table).values((token, tokens::mac.eq(mac))).execute(conn)?;
    Ok(())
}

/// The token of that hash, if its time has not run out.
///
/// # Errors
/// Of the database alone.
pub fn find(conn: &mut Conn, kind: Kind, hash: &str, now: Time) -> Result<Option<NewToken>, Error> {
    let row = tokens::table
        .find(hash)
        .filter(tokens::kind.eq(kind))
        .filter(tokens::expires_at.is_null().or(tokens::expires_at.gt(now)))
        .select((NewToken::as_select(), tokens::mac))
        .first(conn)
        .optional()?;
    row.map(|row| rows::check(conn, row)).transpose()
}

/// Ends a ticket's tokens of one kind.
///
/// # Errors
/// Of the database alone.
pub fn end(conn: &mut Conn, ticket: &TicketId, kind: Kind) -> Result<(), Error> {
    diesel::delete(tokens::table.filter(tokens::ticket_id.eq(ticket)).filter(tokens::kind.eq(kind)))
        .execute(conn)?;
    Ok(())
}

/// Of the requests of a ticket, its own and its duplicates, one is the person's: its tokens are good, those of all
/// others are set aside. A later decision may take this back.
///
/// # Errors
/// Of the database alone.
pub fn keep_request(conn: &mut Conn, main: &TicketId, keep: &TicketId) -> Result<(), Error> {
    let requests = tickets::table
        .filter(tickets::id.eq(main).or(tickets::duplicate_of.eq(main)))
        .select(tickets::id.nullable());
    let all: Vec<(NewToken, Mac)> = tokens::table
        .filter(tokens::ticket_id.eq_any(requests))
        .filter(tokens::kind.eq_any([Kind::Ticket, Kind::SetAside]))
        .select((NewToken::as_select(), tokens::mac))
        .load(conn)?;
    // Those that were written by hand are refused as they are, and hold up nothing.
    let ours: Vec<NewToken> = all.into_iter().filter_map(|row| rows::check(conn, row).ok()).collect();
    for kind in [Kind::Ticket, Kind::SetAside] {
        let is_kept = kind == Kind::Ticket;
        let changed: Vec<NewToken> = ours
            .iter()
            .filter(|token| (token.ticket_id.as_ref() == Some(keep)) == is_kept && token.kind != kind)
            .map(|token| NewToken { kind, ..token.clone() })
            .collect();
        let hashes: Vec<&str> = changed.iter().map(|token| token.hash.as_str()).collect();
        diesel::update(tokens::table.filter(tokens::hash.eq_any(hashes)))
            .set(tokens::kind.eq(kind))
            .execute(conn)?;
        rows_all::put_macs(conn, &changed)?;
    }
    Ok(())
}

/// Limits the time of a ticket's own tokens and stop links, which outlive it; an activation link dies with its key.
///
/// # Errors
/// Of the database alone.
pub fn limit(conn: &mut Conn, ticket: &TicketId, until: Option<Time>, now: Time) -> Result<(), Error> {
    let limited: Vec<(NewToken, Mac)> = tokens::table
        .filter(tokens::ticket_id.eq(ticket))
        .filter(tokens::kind.ne(Kind::Activation))
        .filter(tokens::expires_at.is_null().or(tokens::expires_at.gt(now)))
        .select((NewToken::as_select(), tokens::mac))
        .load(conn)?;
    // Those that were written by hand are refused as they are, and hold up nothing.
    let ours: Vec<NewToken> = limited.into_iter().filter_map(|row| rows::check(conn, row).ok()).collect();
    let limited: Vec<NewToken> =
        ours.into_iter().map(|token| NewToken { expires_at: until, ..token }).collect();
    let hashes: Vec<&str> = limited.iter().map(|token| token.hash.as_str()).collect();
    diesel::update(tokens::table.filter(tokens::hash.eq_any(hashes)))
        .set(tokens::expires_at.eq(until))
        .execute(conn)?;
    rows_all::put_macs(conn, &limited)
}

/// Forgets tokens whose time has run out.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, now: Time) -> Result<(), Error> {
    diesel::delete(tokens::table.filter(tokens::expires_at.le(now))).execute(conn)?;
    Ok(())
}
