//! Hosts, as whoever sits at the command line registers them.
//!
//! The rule to keep: a host's token is told once and kept as a hash; a key is taken only in a form that the
//! verifier of assertions can read.

use secrecy::SecretString;

use super::Context;
use crate::crypto::TokenKind;
use crate::db::audit::Circumstances;
use crate::db::clients::Client;
use crate::db::{self, Conn, audit, clients};
use crate::directory::host_keys::{HostKeys, KeyError};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::ClientId;
use crate::domain::rejection::Rejection;
use crate::domain::text::DisplayName;
use crate::domain::words::words;
use crate::error::Error;

words! {
    /// What a host may do.
    Scope {
        /// Put, read and remove its accounts.
        Accounts = "accounts",
        /// Enrol authenticators and check codes.
        Codes = "codes",
        /// Open and activate tickets of its accounts by its signed word.
        Tickets = "tickets",
    }
}

impl Scope {
    /// Whether it is among those that are stored for a host.
    pub(super) fn is_in(self, scopes: &str) -> bool {
        scopes.split(',').any(|one| one == self.as_str())
    }
}

/// A host's id and token, told once.
pub struct Added {
    /// Its id, which its assertions name as `iss`.
    pub id: ClientId,
    /// Its token.
    pub token: SecretString,
}

/// A host as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientView {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// `accounts,codes,tickets`.
    pub scopes: String,
    /// How many public keys it has.
    pub keys: usize,
    /// When it was registered.
    pub created_at: Time,
    /// Since when it is disabled.
    pub disabled_at: Option<Time>,
}

/// Registers a host. `public_keys` is one PEM block, or two.
///
/// # Errors
/// `Invalid`, `Taken`.
pub async fn add(
    ctx: &Context,
    name: &str,
    scopes: &[Scope],
    public_keys: Option<String>,
) -> Result<Added, Error> {
    let name = DisplayName::parse(name)
        .ok_or(Rejection::Invalid("the name must be one line of 1 to 80 characters that can be seen"))?;
    if scopes.is_empty() {
        return Err(Rejection::Invalid("a host needs a scope: accounts, codes or tickets").into());
    }
    let now = ctx.now();
    let id = ClientId::new(ctx.crypto.id(now));
    let public_keys = public_keys.unwrap_or_default();
    if !public_keys.trim().is_empty() {
        check_keys(&id, &public_keys)?;
    }
    let (token, token_hash) = ctx.crypto.token(TokenKind::Client);
    let client = Client {
        id: id.clone(),
        name: name.as_str().to_owned(),
        token_hash,
        scopes: spelt(scopes),
        public_keys: public_keys.trim().to_owned(),
        created_at: now,
        disabled_at: None,
        version: 1,
    };
    let work = ctx.clone();
    ctx.write(move |conn| {
        if clients::find_by_name(conn, &client.name)?.is_some() {
            return Err(Error::Taken("name"));
        }
        let event = Event::new(Action::ClientAdded).with("scopes", client.scopes.as_str());
        log(conn, &work, &client, &event, now)?;
        clients::insert(conn, client.clone()).map_err(|error| match error {
            db::Error::Unique(_) => db::Error::Stale.into(),
            other => Error::from(other),
        })
    })
    .await?;
    Ok(Added { id, token })
}

/// All hosts, by name.
///
/// # Errors
/// Of the database alone.
pub async fn list(ctx: &Context) -> Result<Vec<ClientView>, Error> {
    let all = ctx.db.read(clients::list).await?;
    Ok(all.into_iter().map(ClientView::from).collect())
}

/// Refuses every further call of a host. Its accounts stay.
///
/// # Errors
/// `NotFound`.
pub async fn disable(ctx: &Context, name: &str) -> Result<(), Error> {
    change(ctx, name, |client, now| {
        if client.disabled_at.is_some() {
            return None;
        }
        client.disabled_at = Some(now);
        Some(Event::new(Action::ClientDisabled))
    })
    .await
}

/// Puts one key, or two while they are changed, in place of all former ones.
///
/// # Errors
/// `NotFound`, `Invalid`.
pub async fn set_keys(ctx: &Context, name: &str, public_keys: String) -> Result<(), Error> {
    check_keys(&ClientId::new(""), &public_keys)?;
    let public_keys = public_keys.trim().to_owned();
    change(ctx, name, move |client, _| {
        if client.public_keys == public_keys {
            return None;
        }
        client.public_keys.clone_from(&public_keys);
        Some(Event::new(Action::ClientChanged).with("changed", "public_keys"))
    })
    .await
}

/// One change of a host; `None` where nothing changes.
async fn change<F>(ctx: &Context, name: &str, apply: F) -> Result<(), Error>
where
    F: Fn(&mut Client, Time) -> Option<Event> + Send + 'static,
{
    let (work, now, name) = (ctx.clone(), ctx.now(), name.to_owned());
    ctx.write(move |conn| {
        let mut client = clients::find_by_name(conn, &name)?.ok_or(Rejection::NotFound)?;
        if client.id.is_local() {
            return Err(Rejection::Invalid("the built-in application makes no calls and has no keys").into());
        }
        let from = client.version;
        let Some(event) = apply(&mut client, now) else { return Ok(()) };
        client.version += 1;
        log(conn, &work, &client, &event, now)?;
        Ok(clients::update(conn, &client, from)?)
    })
    .await
}

fn check_keys(id: &ClientId, text: &str) -> Result<(), Rejection> {
    HostKeys::from_pem(id.clone(), text).map(drop).map_err(|error| {
        Rejection::Invalid(match error {
            KeyError::NotPem => "the public key is not in PEM form (-----BEGIN PUBLIC KEY-----)",
            KeyError::Private => {
                "this is a private key: register the public one, and replace the pair if it was sent to anyone"
            }
            KeyError::Unsupported => "the public key must be Ed25519, or P-256 with an uncompressed point",
            KeyError::Count => "a host registers one public key, or two while it changes them",
        })
    })
}

fn spelt(scopes: &[Scope]) -> String {
    let mut words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(",")
}

fn log(conn: &mut Conn, ctx: &Context, client: &Client, event: &Event, now: Time) -> Result<(), Error> {
    let subject = Subject::Client(client.id.clone());
    let around = Circumstances {
        actor: &Actor::Console,
        at: now,
        subject: &subject,
        version: client.version,
        ticket: None,
    };
    Ok(audit::insert(conn, &ctx.crypto, &around, event)?)
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            keys: client.public_keys.matches("-----BEGIN").count(),
            id: client.id,
            name: client.name,
            scopes: client.scopes,
            created_at: client.created_at,
            disabled_at: client.disabled_at,
        }
    }
}
