//! Sessions of an account's owner: seen, and ended.

use super::Context;
use super::owner::{OwnerSession, has_ended, is_full};
use crate::db::{account_sessions, accounts};
use crate::domain::Time;
use crate::domain::ids::SessionId;
use crate::error::Error;

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub id: SessionId,
    /// The family of browser and device.
    pub browser: String,
    /// The network that it began in, as text.
    pub network: Option<String>,
    /// When it began.
    pub since: Time,
    /// When it was last used, to the minute.
    pub last_used: Time,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// The sessions in which the owner is signed in altogether, the last used first.
///
/// # Errors
/// `Unauthenticated` where a code is still awaited.
pub async fn list(ctx: &Context, who: &OwnerSession) -> Result<Vec<Seen>, Error> {
    who.require_full()?;
    let (now, inner, who) = (ctx.now(), ctx.clone(), who.clone());
    ctx.db
        .read(move |conn| {
            let account = accounts::get(conn, &who.account)?;
            let all = account_sessions::list(conn, &who.account)?.into_iter();
            let living =
                all.filter(|one| is_full(one, &account) && !has_ended(&inner, one, true, now)).map(|one| {
                    Seen {
                        is_this: one.id == who.session,
                        id: one.id,
                        browser: one.browser,
                        network: one.network,
                        since: one.created_at,
                        last_used: one.seen_at,
                    }
                });
            Ok(living.collect())
        })
        .await
}

/// Which sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one that asks: signing out.
    This,
    /// Another one.
    One(SessionId),
    /// All but the one that asks, those that still await a code included.
    Others,
}

/// Ends sessions of the owner; one that has ended already is no reason to complain.
///
/// # Errors
/// `Unauthenticated` where a code is still awaited and it is not the own session that ends.
pub async fn end(ctx: &Context, who: &OwnerSession, which: Which) -> Result<(), Error> {
    if which != Which::This {
        who.require_full()?;
    }
    let (inner, who, now) = (ctx.clone(), who.clone(), ctx.now());
    ctx.db
        .write(move |conn| {
            if which != Which::This {
                who.caller().account(conn, &inner, now)?;
            }
            match &which {
                Which::This => account_sessions::end(conn, &who.account, &who.session)?,
                Which::One(id) => account_sessions::end(conn, &who.account, id)?,
                Which::Others => account_sessions::end_others(conn, &who.account, &who.session)?,
            }
            Ok(())
        })
        .await
}
