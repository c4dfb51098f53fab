//! Changes of accounts and authenticators outside of a ticket's transitions.
//!
//! The rule: each raises the version by one and writes exactly one audit entry, in the same transaction.

use super::Context;
use crate::db::audit::Circumstances;
use crate::db::authenticators::Authenticator;
use crate::db::{self, Conn};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::{Action, Event, Subject};
use crate::error::Error;

/// What the audit log says of a change.
pub(super) struct Note<'a> {
    /// Who.
    pub(super) actor: &'a Actor,
    /// What.
    pub(super) event: Event,
}

/// Stores a changed account with its entry, and returns it as it now is.
///
/// # Errors
/// `Stale` where somebody else has changed it meanwhile.
pub(super) fn account(
    conn: &mut Conn,
    ctx: &Context,
    mut account: Account,
    note: &Note<'_>,
    now: Time,
) -> Result<Account, Error> {
    let from = account.version;
    account.version += 1;
    let subject = Subject::Account(account.id.clone());
    log(conn, ctx, note, &subject, account.version, now)?;
    db::accounts::update(conn, account.clone(), from)?;
    Ok(account)
}

/// Moves an authenticator to another state, with its entry.
///
/// # Errors
/// `Stale` where somebody else has moved it meanwhile.
pub(super) fn authenticator(
    conn: &mut Conn,
    ctx: &Context,
    one: &Authenticator,
    state: AuthenticatorState,
    actor: &Actor,
    now: Time,
) -> Result<(), Error> {
    let action = match state {
        AuthenticatorState::Pending => Action::KeyCreated,
        AuthenticatorState::Active => Action::KeyActivated,
        AuthenticatorState::Suspended => Action::KeySuspended,
        AuthenticatorState::Revoked => Action::KeyRevoked,
    };
    let next = db::authenticators::enter(conn, &ctx.crypto, one, state, now)?;
    let note = Note { actor, event: Event::new(action) };
    log(conn, ctx, &note, &Subject::Authenticator(next.id), next.version, now)
}

/// Writes the entry of a version.
///
/// # Errors
/// `Stale` where that version has one.
pub(super) fn log(
    conn: &mut Conn,
    ctx: &Context,
    note: &Note<'_>,
    subject: &Subject,
    version: i32,
    now: Time,
) -> Result<(), Error> {
    let around = Circumstances { actor: note.actor, at: now, subject, version, ticket: None };
    Ok(db::audit::insert(conn, &ctx.crypto, &around, &note.event)?)
}
