//! Idempotency: a request that comes again under the same key gets the first answer again, for a day.
//!
//! The rule: the key is reserved before the work and given back if the work fails; the answer may hold secrets, so
//! it is kept sealed, and only the same request opens it.

use std::time::Duration;

use zeroize::Zeroizing;

use super::Context;
use crate::crypto::Purpose;
use crate::db::idempotency::{self, Answered};
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// How long an answer is kept.
const KEPT: chrono::Duration = chrono::Duration::hours(24);
/// How long a reservation stands, should its program die.
const RESERVED: chrono::Duration = chrono::Duration::minutes(1);
/// How long a second request waits for the first one's answer.
const WAITS: u32 = 40;
const WAIT: Duration = Duration::from_millis(50);

/// A request that may come again.
#[derive(Debug, Clone)]
pub struct Repeatable {
    scope: &'static str,
    key: String,
    request: String,
}

/// Whether the work is still to be done.
pub enum Turn {
    /// It is: do it, then [`keep`] the answer or [`give_up`].
    First,
    /// It was: this was the answer.
    Again(Zeroizing<Vec<u8>>),
}

impl Repeatable {
    /// Names a request: the call, the key that the caller chose, who calls, and everything that the request says.
    #[must_use]
    pub fn new(ctx: &Context, scope: &'static str, key: &str, caller: &str, request: &[&str]) -> Self {
        let digest = |what, parts: &[&str], text| ctx.crypto.index(what, parts, text);
        Self {
            scope,
            key: digest(Purpose::Idempotency, &["key", scope, caller], key),
            request: digest(Purpose::Idempotency, &[&["request", key], request].concat(), ""),
        }
    }
}

/// Takes one's turn.
///
/// # Errors
/// `Outdated` where the key stands for another request, or where the first one does not end.
pub async fn begin(ctx: &Context, request: &Repeatable) -> Result<Turn, Error> {
    for _ in 0..WAITS {
        if let Some(turn) = attempt(ctx, request).await? {
            return Ok(turn);
        }
        tokio::time::sleep(WAIT).await;
    }
    Err(Rejection::Outdated.into())
}

async fn attempt(ctx: &Context, request: &Repeatable) -> Result<Option<Turn>, Error> {
    let (crypto, request, now) = (ctx.crypto.clone(), request.clone(), ctx.now());
    ctx.db
        .write(move |conn| match idempotency::find(conn, request.scope, &request.key, now)? {
            Some(found) if found.request != request.request => Err(Rejection::Outdated.into()),
            Some(Answered { answer: Some(sealed), .. }) => {
                let context = [request.scope, request.key.as_str(), request.request.as_str()];
                let opened = crypto.open(Purpose::Idempotency, &context, &sealed);
                Ok(Some(Turn::Again(opened.map_err(crate::db::Error::from)?)))
            }
            Some(_) => Ok(None),
            None => {
                let reserved = Answered {
                    scope: request.scope.to_owned(),
                    key: request.key.clone(),
                    request: request.request.clone(),
                    answer: None,
                    expires_at: now + RESERVED,
                };
                idempotency::reserve(conn, reserved, now)?;
                Ok(Some(Turn::First))
            }
        })
        .await
}

/// Keeps the answer for whoever comes again.
///
/// # Errors
/// Of the database alone.
pub async fn keep(ctx: &Context, request: &Repeatable, answer: &[u8]) -> Result<(), Error> {
    let (request, until) = (request.clone(), ctx.now() + KEPT);
    let context = [request.scope, request.key.as_str(), request.request.as_str()];
    let sealed = ctx.crypto.seal(Purpose::Idempotency, &context, answer);
    ctx.db
        .write(move |conn| {
            Ok::<_, Error>(idempotency::keep(conn, request.scope, &request.key, &sealed, until)?)
        })
        .await
}

/// Gives the key back: the work was refused or failed, and may be tried again.
///
/// # Errors
/// Of the database alone.
pub async fn give_up(ctx: &Context, request: &Repeatable) -> Result<(), Error> {
    let request = request.clone();
    ctx.db.write(move |conn| Ok::<_, Error>(idempotency::release(conn, request.scope, &request.key)?)).await
}
