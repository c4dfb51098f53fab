//! Activating: code and proof together bring the new key to life; whoever reads the mail alone has nothing.
//!
//! Ten tries of its own, kept over reissue; each is counted in the transaction that answers it.

use chrono::Duration;
use secrecy::SecretString;

use super::assertions::{self, Attested};
use super::{Context, Counted, expire, recovery, requester};
use crate::crypto::{TokenKind, token_hash};
use crate::db::authenticators::{self, Authenticator};
use crate::db::tickets::{self, Tries};
use crate::db::tokens::{self, Kind};
use crate::db::{Conn, accounts, apply};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::ids::{Reference, TicketId};
use crate::domain::proof::{Presented, Proof};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, Proven, Ticket};
use crate::domain::totp::{Code, CodeOutcome, matching_pair, matching_step};
use crate::error::Error;

/// How many failed activations a ticket has.
const TRIES: i32 = 10;
/// How many wrong PINs kill a PIN.
const PIN_TRIES: i32 = 5;
/// How long before the ticket a password must have been unchanged.
pub(super) const PASSWORD_AGE: Duration = Duration::hours(24);

/// What a person types, or their host says, to activate the key.
#[derive(Clone, Default)]
pub struct Attempt {
    /// One code, or two consecutive ones.
    pub codes: Vec<String>,
    /// The PIN of the verified call.
    pub pin: Option<String>,
    /// The local password.
    pub password: Option<String>,
    /// One of the saved recovery codes.
    pub recovery_code: Option<String>,
    /// The host's signed word.
    pub assertion: Option<String>,
}

/// What an activation gives.
pub struct Activated {
    /// Ten new recovery codes, shown once.
    pub recovery_codes: Vec<SecretString>,
}

/// A key that was sent and waits to be proven: what that takes.
pub struct Awaited {
    /// The ticket.
    pub reference: Reference,
    /// What is needed beside the code.
    pub proof: Proof,
    /// How many consecutive codes are needed.
    pub codes: usize,
}

/// What the bearer of the setup letter's token has to type. Looking uses nothing up.
///
/// # Errors
/// `NotFound` for unknown, used and expired ones.
pub async fn awaited(ctx: &Context, token: &str) -> Result<Awaited, Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    let hash = token_hash(TokenKind::Activation, token).ok_or(Rejection::NotFound)?;
    ctx.db
        .read(move |conn| {
            // It lives exactly as long as the key that was sent.
            let row = tokens::find(conn, Kind::Activation, &hash, now)?.ok_or(Rejection::NotFound)?;
            let ticket = tickets::get(conn, &row.ticket_id.ok_or(Rejection::NotFound)?)?;
            let codes = inner.policy.tier(ticket.tier).codes;
            Ok(Awaited { proof: ticket.proof(&inner.policy), reference: ticket.reference, codes })
        })
        .await
}

/// What was looked at outside the transaction, because it takes its time.
#[derive(Clone)]
struct Checked {
    presented: Presented,
    /// The hash that the PIN was compared with, and whether it fitted.
    pin: Option<(String, bool)>,
    password: Password,
    /// The hash that the password was compared with.
    password_hash: Option<String>,
    attested: Option<Attested>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Password {
    None,
    Wrong,
    Right,
    /// Right, but changed too lately to prove anything.
    TooNew,
}

/// Activates the key that was sent.
///
/// # Errors
/// `NotFound` without a token that fits; `OutOfOrder`, `Invalid`, `ProofRequired`, `WrongCode`, `TooManyTries`;
/// `Unauthenticated` for a bad assertion; `Busy`.
pub async fn activate(
    ctx: &Context,
    reference: &str,
    token: &str,
    attempt: Attempt,
) -> Result<Activated, Error> {
    let codes = attempt.codes.iter().map(|code| Code::parse(code)).collect::<Option<Vec<_>>>();
    if codes.is_none_or(|codes| codes.is_empty() || codes.len() > 2) {
        return Err(Rejection::Invalid("code: the six digits that the app shows now").into());
    }
    let now = ctx.now();
    let checked = look(ctx, reference, token, &attempt, now).await?;
    let (inner, reference, token) = (ctx.clone(), reference.to_owned(), token.to_owned());
    ctx.write_counted(move |conn| {
        let account = lock_account(conn, &token)?;
        let ticket = bearer(conn, &reference, &token, now)?;
        let ticket = expire::settle(conn, &inner, ticket, now)?;
        ticket.require(Command::Activate)?;
        decide(conn, &inner, ticket, &account, &attempt, &checked, now)
    })
    .await
    .map(|recovery_codes| Activated { recovery_codes })
}

fn lock_account(conn: &mut Conn, token: &str) -> Result<Account, Error> {
    let hash = token_hash(TokenKind::Activation, token).or_else(|| token_hash(TokenKind::Ticket, token));
    Ok(accounts::lock_of_token(conn, &hash.ok_or(Rejection::NotFound)?)?.ok_or(Rejection::NotFound)?)
}

/// The ticket that a token activates: the requester's own, or that of the setup letter's link.
fn bearer(conn: &mut Conn, reference: &str, token: &str, now: Time) -> Result<Ticket, Error> {
    let Some(hash) = token_hash(TokenKind::Activation, token) else {
        let access = requester::access(conn, reference, token, now)?;
        access.require_full()?;
        return Ok(access.main);
    };
    let row = tokens::find(conn, Kind::Activation, &hash, now)?.ok_or(Rejection::NotFound)?;
    let ticket = tickets::get(conn, &row.ticket_id.ok_or(Rejection::NotFound)?)?;
    if ticket.reference == requester::parse_reference(reference) {
        Ok(ticket)
    } else {
        Err(Rejection::NotFound.into())
    }
}

/// Compares PIN and password, off the async threads and bounded. Nothing is answered from here.
async fn look(
    ctx: &Context,
    reference: &str,
    token: &str,
    attempt: &Attempt,
    now: Time,
) -> Result<Checked, Error> {
    let (reference, token) = (reference.to_owned(), token.to_owned());
    let (id, opened_at, tries, pin, password) = ctx
        .db
        .read(move |conn| {
            let ticket = bearer(conn, &reference, &token, now)?;
            ticket.require(Command::Activate)?;
            let (tries, pin) = tickets::tries(conn, &ticket.id)?;
            let account = ticket.account.clone().ok_or(Rejection::NotFound)?;
            let password = accounts::password(conn, &account)?;
            Ok::<_, Error>((ticket.id, ticket.opened_at, tries, pin, password))
        })
        .await?;
    require_tries(tries)?;
    let attested = match &attempt.assertion {
        Some(assertion) => Some(assertions::verify(ctx, assertion).await?),
        None => None,
    };
    let not_changed_since = opened_at - PASSWORD_AGE;
    let fresh = attested.as_ref().is_some_and(|one| one.is_fresh_password(now, not_changed_since));
    let password_hash = password.as_ref().map(|(hash, _)| hash.clone());
    let password = check_password(ctx, attempt.password.as_deref(), password, not_changed_since).await?;
    Ok(Checked {
        presented: Presented {
            pin: attempt.pin.is_some(),
            password: fresh || matches!(password, Password::Right | Password::Wrong),
            recovery_code: attempt.recovery_code.is_some(),
        },
        pin: check_pin(ctx, &id, attempt.pin.as_deref(), pin).await?,
        password: if fresh { Password::Right } else { password },
        password_hash: password_hash.filter(|_| attempt.password.is_some() && !fresh),
        attested,
    })
}

async fn check_pin(
    ctx: &Context,
    ticket: &TicketId,
    typed: Option<&str>,
    kept: Option<String>,
) -> Result<Option<(String, bool)>, Error> {
    let (Some(typed), Some(kept)) = (typed, kept) else { return Ok(None) };
    let Some(digits) = Code::parse(typed) else { return Ok(Some((kept, false))) };
    let digits = digits.text();
    let digits = secrecy::ExposeSecret::expose_secret(&digits);
    let fits = ctx.crypto.pin_matches(&[ticket.as_str()], digits, &kept).await?;
    Ok(Some((kept, fits)))
}

async fn check_password(
    ctx: &Context,
    typed: Option<&str>,
    kept: Option<(String, Time)>,
    not_changed_since: Time,
) -> Result<Password, Error> {
    let Some(typed) = typed else { return Ok(Password::None) };
    let Some((hash, changed_at)) = kept else {
        ctx.crypto.passwords().verify_dummy(typed).await?;
        return Ok(Password::Wrong);
    };
    if !ctx.crypto.passwords().verify(&hash, typed).await? {
        return Ok(Password::Wrong);
    }
    Ok(if changed_at > not_changed_since { Password::TooNew } else { Password::Right })
}

fn require_tries(tries: Tries) -> Result<(), Rejection> {
    if tries.activation >= TRIES || tries.pin >= PIN_TRIES {
        return Err(Rejection::TooManyTries(None));
    }
    Ok(())
}

fn decide(
    conn: &mut Conn,
    ctx: &Context,
    ticket: Ticket,
    account: &Account,
    attempt: &Attempt,
    checked: &Checked,
    now: Time,
) -> Result<Counted<Vec<SecretString>>, Error> {
    let (tries, pin) = tickets::tries(conn, &ticket.id)?;
    require_tries(tries)?;
    let proof = ticket.proof(&ctx.policy);
    if !proof.is_covered_by(checked.presented) {
        return Ok(Err(Rejection::ProofRequired));
    }
    if let Some(attested) = &checked.attested {
        attested.use_for(conn, account, now)?;
    }
    let pin_fits = checked.pin.as_ref().is_some_and(|(hash, fits)| *fits && Some(hash) == pin.as_ref());
    let key = authenticators::find_of_ticket(conn, &ticket.id, AuthenticatorState::Pending)?
        .ok_or(Rejection::OutOfOrder)?;
    let outcome = check_codes(ctx, &ticket, &key, attempt, now)?;
    let password_fits = checked.password == Password::Right && still_has_password(conn, account, checked)?;
    let proven = match proof {
        Proof::Pin => pin_fits,
        Proof::PinAndPassword => pin_fits && password_fits,
        Proof::PasswordOrRecoveryCode => password_fits || is_recovery_code(conn, ctx, account, attempt)?,
    };
    match outcome {
        CodeOutcome::Accepted(step) if proven => {
            // Among many guesses at once the right one is a guess like the others.
            tickets::count_tries(conn, &ticket.id, pin.as_deref(), tries, tries)?;
            let step = i64::try_from(step.get()).map_err(|_| Error::Internal("a step"))?;
            let proven = Proven { step, by: Actor::Requester, session: None };
            complete(conn, ctx, ticket, proven, now).map(Ok)
        }
        CodeOutcome::Used if proven => Ok(Err(Rejection::WrongCode)),
        _ => {
            let wrong_pin = checked.presented.pin && pin.is_some() && !pin_fits;
            let counted = Tries { pin: tries.pin + i32::from(wrong_pin), activation: tries.activation + 1 };
            tickets::count_tries(conn, &ticket.id, pin.as_deref(), tries, counted)?;
            Ok(Err(Rejection::WrongCode))
        }
    }
}

fn check_codes(
    ctx: &Context,
    ticket: &Ticket,
    key: &Authenticator,
    attempt: &Attempt,
    now: Time,
) -> Result<CodeOutcome, Error> {
    let codes: Vec<Code> = attempt.codes.iter().filter_map(|code| Code::parse(code)).collect();
    let wanted = ctx.policy.tier(ticket.tier).codes;
    let (secret, parameters) = (key.secret(&ctx.crypto)?, key.parameters()?);
    match <[Code; 2]>::try_from(codes) {
        Ok(pair) => Ok(matching_pair(&secret, parameters, &pair, now, key.last())),
        Err(codes) => match codes.first() {
            Some(code) if wanted == 1 => Ok(matching_step(&secret, parameters, code, now, key.last())),
            _ => Err(Rejection::Invalid("codes: two codes, the second right after the first").into()),
        },
    }
}

/// The password was looked at outside this transaction: it may have been set anew since.
fn still_has_password(conn: &mut Conn, account: &Account, checked: &Checked) -> Result<bool, Error> {
    match &checked.password_hash {
        Some(hash) => Ok(accounts::password(conn, &account.id)?.is_some_and(|(kept, _)| kept == *hash)),
        None => Ok(true),
    }
}

fn is_recovery_code(
    conn: &mut Conn,
    ctx: &Context,
    account: &Account,
    attempt: &Attempt,
) -> Result<bool, Error> {
    match &attempt.recovery_code {
        // Somebody said that what the account has is not the owner's.
        Some(_) if account.frozen_at.is_some() => Ok(false),
        Some(typed) => Ok(recovery::find(conn, ctx, account, typed)?.is_some()),
        None => Ok(false),
    }
}

/// The key goes live, the former one is revoked, and ten new recovery codes take the place of the former.
pub(super) fn complete(
    conn: &mut Conn,
    ctx: &Context,
    ticket: Ticket,
    proven: Proven,
    now: Time,
) -> Result<Vec<SecretString>, Error> {
    let ticket = apply(conn, &ctx.crypto, ticket.activate(proven, now)?)?;
    let account = ticket.account.as_ref().ok_or(Error::Internal("a completed ticket of nobody"))?;
    recovery::renew(conn, ctx, account, now)
}
