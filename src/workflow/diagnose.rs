//! Finding the fault: two codes are tried against the account's keys, so that a ticket can end without a new one.
//!
//! It activates nothing, is no evidence, and says nothing of a pending key before its letter was accepted.

use chrono::Duration;

use super::change::{self, Note};
use super::owner::OwnerSession;
use super::verify::all_evidence;
use super::{Context, requester};
use crate::db::authenticators::{self, Authenticator};
use crate::db::throttles::{self, Counter};
use crate::db::{Conn, apply};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::advice;
use crate::domain::authenticator::{AuthenticatorState, Origin};
use crate::domain::diagnosis::{self, Candidate, Diagnosis, Finding, Standing};
use crate::domain::event::{Action, Event};
use crate::domain::evidence::{Method, stands};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, Ticket};
use crate::domain::totp::Code;
use crate::error::Error;

/// How many times an hour codes may be tried on one account.
const TRIES_PER_HOUR: u32 = 5;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosed {
    /// The finding, in one word.
    pub finding: &'static str,
    /// How far the clock is off, in seconds; fast is positive.
    pub offset_seconds: Option<i64>,
    /// What it is probably: `time_zone`, where the clock is off by quarters of an hour.
    pub likely: Option<&'static str>,
    /// What to do, in plain sentences.
    pub advice: String,
}

/// Tries two consecutive codes against the account's keys.
///
/// # Errors
/// `NotFound`, `OutOfOrder`, `Invalid`, `TooManyTries`.
pub async fn diagnose(
    ctx: &Context,
    reference: &str,
    token: &str,
    codes: [String; 2],
) -> Result<Diagnosed, Error> {
    require_codes(&codes)?;
    let (now, inner) = (ctx.now(), ctx.clone());
    let (reference, token) = (reference.to_owned(), token.to_owned());
    ctx.write(move |conn| {
        let access = requester::access_to_change(conn, &inner, &reference, &token, now)?;
        access.require_full()?;
        access.main.require(Command::Diagnose)?;
        let account = access.account()?.clone();
        let ticket = access.main;
        require_mailbox_or_session(conn, &inner, &ticket, now)?;
        count(conn, &account, now)?;
        let diagnosis = try_codes(conn, &inner, &account, &codes, now)?;
        let facts = vec![("facts", advice::facts(&diagnosis.facts))];
        let diagnosed = ticket.diagnosed(diagnosis.finding.as_str(), facts, now)?;
        apply(conn, &inner.crypto, diagnosed)?;
        Ok(told(&inner, &account, &diagnosis))
    })
    .await
}

/// The same for the owner who is signed in at the account pages, without a ticket.
///
/// # Errors
/// `Unauthenticated` where a code is still awaited; `Invalid`, `TooManyTries`.
pub async fn diagnose_signed_in(
    ctx: &Context,
    who: &OwnerSession,
    codes: [String; 2],
) -> Result<Diagnosed, Error> {
    who.require_full()?;
    require_codes(&codes)?;
    let (now, inner, who) = (ctx.now(), ctx.clone(), who.clone());
    ctx.write(move |conn| {
        let account = who.caller().account(conn, &inner, now)?;
        count(conn, &account, now)?;
        let diagnosis = try_codes(conn, &inner, &account, &codes, now)?;
        let told = told(&inner, &account, &diagnosis);
        let event = Event::new(Action::Diagnosed)
            .with("finding", told.finding)
            .with("facts", advice::facts(&diagnosis.facts));
        let actor = Actor::Owner(account.id.clone());
        change::account(conn, &inner, account, &Note { actor: &actor, event }, now)?;
        Ok(told)
    })
    .await
}

fn require_codes(codes: &[String; 2]) -> Result<(), Rejection> {
    if codes.iter().all(|code| Code::parse(code).is_some()) {
        return Ok(());
    }
    Err(Rejection::Invalid("codes: exactly two codes, of 6 or 8 digits each"))
}

fn told(ctx: &Context, account: &Account, diagnosis: &Diagnosis) -> Diagnosed {
    let offset_seconds = match diagnosis.finding {
        Finding::ClockOff { offset_seconds } => Some(offset_seconds),
        _ => None,
    };
    let advice = advice::advice(diagnosis, &entry_name(ctx, account)).text;
    let likely = diagnosis.finding.is_zone().then_some("time_zone");
    Diagnosed { finding: diagnosis.finding.as_str(), offset_seconds, likely, advice }
}

/// What the account's entry is called in an app.
pub(super) fn entry_name(ctx: &Context, account: &Account) -> String {
    format!("{} ({})", ctx.config.app.issuer, account.label())
}

fn require_mailbox_or_session(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &Ticket,
    now: Time,
) -> Result<(), Error> {
    let all = all_evidence(conn, ticket)?;
    let lifetime = ctx.policy.evidence_lifetime;
    let known =
        [Method::MailboxCode, Method::HostSession].iter().any(|one| stands(&all, *one, lifetime, now));
    if known { Ok(()) } else { Err(Rejection::OutOfOrder.into()) }
}

/// Counts a try on an account, which is locked.
fn count(conn: &mut Conn, account: &Account, now: Time) -> Result<(), Error> {
    let counter = Counter { name: "diagnoses", subject: account.id.as_str(), window: Duration::hours(1) };
    let room = throttles::take(conn, &counter, TRIES_PER_HOUR, now)?;
    room.map_err(|until| Rejection::TooManyTries(Some(until)).into())
}

fn try_codes(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    codes: &[String; 2],
    now: Time,
) -> Result<Diagnosis, Error> {
    let [first, second] = codes;
    let (Some(first), Some(second)) = (Code::parse(first), Code::parse(second)) else {
        return Err(Error::Internal("codes that were read cannot be read again"));
    };
    let keys: Vec<Authenticator> = authenticators::list(conn, &account.id)?
        .into_iter()
        .filter(|one| one.state != AuthenticatorState::Pending || is_known_to_person(one))
        .collect();
    let mut opened = Vec::with_capacity(keys.len());
    for key in &keys {
        opened.push((key, key.secret(&ctx.crypto)?, key.parameters()?));
    }
    let candidates: Vec<Candidate<'_>> = opened
        .iter()
        .map(|(key, secret, parameters)| Candidate {
            authenticator: &key.id,
            secret,
            parameters: *parameters,
            standing: match key.state {
                AuthenticatorState::Pending => Standing::Pending,
                AuthenticatorState::Revoked => Standing::Former,
                AuthenticatorState::Active | AuthenticatorState::Suspended => Standing::Active,
            },
        })
        .collect();
    let diagnosis = diagnosis::diagnose(&candidates, &[first, second], now);
    if let Some((id, step)) = &diagnosis.burn
        && let Some(key) = keys.iter().find(|key| key.id == *id)
        && key.last().is_none_or(|last| last < *step)
    {
        authenticators::accept(conn, key, *step)?;
    }
    Ok(diagnosis)
}

fn is_known_to_person(key: &Authenticator) -> bool {
    key.origin == Origin::Enrolment || key.delivered_at.is_some()
}
