//! Applications, and whose account a name means among them.
//!
//! The rule to keep: a name alone never chooses between applications. Where it fits accounts of several, the answer is
//! the one for an unknown account, after the same work.

use std::collections::HashMap;

use super::Context;
use super::clients::Scope;
use crate::db::clients::{self, Client};
use crate::db::{self, Conn, accounts};
use crate::domain::account::Account;
use crate::domain::ids::ClientId;
use crate::domain::rejection::Rejection;
use crate::domain::text::ExternalId;
use crate::error::Error;

/// An application that somebody may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
}

/// The applications that are set up, by name: those that have accounts or may put some and are not disabled, and the
/// built-in one where it has accounts.
///
/// # Errors
/// Of the database alone.
pub async fn list(ctx: &Context) -> Result<Vec<Application>, Error> {
    ctx.db.read(set_up).await
}

fn set_up(conn: &mut Conn) -> Result<Vec<Application>, Error> {
    let all = clients::list_with_accounts(conn)?;
    Ok(all.into_iter().filter(|(client, has_accounts)| is_set_up(client, *has_accounts)).map(of).collect())
}

fn is_set_up(client: &Client, has_accounts: bool) -> bool {
    if client.id.is_local() {
        return has_accounts;
    }
    client.disabled_at.is_none() && (has_accounts || Scope::Accounts.is_in(&client.scopes))
}

fn of((client, _): (Client, bool)) -> Application {
    Application { id: client.id, name: client.name }
}

/// The application that an import means without naming it: the one there is.
pub(super) fn only_one(conn: &mut Conn) -> Result<Option<ClientId>, Error> {
    let mut all = clients::list_with_accounts(conn)?;
    // One that may only check codes has its accounts from an import.
    all.retain(
        |(client, has_accounts)| {
            if client.id.is_local() { *has_accounts } else { client.disabled_at.is_none() }
        },
    );
    Ok(all.pop().filter(|_| all.is_empty()).map(|(client, _)| client.id))
}

/// What the staff are shown of whose an account is: nothing where one application is set up.
pub(super) struct Names(HashMap<ClientId, String>);

impl Names {
    pub(super) fn load(conn: &mut Conn) -> Result<Self, Error> {
        let all = clients::list_with_accounts(conn)?;
        let count = all.iter().filter(|(client, has_accounts)| is_set_up(client, *has_accounts)).count();
        let all = if count > 1 { all } else { Vec::new() };
        Ok(Self(all.into_iter().map(|(client, _)| (client.id, client.name)).collect()))
    }

    pub(super) fn of(&self, account: &Account) -> Option<String> {
        self.0.get(&account.client).cloned()
    }
}

/// The account that somebody without a session means: by address on file first, then by external id, at the
/// application that they name. Everything is looked up in every case.
pub(super) fn find_account(
    conn: &mut Conn,
    name: &str,
    application: Option<&str>,
) -> Result<Option<Account>, Error> {
    // It is nobody's, and PostgreSQL takes none.
    if name.contains('\0') {
        return Ok(None);
    }
    let clients = clients::list(conn)?;
    let mut fits = accounts::list_by_email(conn, name)?;
    for account in accounts::list_by_external_id(conn, name)? {
        if account.removed_at.is_none() && fits.iter().all(|other| other.client != account.client) {
            fits.push(account);
        }
    }
    if let Some(application) = application {
        let meant = clients.iter().find(|client| client.name == application);
        fits.retain(|account| meant.is_some_and(|client| client.id == account.client));
    }
    // Nobody is asked which of them is meant, so an application that is disabled must not hide one that is not.
    let is_in_use = |account: &Account| {
        let client = clients.iter().find(|client| client.id == account.client);
        client.is_some_and(|client| client.id.is_local() || client.disabled_at.is_none())
    };
    if fits.iter().any(is_in_use) {
        fits.retain(is_in_use);
    }
    Ok(fits.pop().filter(|_| fits.is_empty()))
}

/// The account that an application means by an address on file or its own name for it.
pub(super) fn find_account_of(
    conn: &mut Conn,
    client: &ClientId,
    name: &str,
) -> Result<Option<Account>, Error> {
    if let Some(account) = accounts::find_by_email(conn, client, name)? {
        return Ok(Some(account));
    }
    let account = accounts::find_by_external_id(conn, client, name)?;
    Ok(account.filter(|account| account.removed_at.is_none()))
}

/// The application of that name or id, disabled or not.
pub(super) fn find_client(conn: &mut Conn, name: &str) -> Result<Option<Client>, Error> {
    let all = clients::list(conn)?;
    let by_name = all.iter().find(|client| client.name == name);
    let Some(found) = by_name.or_else(|| all.iter().find(|client| client.id.as_str() == name)) else {
        return Ok(None);
    };
    // The list shows rows as they stand; here one is decided on.
    Ok(clients::find_by_name(conn, &found.name)?)
}

/// An account as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The application's name for it.
    pub external_id: String,
    /// The application, by name or id; needed where several have an account of that name.
    pub client: Option<String>,
}

impl From<&str> for Named {
    fn from(external_id: &str) -> Self {
        Self { external_id: external_id.to_owned(), client: None }
    }
}

impl Named {
    /// The account, unless it was removed.
    pub(super) fn find(&self, conn: &mut Conn) -> Result<Account, Error> {
        // What can be no id is nobody's, and PostgreSQL takes no NUL.
        let id = ExternalId::parse(&self.external_id).ok_or(Rejection::NotFound)?;
        let mut fits = accounts::list_by_external_id(conn, id.as_str())?;
        fits.retain(|account| account.removed_at.is_none());
        if let Some(name) = &self.client {
            let client = find_client(conn, name)?.ok_or(NO_CLIENT)?;
            fits.retain(|account| account.client == client.id);
        }
        let account = fits.pop().ok_or(Rejection::NotFound)?;
        if fits.is_empty() { Ok(account) } else { Err(AMBIGUOUS.into()) }
    }

    /// The same for a change: locked, and still the one that was found.
    pub(super) fn lock(&self, conn: &mut Conn) -> Result<Account, Error> {
        let found = self.find(conn)?;
        let account = accounts::lock(conn, &found.id)?;
        let is_same = account.removed_at.is_none() && account.client == found.client;
        if is_same { Ok(account) } else { Err(db::Error::Stale.into()) }
    }
}

const NO_CLIENT: Rejection = Rejection::Invalid("there is no application of that name");
const AMBIGUOUS: Rejection =
    Rejection::Invalid("several applications have an account of that id: say which one with --client NAME");
