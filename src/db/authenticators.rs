//! Authenticators: their secrets are sealed with account, row and state, so that a row that was moved, or whose
//! state was written by hand, does not open. What else decides bears a MAC, which is asked where the secret is.

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::rows::{self, Mac, decides};
use super::schema::{accounts, authenticators};
use super::standing;
use super::{Conn, Error, is_primary};
use crate::crypto::{Crypto, Purpose};
use crate::domain::Time;
use crate::domain::authenticator::{Algorithm, AuthenticatorState, Digits, Origin, Parameters};
use crate::domain::event::Subject;
use crate::domain::ids::{AccountId, AuthenticatorId, TicketId};
use crate::domain::shared_secret::SharedSecret;
use crate::domain::totp::Step;

/// An authenticator as it is stored; the secret stays sealed.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = authenticators, treat_none_as_default_value = false)]
pub struct Authenticator {
    /// Which.
    pub id: AuthenticatorId,
    /// Whose.
    pub account_id: AccountId,
    /// The ticket that issued it.
    pub ticket_id: Option<TicketId>,
    /// Where it came from.
    pub origin: Origin,
    /// Where it stands.
    pub state: AuthenticatorState,
    secret: Vec<u8>,
    algorithm: Algorithm,
    digits: i32,
    period: i32,
    /// The last accepted step, or -1.
    pub last_step: i64,
    /// When it came into being.
    pub created_at: Time,
    /// When a pending one dies.
    pub expires_at: Option<Time>,
    /// When the letter with it was accepted by the mail server.
    pub delivered_at: Option<Time>,
    /// When it went live.
    pub activated_at: Option<Time>,
    /// When it was revoked.
    pub ended_at: Option<Time>,
    /// Goes up by one with each audit entry.
    pub version: i32,
    mac: Mac,
}

// The secret is sealed with account, row and state. When its letter was taken lets nobody in.
decides! {
    Authenticator: "authenticators", authenticators.mac by id {
        id, account_id, ticket_id, origin, state, algorithm, digits, period, last_step, created_at, expires_at,
        activated_at, ended_at, version,
    } beside { secret, delivered_at, mac }
}

/// What a new authenticator is made of; always the parameters that every app takes.
pub struct New<'a> {
    /// Which.
    pub id: AuthenticatorId,
    /// Whose.
    pub account: &'a AccountId,
    /// The ticket that issues it; none for an enrolment.
    pub ticket: Option<&'a TicketId>,
    /// 20 bytes.
    pub secret: &'a Zeroizing<Vec<u8>>,
    /// When it dies unless it is proven.
    pub expires_at: Time,
}

impl Authenticator {
    /// What the app must be set to.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn parameters(&self) -> Result<Parameters, Error> {
        let digits = u8::try_from(self.digits).ok().and_then(Digits::new);
        let period = u32::try_from(self.period).ok();
        digits
            .zip(period)
            .and_then(|(digits, period)| Parameters::new(self.algorithm, digits, period))
            .ok_or(Error::Corrupt("parameters of an authenticator"))
    }

    /// Whether the row is what this program wrote. Whoever stops a key need not ask: it must be in nobody's way.
    fn is_ours(&self, crypto: &Crypto) -> bool {
        rows::fields(self).fits(&crypto.row_key(), self.mac.as_deref())
    }

    /// The shared secret.
    ///
    /// # Errors
    /// `Sealed` where the row is not what was sealed, `Forged` where it is not what was written.
    pub fn secret(&self, crypto: &Crypto) -> Result<SharedSecret, Error> {
        let context = [self.account_id.as_str(), self.id.as_str(), self.state.as_str()];
        let opened = crypto.open(Purpose::AuthenticatorSecret, &context, &self.secret)?;
        if !self.is_ours(crypto) {
            return Err(rows::forged("authenticators", self.id.as_str()));
        }
        SharedSecret::new(&opened).ok_or(Error::Corrupt("length of a shared secret"))
    }

    /// The last accepted step.
    #[must_use]
    pub fn last(&self) -> Option<Step> {
        u64::try_from(self.last_step).ok().map(Step::new)
    }

    /// Whether it is pending and its time has run out.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        self.state == AuthenticatorState::Pending && self.expires_at.is_some_and(|at| at <= now)
    }

    /// Whether it is a pending key or enrolment whose time has not run out.
    #[must_use]
    pub fn is_pending(&self, origin: Origin, now: Time) -> bool {
        self.state == AuthenticatorState::Pending
            && self.origin == origin
            && self.expires_at.is_none_or(|at| at > now)
    }
}

/// Stores a new pending authenticator.
///
/// # Errors
/// `Unique` where the account has a pending one of this origin.
pub fn insert(conn: &mut Conn, crypto: &Crypto, new: &New<'_>, now: Time) -> Result<(), Error> {
    let state = AuthenticatorState::Pending;
    let context = [new.account.as_str(), new.id.as_str(), state.as_str()];
    let parameters = Parameters::STANDARD;
    let mut row = Authenticator {
        id: new.id.clone(),
        account_id: new.account.clone(),
        ticket_id: new.ticket.cloned(),
        origin: if new.ticket.is_some() { Origin::Ticket } else { Origin::Enrolment },
        state,
        secret: crypto.seal(Purpose::AuthenticatorSecret, &context, new.secret),
        algorithm: parameters.algorithm(),
        digits: i32::from(parameters.digits().get()),
        period: i32::try_from(parameters.period()).unwrap_or(i32::MAX),
        last_step: -1,
        created_at: now,
        expires_at: Some(new.expires_at),
        delivered_at: None,
        activated_at: None,
        ended_at: None,
        version: 1,
        mac: None,
    };
    row.mac = Some(rows::sign(conn, &row)?);
    diesel::insert_into(authenticators::table).values(row).execute(conn)?;
    Ok(())
}

/// The account's authenticators that matter, newest first: all that are not revoked, and the last two that are.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, account: &AccountId) -> Result<Vec<Authenticator>, Error> {
    let all: Vec<Authenticator> = authenticators::table
        .filter(authenticators::account_id.eq(account))
        .order((authenticators::created_at.desc(), authenticators::id.desc()))
        .limit(50)
        .select(Authenticator::as_select())
        .load(conn)?;
    let mut revoked = 0;
    Ok(all
        .into_iter()
        .filter(|one| {
            let ended = one.state == AuthenticatorState::Revoked;
            revoked += i32::from(ended && one.activated_at.is_some());
            !ended || (one.activated_at.is_some() && revoked <= 2)
        })
        .collect())
}

/// The account's authenticators that are not revoked.
///
/// # Errors
/// Of the database alone.
pub fn list_living(conn: &mut Conn, account: &AccountId) -> Result<Vec<Authenticator>, Error> {
    Ok(authenticators::table
        .filter(authenticators::account_id.eq(account))
        .filter(authenticators::state.ne(AuthenticatorState::Revoked))
        .select(Authenticator::as_select())
        .load(conn)?)
}

/// The authenticator that a ticket issued last and that is in that state.
///
/// # Errors
/// Of the database alone.
pub fn find_of_ticket(
    conn: &mut Conn,
    ticket: &TicketId,
    state: AuthenticatorState,
) -> Result<Option<Authenticator>, Error> {
    Ok(authenticators::table
        .filter(authenticators::ticket_id.eq(ticket))
        .filter(authenticators::state.eq(state))
        .order(authenticators::id.desc())
        .select(Authenticator::as_select())
        .first(conn)
        .optional()?)
}

/// Pending ones whose time has run out and which no ticket ends.
///
/// # Errors
/// Of the database alone.
pub fn list_expired_enrolments(conn: &mut Conn, now: Time, limit: i64) -> Result<Vec<Authenticator>, Error> {
    Ok(authenticators::table
        // In the words of the index, so that it serves.
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'pending'"))
        .filter(authenticators::origin.eq(Origin::Enrolment))
        .filter(authenticators::expires_at.le(now))
        .limit(limit)
        .select(Authenticator::as_select())
        .load(conn)?)
}

/// Moves an authenticator to another state, sealed anew for it, if nobody has moved it meanwhile.
///
/// # Errors
/// `Stale`, `Sealed`; `Unique` where the account has another active one.
pub fn enter(
    conn: &mut Conn,
    crypto: &Crypto,
    former: &Authenticator,
    state: AuthenticatorState,
    now: Time,
) -> Result<Authenticator, Error> {
    let mut next = former.clone();
    next.state = state;
    next.version += 1;
    if state == AuthenticatorState::Active && next.activated_at.is_none() {
        next.activated_at = Some(now);
    }
    if state == AuthenticatorState::Revoked {
        next.ended_at = Some(now);
    }
    match former.secret(crypto) {
        Ok(secret) => {
            let context = [next.account_id.as_str(), next.id.as_str(), state.as_str()];
            next.secret = crypto.seal(Purpose::AuthenticatorSecret, &context, secret.expose());
        }
        // Nobody gets in with it, in whatever state, and it must be in nobody's way: what stops a key needs no secret.
        Err(error @ (Error::Sealed(_) | Error::Forged { .. }))
            if matches!(state, AuthenticatorState::Suspended | AuthenticatorState::Revoked) =>
        {
            tracing::error!(authenticator = %former.id, %error, "a key that is stopped does not open");
        }
        Err(other) => return Err(other),
    }
    if state == AuthenticatorState::Active {
        let subject = Subject::Authenticator(former.id.clone());
        standing::require_last(conn, crypto, "authenticators", &subject, former.version)?;
    }
    // One that was written by hand is stopped, and stays what it is: what it says is not signed.
    next.mac = if former.is_ours(crypto) { Some(rows::sign(conn, &next)?) } else { None };
    let changed = diesel::update(
        authenticators::table
            .find(&former.id)
            .filter(authenticators::version.eq(former.version))
            // A step that was accepted meanwhile changes what it bears, and not its version.
            .filter(authenticators::last_step.eq(former.last_step)),
    )
    .set((
        authenticators::state.eq(state),
        authenticators::secret.eq(&next.secret),
        authenticators::activated_at.eq(next.activated_at),
        authenticators::ended_at.eq(next.ended_at),
        authenticators::version.eq(next.version),
        authenticators::mac.eq(&next.mac),
    ))
    .execute(conn)?;
    if changed == 1 { Ok(next) } else { Err(Error::Stale) }
}

/// Moves the last accepted step forward, if nobody has changed anything meanwhile: so each step is accepted once. Its
/// secret was opened, so that the row is ours. Returns the authenticator as it now is.
///
/// # Errors
/// `Stale`.
pub fn accept(conn: &mut Conn, one: &Authenticator, step: Step) -> Result<Authenticator, Error> {
    let next = stepped(conn, one, step)?;
    let changed = diesel::update(
        authenticators::table
            .find(&one.id)
            .filter(authenticators::mac.eq(&one.mac))
            .filter(authenticators::last_step.lt(next.last_step)),
    )
    .set((authenticators::last_step.eq(next.last_step), authenticators::mac.eq(&next.mac)))
    .execute(conn)?;
    if changed == 1 { Ok(next) } else { Err(Error::Stale) }
}

/// The same where the account has no failures to forget, and only if none was counted meanwhile: one statement for
/// most sign-ins.
///
/// # Errors
/// `Stale`.
pub fn accept_without_failures(conn: &mut Conn, one: &Authenticator, step: Step) -> Result<(), Error> {
    let next = stepped(conn, one, step)?;
    let unfailed = accounts::table.filter(accounts::id.eq(&one.account_id)).filter(accounts::failures.eq(0));
    let changed = diesel::update(
        authenticators::table
            .find(&one.id)
            .filter(authenticators::mac.eq(&one.mac))
            .filter(authenticators::last_step.lt(next.last_step))
            .filter(diesel::dsl::exists(unfailed)),
    )
    .set((authenticators::last_step.eq(next.last_step), authenticators::mac.eq(&next.mac)))
    .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

fn stepped(conn: &mut Conn, one: &Authenticator, step: Step) -> Result<Authenticator, Error> {
    let mut next = one.clone();
    next.last_step = i64::try_from(step.get()).map_err(|_| Error::Corrupt("a step"))?;
    next.mac = Some(rows::sign(conn, &next)?);
    Ok(next)
}

/// The letters with these keys were accepted.
///
/// # Errors
/// Of the database alone.
pub fn delivered(conn: &mut Conn, ids: &[AuthenticatorId], now: Time) -> Result<(), Error> {
    diesel::update(authenticators::table.filter(authenticators::id.eq_any(ids)))
        .set(authenticators::delivered_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// One page of those after an id, for sealing anew.
///
/// # Errors
/// Of the database alone.
pub fn list_after(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Authenticator>, Error> {
    Ok(authenticators::table
        .filter(authenticators::id.gt(after))
        .order(authenticators::id)
        .limit(limit)
        .select(Authenticator::as_select())
        .load(conn)?)
}

/// Seals a secret anew under the primary key of the ring; nothing else changes. False if it is under it already.
///
/// # Errors
/// `Stale`, `Sealed`.
pub fn reseal(conn: &mut Conn, crypto: &Crypto, one: &Authenticator) -> Result<bool, Error> {
    if is_primary(crypto, &one.secret) {
        return Ok(false);
    }
    let secret = Zeroizing::new(one.secret(crypto)?.expose().to_vec());
    let context = [one.account_id.as_str(), one.id.as_str(), one.state.as_str()];
    let sealed = crypto.seal(Purpose::AuthenticatorSecret, &context, &secret);
    let changed =
        diesel::update(authenticators::table.find(&one.id).filter(authenticators::secret.eq(&one.secret)))
            .set(authenticators::secret.eq(&sealed))
            .execute(conn)?;
    if changed == 1 { Ok(true) } else { Err(Error::Stale) }
}
