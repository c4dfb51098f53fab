//! Rows of a former schema bear no MAC: they are signed once, after the audit log was verified, and never again.
//!
//! The rule to keep: that it was done is said by a fact that bears a MAC and by an entry of the log, so that whoever
//! writes to the database cannot have it done again for rows of their own.

use super::audit_verdict::{Broken, Report};
use super::{Context, audit_verify};
use crate::db::audit::{self, Circumstances};
use crate::db::rows_all::{self, TABLES};
use crate::db::{Conn, facts};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::error::Error;

/// The fact that rows are signed.
const FACT: &str = "rows_signed";
/// Rows that are signed in one transaction.
const PAGE: i64 = 500;

/// Why the rows of a database are not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The log, which would have to vouch for them, is broken.
    #[error(
        "the rows of this database cannot be signed, because its audit log is broken: {0}. Put back the last backup \
         that `rekey audit verify` of the former version finds intact"
    )]
    Broken(Broken),
    /// A ticket's state is not what the log tells.
    #[error(
        "the rows of this database cannot be signed, because ticket {0} is in a state that its audit log does not \
         tell: it was written by hand. Put back the last backup that was not changed"
    )]
    Untold(String),
    /// The database.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is done.
    Nothing,
    /// The database is new: it is said that its rows are signed from the first one on.
    Mark,
    /// There are rows of a former schema.
    Sign,
}

/// Looks what is to be done.
///
/// # Errors
/// Of the database alone.
pub async fn need(ctx: &Context) -> Result<Need, Error> {
    let (mark, crypto) = (mark(ctx), ctx.crypto.clone());
    ctx.db
        .read(move |conn| {
            if facts::find(conn, FACT)?.is_some_and(|kept| kept == mark) {
                return Ok(Need::Nothing);
            }
            let told = audit::list_by_action(conn, Action::RowsSigned, 10)?;
            if told.iter().any(|entry| crypto.entry_mac_matches(&entry.bytes(), &entry.mac)) {
                tracing::error!(
                    "the fact that rows are signed was removed; the audit log says that they are"
                );
                return Ok(Need::Nothing);
            }
            let is_empty = rows_all::is_new(conn)? && audit::list(conn, None, None, 1)?.is_empty();
            Ok(if is_empty { Need::Mark } else { Need::Sign })
        })
        .await
}

/// Signs the rows of a former schema, or of a new database. Returns how many rows there are.
///
/// # Errors
/// See [`SignError`].
pub async fn sign(ctx: &Context) -> Result<u64, SignError> {
    let mut report = Report::default();
    audit_verify::verify_log(ctx, &mut report, &|_, _| {}).await?;
    if let Some(broken) = report.broken {
        return Err(SignError::Broken(broken));
    }
    let untold = ctx.db.patient().read(|conn| Ok::<_, Error>(rows_all::find_untold(conn)?)).await?;
    if let Some(ticket) = untold {
        return Err(SignError::Untold(ticket));
    }
    let mut rows = 0;
    for table in &TABLES {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let work = move |conn: &mut Conn| Ok::<_, Error>(table.sign(conn, &from, PAGE)?);
            let page = ctx.db.patient().write(work).await?;
            rows += page.seen as u64;
            match page.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    say(ctx, rows).await?;
    Ok(rows)
}

fn mark(ctx: &Context) -> String {
    ctx.crypto.row_mark(FACT)
}

async fn say(ctx: &Context, rows: u64) -> Result<(), Error> {
    let (mark, crypto, now) = (mark(ctx), ctx.crypto.clone(), ctx.now());
    ctx.db
        .write(move |conn| {
            if facts::find(conn, FACT)?.is_some_and(|kept| kept == mark) {
                return Ok(());
            }
            facts::put(conn, FACT, &mark)?;
            let around = Circumstances {
                actor: &Actor::Machine,
                at: now,
                subject: &Subject::System,
                version: 0,
                ticket: None,
            };
            let event = Event::new(Action::RowsSigned).with("rows", rows.to_string());
            Ok::<_, Error>(audit::insert(conn, &crypto, &around, &event)?)
        })
        .await
}
