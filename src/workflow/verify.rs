//! Verifying who the requester is: what staff record, the PIN, and the manager's word.

use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::acting::ActingSession;
use super::review::{self, Case};
use super::{Context, Counted, expire};
use crate::crypto::{Purpose, TokenKind, token_hash};
use crate::db::letters::{self, About, Fate};
use crate::db::review::list_evidence;
use crate::db::vouches::{self, Vouch};
use crate::db::{Conn, Lock, account_addresses, accounts, apply, audit, ownership, staff, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::{Owner, StaffActor};
use crate::domain::event::Action;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::{EvidenceId, StaffId};
use crate::domain::letter::{Content, Letter};
use crate::domain::rejection::{Limit, Rejection};
use crate::domain::text::Text;
use crate::domain::ticket::{StaffEvidence, Ticket};
use crate::domain::totp::Code;
use crate::error::Error;

/// How long a manager has to answer.
const VOUCH_LIFETIME: Duration = Duration::hours(24);
/// How often the manager is asked on one ticket.
pub(super) const VOUCH_QUESTIONS: usize = 3;
/// How many wrong codes kill a question to a manager.
const VOUCH_TRIES: i32 = 5;

/// A verification, as staff record it.
#[derive(Clone)]
pub struct Verification {
    /// By which method.
    pub method: Method,
    /// How it ended.
    pub outcome: Outcome,
    /// What there is to note.
    pub note: String,
    /// What becomes of the PIN, if the requester was recognised.
    pub pin: PinWish,
}

/// What becomes of the PIN where a verification passed.
#[derive(Clone)]
pub enum PinWish {
    /// None is made with it.
    None,
    /// One is made, where the evidence is complete.
    Make,
    /// None is made, and that is noted in these words.
    Declined(String),
}

/// Records a verification, and in the same transaction what becomes of the PIN. Returns the PIN, to be shown once.
///
/// # Errors
/// `NotFound`, `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `Invalid`, `FailedBefore`.
pub async fn evidence(
    ctx: &Context,
    session: &ActingSession,
    reference: &str,
    verification: Verification,
) -> Result<Option<SecretString>, Error> {
    let Verification { method, outcome, note, pin } = verification;
    let note = match note.trim() {
        "" => String::new(),
        note => text(note, "note: at most 4000 characters")?,
    };
    let wish = match (outcome, pin) {
        (Outcome::Failed, _) => PinWish::None,
        (Outcome::Passed, PinWish::Declined(why)) => {
            PinWish::Declined(text(&why, "decline: at most 4000 characters")?)
        }
        (Outcome::Passed, wish) => wish,
    };
    let (now, inner, session) = (ctx.now(), ctx.clone(), session.clone());
    let reference = reference.to_owned();
    let pin = ctx.crypto.pin();
    ctx.write(move |conn| {
        let Case { by, ticket, account, owner } =
            review::load(conn, &inner, &session, Lock::Share, &reference, now)?;
        if method == Method::Callback && account.number_to_call(inner.policy.fresh, now).is_none() {
            return Err(Rejection::Invalid("callback: there is no number on file that may be called").into());
        }
        let former = all_evidence(conn, &ticket)?;
        let new =
            StaffEvidence { id: EvidenceId::new(inner.crypto.id(now)), method, outcome, note: note.clone() };
        let recorded = ticket.record_evidence(&by, owner.as_ref(), &inner.policy, &former, new, now)?;
        let ticket = apply(conn, &inner.crypto, recorded)?;
        match &wish {
            PinWish::None => Ok(None),
            PinWish::Declined(why) => {
                apply(conn, &inner.crypto, ticket.note(&by, owner.as_ref(), why.clone(), now)?)?;
                Ok(None)
            }
            PinWish::Make => match store_pin(conn, &inner, &by, owner.as_ref(), ticket, &pin, now) {
                Ok(()) => Ok(Some(pin.clone())),
                // More evidence is wanted first.
                Err(Error::Rejected(Rejection::PolicyNotMet(_))) => Ok(None),
                Err(error) => Err(error),
            },
        }
    })
    .await
}

fn text(written: &str, limit: &'static str) -> Result<String, Rejection> {
    Ok(Text::parse(written).ok_or(Rejection::Invalid(limit))?.as_str().to_owned())
}

pub(super) fn all_evidence(conn: &mut Conn, ticket: &Ticket) -> Result<Vec<Evidence>, Error> {
    Ok(list_evidence(conn, &ticket.id)?.into_iter().map(|noted| noted.evidence).collect())
}

/// What counts of the evidence where a member of the staff acts on it: managers who vouched cannot act on their own word.
pub(super) fn counting_for(
    conn: &mut Conn,
    ctx: &Context,
    ticket: &Ticket,
    by: &StaffActor,
    mut all: Vec<Evidence>,
    now: Time,
) -> Result<Vec<Evidence>, Error> {
    if all.iter().any(|one| one.method == Method::ManagerVouch) {
        for manager in vouches::list_answered(conn, &ticket.id)? {
            if leads_to(conn, ctx, &manager, &by.id, now)? {
                all.retain(|one| one.method != Method::ManagerVouch);
            }
        }
    }
    Ok(all)
}

/// Makes a PIN, to be read out on the verified call; it is shown once, and a former one dies.
///
/// # Errors
/// `NotFound`, `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `PolicyNotMet`, `StepUpRequired`;
/// `Busy`.
pub async fn make_pin(
    ctx: &Context,
    session: &ActingSession,
    reference: &str,
) -> Result<SecretString, Error> {
    let (now, inner, session) = (ctx.now(), ctx.clone(), session.clone());
    let reference = reference.to_owned();
    let pin = ctx.crypto.pin();
    let shown = pin.clone();
    ctx.write(move |conn| {
        let Case { by, ticket, owner, .. } =
            review::load(conn, &inner, &session, Lock::Share, &reference, now)?;
        store_pin(conn, &inner, &by, owner.as_ref(), ticket, &pin, now)
    })
    .await?;
    Ok(shown)
}

fn store_pin(
    conn: &mut Conn,
    ctx: &Context,
    by: &StaffActor,
    owner: Option<&Owner>,
    ticket: Ticket,
    pin: &SecretString,
    now: Time,
) -> Result<(), Error> {
    let evidence = all_evidence(conn, &ticket)?;
    let evidence = counting_for(conn, ctx, &ticket, by, evidence, now)?;
    let digest = ctx.crypto.code_digest(Purpose::Pin, &[ticket.id.as_str()], pin.expose_secret());
    let made = ticket.make_pin(by, owner, &ctx.policy, &evidence, digest.into(), now)?;
    apply(conn, &ctx.crypto, made)?;
    Ok(())
}

/// Asks the manager on file by email, three times a ticket at most: who is asked often enough confirms to be left alone.
///
/// # Errors
/// `NotFound`, `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `LimitReached`; `Invalid` where nobody
/// may vouch.
pub async fn ask_vouch(ctx: &Context, session: &ActingSession, reference: &str) -> Result<(), Error> {
    let (now, inner, session) = (ctx.now(), ctx.clone(), session.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let Case { by, ticket, account, owner } =
            review::load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let question = ticket.clone().ask_vouch(&by, owner.as_ref(), now)?;
        if audit::count_of_ticket(conn, &ticket.id, Action::VouchAsked)? >= VOUCH_QUESTIONS {
            return Err(Rejection::LimitReached(Limit::VouchQuestions, None).into());
        }
        let asked = apply(conn, &inner.crypto, question)?;
        let manager = manager_to_ask(conn, &inner, &account, &by.id, now)?
            .ok_or(Rejection::Invalid("vouch: there is no manager on file who may vouch"))?;
        let (token, hash) = inner.crypto.token(TokenKind::Vouch);
        let (code, id) = (inner.crypto.mailbox_code(), inner.crypto.id(now));
        let expires_at = now + VOUCH_LIFETIME;
        let vouch = Vouch {
            digest: inner.crypto.code_digest(Purpose::VouchCode, &[&id], code.expose_secret()),
            id,
            ticket_id: asked.id.clone(),
            token_hash: hash,
            address: manager.clone(),
            tries: 0,
            asked_by: by.id.clone(),
            expires_at,
            answered_at: None,
        };
        vouches::insert(conn, vouch)?;
        let content = Content::ManagerVouch { token, code, person: account.name.clone(), expires_at };
        let about = About { ticket: Some(&asked.id), account: Some(&account.id), authenticator: None };
        let letter = Letter { to: manager, content };
        letters::insert(conn, &inner.crypto, about, &letter, Fate::Send, now)?;
        Ok(())
    })
    .await
}

/// The manager who may vouch: on file long enough, and under no spelling of an address the account's owner or the
/// acting agent.
pub(super) fn manager_to_ask(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    by: &StaffId,
    now: Time,
) -> Result<Option<String>, Error> {
    let others: Vec<String> =
        account_addresses::list(conn, &account.id)?.into_iter().map(|other| other.address).collect();
    let Some(manager) = account.manager_to_ask(&others, ctx.policy.fresh, now) else { return Ok(None) };
    Ok((!leads_to(conn, ctx, manager, by, now)?).then(|| manager.to_owned()))
}

/// Whether an address may be that of a member of the staff, at the desk or of an account of their own.
fn leads_to(conn: &mut Conn, ctx: &Context, address: &str, by: &StaffId, now: Time) -> Result<bool, Error> {
    let member = staff::get(conn, by)?;
    Ok(ownership::leads_to(conn, address, &member, now - ctx.policy.fresh)?)
}

/// The manager answers, with token and code of the letter: recorded as evidence.
///
/// # Errors
/// `NotFound` for unknown, expired and answered ones; `WrongCode`, `TooManyTries`, `OutOfOrder`.
pub async fn answer_vouch(ctx: &Context, token: &str, code: &str) -> Result<(), Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let hash = token_hash(TokenKind::Vouch, token).ok_or(Rejection::NotFound)?;
    let code = code.to_owned();
    ctx.write_counted(move |conn| {
        let asked = vouches::find(conn, &hash)?.ok_or(Rejection::NotFound)?;
        let account = accounts::lock_of_ticket(conn, &asked.ticket_id)?.ok_or(Rejection::NotFound)?;
        let vouch = vouches::find(conn, &hash)?
            .filter(|vouch| vouch.expires_at > now && vouch.answered_at.is_none())
            .ok_or(Rejection::NotFound)?;
        let ticket = tickets::get(conn, &vouch.ticket_id)?;
        let ticket = expire::settle(conn, &inner, ticket, now)?;
        still_on_file(conn, &inner, &account, &ticket, &vouch, now)?;
        if let Err(rejection) = check_vouch(conn, &inner, &vouch, &code)? {
            return Ok(Err(rejection));
        }
        vouches::answer(conn, &vouch, now)?;
        let id = EvidenceId::new(inner.crypto.id(now));
        apply(conn, &inner.crypto, ticket.proven(Method::ManagerVouch, id, now)?)?;
        Ok(Ok(()))
    })
    .await
}

/// A manager who could not be asked now by whoever has the ticket has nothing to say.
fn still_on_file(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    ticket: &Ticket,
    vouch: &Vouch,
    now: Time,
) -> Result<(), Error> {
    let by = ticket.holder.as_ref().unwrap_or(&vouch.asked_by);
    let manager = manager_to_ask(conn, ctx, account, by, now)?;
    if manager.as_ref() == Some(&vouch.address) { Ok(()) } else { Err(Rejection::NotFound.into()) }
}

fn check_vouch(conn: &mut Conn, ctx: &Context, vouch: &Vouch, code: &str) -> Result<Counted<()>, Error> {
    if vouch.tries >= VOUCH_TRIES {
        return Ok(Err(Rejection::TooManyTries(None)));
    }
    let right = match Code::parse(code) {
        Some(code) => {
            let typed = code.text();
            ctx.crypto.code_matches(Purpose::VouchCode, &[&vouch.id], typed.expose_secret(), &vouch.digest)?
        }
        None => false,
    };
    if right {
        return Ok(Ok(()));
    }
    vouches::count(conn, vouch)?;
    Ok(Err(Rejection::WrongCode))
}
