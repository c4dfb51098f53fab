//! One act, sent twice, is one act: forms of the pages by their token, calls by `Idempotency-Key`.
//!
//! The rule: the record is written by the transaction that acts, before anything else. Whoever sends the same again is
//! refused there, and whoever is refused looks here for the answer of the first. It may hold secrets, so it is sealed.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Context;
use crate::crypto::Purpose;
use crate::db::Conn;
use crate::db::idempotency::{self, Answered};
use crate::domain::Time;
use crate::domain::rejection::Rejection;
use crate::error::Error;

/// How long an answer is kept.
const KEPT: chrono::Duration = chrono::Duration::hours(24);

/// A request that may come again.
#[derive(Debug, Clone)]
pub struct Repeatable {
    scope: &'static str,
    key: String,
    request: String,
}

impl Repeatable {
    /// Names a call: which one, the key that the caller chose, who calls, and everything that the request says.
    #[must_use]
    pub fn call(ctx: &Context, scope: &'static str, key: &str, caller: &str, request: &[&str]) -> Self {
        let digest = |what, parts: &[&str], text| ctx.crypto.index(what, parts, text);
        Self {
            scope,
            key: digest(Purpose::Idempotency, &["key", scope, caller], key),
            request: digest(Purpose::Idempotency, &[&["request", key], request].concat(), ""),
        }
    }

    /// Names a form by whose it is and where it goes, and by what was filled in: another text is another act.
    #[must_use]
    pub fn form(ctx: &Context, whose: &[&str], fields: &str) -> Self {
        let key = ctx.crypto.index(Purpose::Idempotency, &[&["form"], whose].concat(), fields);
        Self { scope: "form", request: key.clone(), key }
    }

    fn context(&self) -> [&str; 3] {
        [self.scope, &self.key, &self.request]
    }
}

impl Context {
    /// The same for one act: its next write is done once, whoever else sends the request, and keeps the answer. It is for
    /// that write alone, which refuses by an error, or is [`Context::write_counted`].
    #[must_use]
    pub fn once(&self, request: &Repeatable, answer: &[u8]) -> Self {
        let one = Answered {
            scope: request.scope.to_owned(),
            key: request.key.clone(),
            request: request.request.clone(),
            answer: Some(self.crypto.seal(Purpose::Idempotency, &request.context(), answer)),
            expires_at: self.now() + KEPT,
        };
        Self { once: Some(Arc::new(one)), ..self.clone() }
    }
}

/// Takes one's turn in the transaction that acts; whoever is doing the same at this moment is waited for.
///
/// # Errors
/// `Outdated` where it was done before.
pub(super) fn begin(conn: &mut Conn, one: &Answered, now: Time) -> Result<(), Error> {
    if idempotency::record(conn, one, now)? { Ok(()) } else { Err(Rejection::Outdated.into()) }
}

/// The answer of the first, where the very same request was done before.
///
/// # Errors
/// `Outdated` where the key stands for another request.
pub async fn find(ctx: &Context, request: &Repeatable) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let (crypto, request, now) = (ctx.crypto.clone(), request.clone(), ctx.now());
    ctx.db
        .read(move |conn| {
            let Some(found) = idempotency::find(conn, request.scope, &request.key, now)? else {
                return Ok(None);
            };
            if found.request != request.request {
                return Err(Rejection::Outdated.into());
            }
            let open = |sealed: Vec<u8>| crypto.open(Purpose::Idempotency, &request.context(), &sealed);
            Ok(found.answer.map(open).transpose()?)
        })
        .await
}
