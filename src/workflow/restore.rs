//! After a database was put back from a backup: whatever may have been ended since is ended again.
//!
//! The rule: nobody knows what happened between the backup and now, so nothing that lets somebody in or sends a key is
//! taken over from it: sessions, approvals, keys under way, codes, tokens of requesters, emails that waited. Everything
//! else stays as the backup has it. The log says so for good, and verification names the gap each time.

use chrono::TimeDelta;

use super::Context;
use super::checkpoints_file::Lines;
use super::key_ring::Known;
use crate::crypto::KeyId;
use crate::db::audit::{self, Checkpoint, Circumstances};
use crate::db::authenticators;
use crate::db::facts::{self, PRIMARY_KEY, RETIRED_KEYS};
use crate::db::restored::{self, ClosedEmail};
use crate::db::{self, Conn, apply, tickets};
use crate::domain::Time;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::Reference;
use crate::error::Error;

/// Enrolments that are listed at a time.
const BATCH: i64 = 100;

/// What a restore came to.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Where the log of the backup ends.
    pub position: i64,
    /// What the checkpoints' file knows beyond that.
    pub beyond: Option<Beyond>,
    /// Sessions of the staff that were ended.
    pub staff_sessions: usize,
    /// Sessions of account holders that were ended.
    pub account_sessions: usize,
    /// Tickets that are back in review, or lost a PIN.
    pub tickets: Vec<Reference>,
    /// Set-ups of authenticators that were under way.
    pub enrolments: usize,
    /// Codes that had gone to mailboxes.
    pub codes: usize,
    /// Emails that waited and are not sent.
    pub emails: Vec<ClosedEmail>,
}

/// The last checkpoint of a log that went further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond {
    /// How far it went.
    pub position: i64,
    /// When it was signed.
    pub at: Time,
}

/// Ends it all, in one transaction.
///
/// # Errors
/// Of the database, or `Internal` where the checkpoints' file cannot be read.
pub async fn end_all(ctx: &Context) -> Result<Restored, Error> {
    let position = ctx.db.read(audit::end_of_chain).await?.map_or(0, |(position, _)| position);
    let beyond = beyond(ctx, position)?;
    let (inner, now) = (ctx.clone(), ctx.now());
    let work = move |conn: &mut Conn| {
        let emails = restored::close_outbox(conn, now)?;
        let (staff_sessions, account_sessions) = restored::end_sessions(conn)?;
        let codes = restored::end_codes(conn)?;
        let mut references = Vec::new();
        for id in restored::list_tickets(conn)? {
            let ticket = tickets::get(conn, &id)?;
            references.push(ticket.reference.clone());
            apply(conn, &inner.crypto, ticket.restored(&inner.policy, now)?)?;
        }
        let enrolments = end_enrolments(conn, &inner, now)?;
        keep_ring(conn, &inner)?;
        log(conn, &inner, position, beyond, now)?;
        Ok::<_, Error>(Restored {
            position,
            beyond,
            staff_sessions,
            account_sessions,
            tickets: references,
            enrolments,
            codes,
            emails,
        })
    };
    ctx.db.patient().write(work).await
}

/// The checkpoint that goes furthest beyond a position, if one does.
fn beyond(ctx: &Context, position: i64) -> Result<Option<Beyond>, Error> {
    let unreadable = |_| Error::Internal("the checkpoints' file cannot be read");
    let mut last: Option<Beyond> = None;
    for line in Lines::open(&ctx.config.keys.checkpoints_file).map_err(unreadable)?.into_iter().flatten() {
        let Some(one) = line.map_err(unreadable)? else { continue };
        let bytes = Checkpoint::bytes(one.position, &one.chain, one.at);
        if one.position > last.map_or(position, |last| last.position)
            && ctx.crypto.verify_checkpoint(&bytes, &one.signature)
        {
            last = Some(Beyond { position: one.position, at: one.at });
        }
    }
    Ok(last)
}

/// Set-ups that wait for their first code: what was begun since in their place is gone.
fn end_enrolments(conn: &mut Conn, ctx: &Context, now: Time) -> Result<usize, Error> {
    let far = now + TimeDelta::days(36_500);
    let mut count = 0;
    loop {
        let page = authenticators::list_expired_enrolments(conn, far, BATCH)?;
        if page.is_empty() {
            return Ok(count);
        }
        for pending in page {
            let ended = authenticators::enter(conn, &ctx.crypto, &pending, AuthenticatorState::Revoked, now)?;
            let around = Circumstances {
                actor: &Actor::Console,
                at: now,
                subject: &Subject::Authenticator(ended.id.clone()),
                version: ended.version,
                ticket: None,
            };
            audit::insert(conn, &ctx.crypto, &around, &Event::new(Action::KeyRevoked))?;
            count += 1;
        }
    }
}

/// The ring was not put back with the database: what it says of its keys stands.
fn keep_ring(conn: &mut Conn, ctx: &Context) -> Result<(), db::Error> {
    let mut retired = Known::load(conn)?.retired();
    retired.extend(ctx.crypto.retired_ids());
    retired.sort_unstable();
    retired.dedup();
    if !retired.is_empty() {
        let ids: Vec<String> = retired.iter().map(KeyId::to_string).collect();
        facts::put(conn, RETIRED_KEYS, &ids.join(","))?;
    }
    facts::put(conn, PRIMARY_KEY, &ctx.crypto.primary_key_id().to_string())
}

fn log(
    conn: &mut Conn,
    ctx: &Context,
    position: i64,
    beyond: Option<Beyond>,
    now: Time,
) -> Result<(), db::Error> {
    let around = Circumstances {
        actor: &Actor::Console,
        at: now,
        subject: &Subject::System,
        version: 0,
        ticket: None,
    };
    let mut event = Event::new(Action::Restored).with("position", position.to_string());
    if let Some(beyond) = beyond {
        event = event.with("beyond", beyond.position.to_string());
    }
    audit::insert(conn, &ctx.crypto, &around, &event)
}
