//! Sessions of the staff: sign in, be recognised, step up, sign out.
//!
//! The rule: whatever is wrong at signing in, the answer is the same and costs the same. Roles are read with each
//! request, so that a demotion works at once.

use chrono::Duration;
use secrecy::{ExposeSecret, SecretString};

use super::Context;
use super::acting::ActingSession;
use crate::crypto::{Crypto, Purpose, TokenKind, token_hash};
use crate::db::audit::{self, Circumstances};
use crate::db::sessions::{self, Session};
use crate::db::staff::{self, Member};
use crate::db::throttles::{self, Counter};
use crate::db::{Conn, Lock};
use crate::domain::Time;
use crate::domain::actor::{Actor, Role, Roles, StaffActor};
use crate::domain::authenticator::Parameters;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{SessionId, StaffId};
use crate::domain::lockout::LockoutState;
use crate::domain::rejection::Rejection;
use crate::domain::totp::{Code, CodeOutcome, matching_step};
use crate::error::Error;

/// Failed tries an hour for one address from one network; replicas share the count.
const TRIES: u32 = 100;
/// How often a session's last use is written down.
const TOUCH: Duration = Duration::minutes(1);

/// What a member of the staff types to sign in.
pub struct Credentials {
    /// Their address.
    pub email: String,
    /// Their password.
    pub password: SecretString,
    /// A code of their own authenticator.
    pub code: SecretString,
    /// The network they come from, as text.
    pub network: Option<String>,
}

/// A session that has just begun.
pub struct SignedIn {
    /// `rk_ses_…`, shown this once.
    pub token: SecretString,
    /// When the session ends at the latest.
    pub expires_at: Time,
    /// The member's name.
    pub name: String,
    /// Their roles.
    pub roles: Roles,
}

/// A member of the staff who is signed in, as they stand at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffSession {
    /// Which session.
    pub session: SessionId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their roles.
    pub roles: Roles,
    /// When the session ends at the latest.
    pub expires_at: Time,
    /// Until when a step-up stands, if one does.
    pub step_up_until: Option<Time>,
    /// Whether they work the desk by keys.
    pub uses_keys: bool,
    /// Who they are in front of a ticket.
    pub actor: StaffActor,
}

pub(super) fn has_ended(ctx: &Context, session: &Session, member: &Member, now: Time) -> bool {
    let idle = Duration::minutes(i64::from(ctx.config.sessions.idle_minutes));
    session.expires_at <= now || session.seen_at + idle <= now || member.disabled_at.is_some()
}

pub(super) fn actor(member: &Member, session: &Session, now: Time) -> StaffActor {
    StaffActor {
        id: member.id.clone(),
        rank: member.roles.rank(),
        stepped_up: session.step_up_until.is_some_and(|until| until > now),
    }
}

impl StaffSession {
    /// Who they are.
    #[must_use]
    pub fn member(&self) -> &StaffId {
        &self.actor.id
    }

    /// By what their requests act.
    #[must_use]
    pub fn acting(&self) -> ActingSession {
        ActingSession::of(self.session.clone(), self.actor.id.clone())
    }

    /// Whether a role is among theirs.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.has(role)
    }
}

/// Signs in with address, password and a code of one's own authenticator.
///
/// # Errors
/// `Unauthenticated` for every cause alike; `TooManyTries` after many failures for one address from one network,
/// whether the address is known or not; `Busy`.
pub async fn sign_in(ctx: &Context, with: Credentials) -> Result<SignedIn, Error> {
    let now = ctx.now();
    let (email, network) = (with.email.trim().to_owned(), with.network.unwrap_or_default());
    let subject = ctx.crypto.index(Purpose::Network, &["sign_in", &network], &email.to_ascii_lowercase());
    let seen = subject.clone();
    let member = ctx
        .db
        .read(move |conn| {
            refuse_flood(conn, &seen, now)?;
            Ok::<_, Error>(staff::find_by_email(conn, &email)?)
        })
        .await?;
    let passwords = ctx.crypto.passwords();
    let password = with.password.expose_secret();
    let known = if let Some(member) = &member {
        passwords.verify(&member.password, password).await?
    } else {
        passwords.verify_dummy(password).await?;
        false
    };
    let hours = Duration::hours(i64::from(ctx.config.sessions.hours));
    let (crypto, code) = (ctx.crypto.clone(), with.code);
    let named = member.as_ref().map_or("nobody", |member| member.id.as_str()).to_owned();
    let member = member.filter(|_| known);
    // Not `ctx.write`: it leaves no letter, and a flood of sign-ins need not wake the worker.
    let done = ctx
        .db
        .write(move |conn| {
            // Many may have been let in at once: each is counted before the next one is looked at.
            throttles::lock(conn, &failures(&subject))?;
            refuse_flood(conn, &subject, now)?;
            let code = Code::parse(code.expose_secret());
            if let (Some(member), Some(code)) = (&member, &code)
                && let Some(member) = accepted(conn, &crypto, member, code, now)?
            {
                return begin(conn, &crypto, &member, now, hours).map(Some);
            }
            // A write in each case, so that a right password is not told by the time taken.
            throttles::count(conn, &failures(&subject), now)?;
            Ok(None)
        })
        .await;
    let done = ctx.heed(done).await?;
    if done.is_none() {
        tracing::warn!(member = named, right_password = known, "sign-in refused");
    }
    done.ok_or(Error::Unauthenticated)
}

/// The counter of failed sign-ins.
pub(super) fn failures(subject: &str) -> Counter<'_> {
    Counter { name: "sign_in", subject, window: Duration::hours(1) }
}

/// Refuses after too many failures within the hour.
pub(super) fn refuse_flood(conn: &mut Conn, subject: &str, now: Time) -> Result<(), Error> {
    match throttles::full_until(conn, &failures(subject), TRIES, now)? {
        Some(until) => Err(Rejection::TooManyTries(Some(until)).into()),
        None => Ok(()),
    }
}

/// The member as they are now, if the code is theirs; a wrong code is counted.
fn accepted(
    conn: &mut Conn,
    crypto: &Crypto,
    checked: &Member,
    code: &Code,
    now: Time,
) -> Result<Option<Member>, Error> {
    let member = staff::get(conn, &checked.id)?;
    // The password was checked outside this transaction, against what may have been reset since.
    let unchanged = member.password == checked.password;
    if !unchanged || member.disabled_at.is_some() || member.lockout().state(now) != LockoutState::Open {
        return Ok(None);
    }
    match check(conn, crypto, &member, code, now)? {
        CodeVerdict::Accepted(member) => Ok(Some(*member)),
        CodeVerdict::Used | CodeVerdict::Refused => Ok(None),
    }
}

enum CodeVerdict {
    /// The member as they are after it.
    Accepted(Box<Member>),
    /// It was accepted before.
    Used,
    Refused,
}

/// Uses a code up, or counts it as wrong; whoever else does either meanwhile makes this run again.
fn check(
    conn: &mut Conn,
    crypto: &Crypto,
    member: &Member,
    code: &Code,
    now: Time,
) -> Result<CodeVerdict, Error> {
    let secret = member.secret(crypto)?;
    match matching_step(&secret, Parameters::STANDARD, code, now, member.last()) {
        CodeOutcome::Accepted(step) => {
            let member = staff::accept(conn, member, step)?;
            let member = staff::count(conn, &member, member.lockout().after_right())?;
            Ok(CodeVerdict::Accepted(Box::new(member)))
        }
        CodeOutcome::Used => Ok(CodeVerdict::Used),
        CodeOutcome::Wrong => {
            staff::count(conn, member, member.lockout().after_wrong(now))?;
            Ok(CodeVerdict::Refused)
        }
    }
}

fn begin(
    conn: &mut Conn,
    crypto: &Crypto,
    member: &Member,
    now: Time,
    lasts: Duration,
) -> Result<SignedIn, Error> {
    let version = staff::raise_version(conn, member)?.version;
    let around = Circumstances {
        actor: &Actor::Staff(member.id.clone()),
        at: now,
        subject: &Subject::Staff(member.id.clone()),
        version,
        ticket: None,
    };
    audit::insert(conn, crypto, &around, &Event::new(Action::SignedIn))?;
    let (token, token_hash) = crypto.token(TokenKind::Session);
    let session = Session {
        id: SessionId::new(crypto.id(now)),
        token_hash,
        staff_id: member.id.clone(),
        created_at: now,
        seen_at: now,
        expires_at: now + lasts,
        step_up_until: None,
    };
    sessions::insert(conn, session)?;
    Ok(SignedIn { token, expires_at: now + lasts, name: member.name.clone(), roles: member.roles.clone() })
}

/// Recognises the sender of a request by the session's token, and notes that the session is in use.
///
/// # Errors
/// `Unauthenticated` for an unknown, ended, expired or idle session and a disabled member alike.
pub async fn authenticate(ctx: &Context, token: &str) -> Result<StaffSession, Error> {
    let (session, seen_at) = recognise(ctx, token).await?;
    let now = ctx.now();
    if seen_at + TOUCH <= now {
        let id = session.session.clone();
        ctx.db.write(move |conn| Ok::<_, Error>(sessions::touch(conn, &id, now)?)).await?;
    }
    Ok(session)
}

/// Recognises the sender of a request that no person made; also says when the session was last in use.
///
/// # Errors
/// As [`authenticate`].
pub async fn recognise(ctx: &Context, token: &str) -> Result<(StaffSession, Time), Error> {
    let now = ctx.now();
    let hash = token_hash(TokenKind::Session, token).ok_or(Error::Unauthenticated)?;
    let (session, member) = ctx
        .db
        .read(move |conn| {
            let session = sessions::find(conn, &hash)?.ok_or(Error::Unauthenticated)?;
            let member = staff::get(conn, &session.staff_id)?;
            Ok::<_, Error>((session, member))
        })
        .await?;
    let id = session.id.clone();
    if has_ended(ctx, &session, &member, now) {
        // It ends for good: a clock that steps back must not revive it.
        ctx.db.write(move |conn| Ok::<_, Error>(sessions::end(conn, &id)?)).await?;
        return Err(Error::Unauthenticated);
    }
    let staff = StaffSession {
        actor: actor(&member, &session, now),
        session: session.id,
        expires_at: session.expires_at,
        step_up_until: session.step_up_until.filter(|until| *until > now),
        uses_keys: member.uses_keys,
        name: member.name,
        email: member.email,
        roles: member.roles,
    };
    Ok((staff, session.seen_at))
}

/// Ends the session.
///
/// # Errors
/// Of the database alone.
pub async fn sign_out(ctx: &Context, who: &StaffSession) -> Result<(), Error> {
    let id = who.session.clone();
    ctx.db.write(move |conn| Ok::<_, Error>(sessions::end(conn, &id)?)).await
}

/// Switches the keys of the desk on or off, for this member in every browser.
///
/// # Errors
/// Of the database alone.
pub async fn use_keys(ctx: &Context, who: &StaffSession, uses_keys: bool) -> Result<(), Error> {
    let (inner, by, now) = (ctx.clone(), who.acting(), ctx.now());
    ctx.db
        .write(move |conn| {
            let (member, _) = by.lock(conn, &inner, Lock::Update, now)?;
            Ok::<_, Error>(staff::use_keys(conn, &member.id, uses_keys)?)
        })
        .await
}

/// Takes a fresh code of the member's own authenticator; a step-up stands from now until the time that is returned.
///
/// # Errors
/// `WrongCode`, which is counted; `TooManyTries` while the member's codes are locked; `Unauthenticated` where the
/// session has ended meanwhile.
pub async fn step_up(ctx: &Context, who: &StaffSession, code: &str) -> Result<Time, Error> {
    take_code(ctx, who, code, false).await
}

/// The same for a form, which may be sent twice: a code that was accepted before changes nothing while a step-up of this very
/// session stands.
///
/// # Errors
/// As [`step_up`].
pub async fn step_up_by_form(ctx: &Context, who: &StaffSession, code: &str) -> Result<Time, Error> {
    take_code(ctx, who, code, true).await
}

async fn take_code(
    ctx: &Context,
    who: &StaffSession,
    code: &str,
    may_come_again: bool,
) -> Result<Time, Error> {
    let now = ctx.now();
    let until = now + Duration::minutes(i64::from(ctx.config.sessions.step_up_minutes));
    let (inner, by) = (ctx.clone(), who.acting());
    let code = SecretString::from(code);
    let accepted = ctx
        .write(move |conn| {
            let (member, actor) = by.lock(conn, &inner, Lock::Update, now)?;
            match member.lockout().state(now) {
                LockoutState::Open => {}
                LockoutState::Locked { until } => {
                    return Err(Rejection::TooManyTries(Some(until)).into());
                }
                LockoutState::Off => return Err(Rejection::TooManyTries(None).into()),
            }
            let Some(code) = Code::parse(code.expose_secret()) else { return Ok(false) };
            match check(conn, &inner.crypto, &member, &code, now)? {
                CodeVerdict::Accepted(_) => {
                    sessions::step_up(conn, by.session(), until)?;
                    Ok(true)
                }
                CodeVerdict::Used => Ok(may_come_again && actor.stepped_up),
                CodeVerdict::Refused => Ok(false),
            }
        })
        .await?;
    // Outside the transaction: a refusal within would take the count back.
    if accepted { Ok(until) } else { Err(Rejection::WrongCode.into()) }
}
