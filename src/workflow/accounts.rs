//! Accounts as hosts put, read and remove them.
//!
//! The rule to keep: an account belongs to the application that put it, which is asked about its own accounts alone:
//! nothing that it is told depends on another's. What changes under an open ticket undoes what was approved or sent, in
//! the same transaction.

use secrecy::{ExposeSecret, SecretString};

use super::account_facts::{self, OTHER};
use super::applications::Named;
use super::putting::{Done, Putting, lost_race};
use super::{Context, password_rules};
use crate::crypto::Crypto;
use crate::db::audit::Circumstances;
use crate::db::{
    self, Conn, account_addresses, account_sessions, accounts, audit, authenticators, clients,
    recovery_codes, tickets,
};
use crate::domain::Time;
use crate::domain::account::{Account, Facts, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::authenticator::{AuthenticatorState, Origin};
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::text::ExternalId;
use crate::domain::ticket::State;
use crate::domain::words::words;
use crate::error::Error;

words! {
    /// Where two-factor authentication of an account stands, as hosts see it.
    TwoFactorState {
        /// Nothing was ever proven, or the person turned it off with a code.
        Off = "off",
        /// An enrolment waits for its first code.
        Pending = "pending",
        /// It is asked for, even while every code is refused.
        On = "on",
    }
}

/// An account as its host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// The host's name for it.
    pub external_id: String,
    /// The address on file.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The phone number on file.
    pub phone: Option<String>,
    /// Further addresses that are told what happens.
    pub other_emails: Vec<String>,
    /// Who can vouch for the person.
    pub manager_email: Option<String>,
    /// What a reset needs.
    pub tier: Tier,
    /// The language, as the host names it.
    pub locale: Option<String>,
    /// Where two-factor authentication stands.
    pub two_factor: TwoFactorState,
}

/// Puts an account, and says whether it was not there before.
///
/// # Errors
/// `Invalid`; `Taken` where the address is that of another account of the same host.
pub async fn put(
    ctx: &Context,
    client: &ClientId,
    external_id: &str,
    facts: Facts,
) -> Result<(AccountView, bool), Error> {
    let id = external_id_of(external_id)?;
    let facts = account_facts::normalise(&facts)?;
    let (work, now, owner) = (ctx.clone(), ctx.now(), client.clone());
    ctx.write(move |conn| {
        let by = Putting { ctx: &work, client: &owner, actor: &Actor::Host(owner.clone()), now };
        require_enabled(conn, &owner)?;
        let (account, done) = by.put(conn, &id, &facts)?;
        Ok((view(conn, account, now)?, done == Done::Created))
    })
    .await
}

/// An account of a host.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, client: &ClientId, external_id: &str) -> Result<AccountView, Error> {
    let (now, owner, id) = (ctx.now(), client.clone(), external_id.to_owned());
    ctx.db
        .read(move |conn| {
            let account = of_client(conn, &owner, &id)?;
            view(conn, account, now)
        })
        .await
}

/// Removes an account: its keys and its open ticket end, and nobody finds it any more. Two-factor stays as it was,
/// so that putting it again lets nobody in by password alone.
///
/// # Errors
/// `NotFound`.
pub async fn remove(ctx: &Context, client: &ClientId, external_id: &str) -> Result<(), Error> {
    let (work, now, owner, id) = (ctx.clone(), ctx.now(), client.clone(), external_id.to_owned());
    ctx.write(move |conn| {
        let account = lock_of_client(conn, &owner, &id)?;
        let actor = Actor::Host(owner.clone());
        if let Some(ticket) = tickets::find_open(conn, &account.id)?
            && ticket.state != State::Frozen
        {
            db::apply(conn, &work.crypto, ticket.account_removed(actor.clone(), now)?)?;
        }
        end_keys(conn, &work.crypto, &account.id, &actor, now)?;
        recovery_codes::end(conn, &account.id)?;
        accounts::clear_password(conn, &account.id)?;
        account_sessions::end_all(conn, &account.id)?;
        let mut next = account;
        next.removed_at = Some(now);
        store(conn, &work.crypto, next, &actor, &Event::new(Action::AccountRemoved), now)
    })
    .await
}

/// Sets the local password of an account, for hosts without a sign-in of their own; whoever is signed in with a
/// former one is so no longer.
///
/// # Errors
/// `NotFound`, `Invalid`, `Busy`.
pub async fn set_password(
    ctx: &Context,
    account: impl Into<Named>,
    password: &SecretString,
) -> Result<(), Error> {
    let named: Named = account.into();
    password_rules::check(password, &[&ctx.config.app.name, &named.external_id])?;
    let hash = ctx.crypto.passwords().hash(password.expose_secret()).await?;
    let (work, now) = (ctx.clone(), ctx.now());
    ctx.write(move |conn| {
        let account = named.lock(conn)?;
        accounts::set_password(conn, &account.id, &hash, now)?;
        account_sessions::end_all(conn, &account.id)?;
        let event = Event::new(Action::PasswordSet);
        store(conn, &work.crypto, account, &Actor::Console, &event, now)
    })
    .await
}

/// The account of a host, unless it was removed.
///
/// # Errors
/// `NotFound`; `Unauthenticated` where the host is disabled.
pub fn of_client(conn: &mut Conn, client: &ClientId, external_id: &str) -> Result<Account, Error> {
    // What can be no id is nobody's, and PostgreSQL takes no NUL.
    let id = ExternalId::parse(external_id).ok_or(Rejection::NotFound)?;
    let found = accounts::find_of_client(conn, client, id.as_str())?;
    living_of(conn, client, found)
}

/// The same, locked until the transaction ends.
pub(super) fn lock_of_client(
    conn: &mut Conn,
    client: &ClientId,
    external_id: &str,
) -> Result<Account, Error> {
    let id = ExternalId::parse(external_id).ok_or(Rejection::NotFound)?;
    let found = accounts::lock_of_client(conn, client, id.as_str())?;
    living_of(conn, client, found)
}

fn living_of(conn: &mut Conn, client: &ClientId, found: Option<Account>) -> Result<Account, Error> {
    if let Some(account) = found.filter(|account| account.removed_at.is_none()) {
        return Ok(account);
    }
    require_enabled(conn, client)?;
    Err(Rejection::NotFound.into())
}

/// Refuses a client that was disabled since its request began.
pub(super) fn require_enabled(conn: &mut Conn, client: &ClientId) -> Result<(), Error> {
    clients::find(conn, client)?.map(drop).ok_or(Error::Unauthenticated)
}

pub(super) fn external_id_of(text: &str) -> Result<ExternalId, Rejection> {
    ExternalId::parse(text)
        .ok_or(Rejection::Invalid("external_id must be 1 to 128 visible ASCII characters, without spaces"))
}

fn view(conn: &mut Conn, account: Account, now: Time) -> Result<AccountView, Error> {
    let is_pending = account.two_factor == TwoFactor::Off
        && authenticators::list_living(conn, &account.id)?
            .iter()
            .any(|one| one.is_pending(Origin::Enrolment, now));
    let addresses = account_addresses::list(conn, &account.id)?;
    Ok(AccountView {
        external_id: account.external_id,
        email: account.email,
        name: account.name,
        phone: account.phone,
        other_emails: addresses.into_iter().filter(|one| one.kind == OTHER).map(|one| one.address).collect(),
        manager_email: account.manager_email,
        tier: account.tier,
        locale: account.locale,
        two_factor: match account.two_factor {
            TwoFactor::On => TwoFactorState::On,
            TwoFactor::Off if is_pending => TwoFactorState::Pending,
            TwoFactor::Off => TwoFactorState::Off,
        },
    })
}

fn end_keys(conn: &mut Conn, crypto: &Crypto, of: &AccountId, actor: &Actor, now: Time) -> Result<(), Error> {
    for one in authenticators::list_living(conn, of)? {
        let ended = authenticators::enter(conn, crypto, &one, AuthenticatorState::Revoked, now)?;
        let subject = Subject::Authenticator(ended.id);
        let around =
            Circumstances { actor, at: now, subject: &subject, version: ended.version, ticket: None };
        audit::insert(conn, crypto, &around, &Event::new(Action::KeyRevoked))?;
    }
    Ok(())
}

/// Stores an account as its next version, with the entry that says so.
pub(super) fn store(
    conn: &mut Conn,
    crypto: &Crypto,
    mut account: Account,
    actor: &Actor,
    event: &Event,
    now: Time,
) -> Result<(), Error> {
    let from = account.version;
    account.version += 1;
    log(conn, crypto, &account, actor, event, now)?;
    accounts::update(conn, account, from).map_err(lost_race)
}

pub(super) fn log(
    conn: &mut Conn,
    crypto: &Crypto,
    account: &Account,
    actor: &Actor,
    event: &Event,
    now: Time,
) -> Result<(), Error> {
    let subject = Subject::Account(account.id.clone());
    let around = Circumstances { actor, at: now, subject: &subject, version: account.version, ticket: None };
    Ok(audit::insert(conn, crypto, &around, event)?)
}
