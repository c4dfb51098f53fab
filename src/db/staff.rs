//! The staff: their own passwords and authenticators, and the locks on these.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::conn::on_both_locking;
use super::rows::{self, Mac, decides};
use super::schema::staff;
use super::{Conn, Error, is_primary};
use crate::crypto::{Crypto, Purpose};
use crate::domain::Time;
use crate::domain::actor::Roles;
use crate::domain::ids::{AccountId, StaffId};
use crate::domain::lockout::Lockout;
use crate::domain::shared_secret::SharedSecret;
use crate::domain::totp::Step;

/// A member of the staff, as stored; password and secret stay hashed and sealed.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = staff, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Member {
    /// Who.
    pub id: StaffId,
    /// The address they sign in with.
    pub email: String,
    email_folded: String,
    /// Their name.
    pub name: String,
    /// Their roles, as stored.
    pub roles: Roles,
    /// The account that is theirs, beside the one with their address.
    pub account_id: Option<AccountId>,
    /// Argon2id, PHC string.
    pub password: String,
    secret: Vec<u8>,
    /// The last accepted step of their authenticator, or -1.
    pub last_step: i64,
    failures: i32,
    locked_until: Option<Time>,
    /// Until when their approvals are stopped.
    pub approvals_stopped_until: Option<Time>,
    /// When an admin allowed their approvals again: those before count no longer.
    pub lifted_at: Option<Time>,
    /// Since when they are disabled.
    pub disabled_at: Option<Time>,
    /// When they were added.
    pub created_at: Time,
    /// Goes up by one with each audit entry.
    pub version: i32,
    /// Whether they work the desk by keys.
    pub uses_keys: bool,
    mac: Mac,
}

decides! {
    Member: "staff", staff.mac by id {
        id, email, email_folded, name, roles, account_id, password, secret, last_step, failures, locked_until,
        approvals_stopped_until, lifted_at, disabled_at, created_at, version,
    } beside { uses_keys, mac }
}

/// What a new member is made of.
pub struct New {
    /// Who.
    pub id: StaffId,
    /// The address they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their roles.
    pub roles: Roles,
    /// The account that is theirs, beside the one with their address.
    pub account: Option<AccountId>,
    /// Argon2id, PHC string.
    pub password: String,
    /// The shared secret of their authenticator.
    pub secret: SharedSecret,
}

fn seal(crypto: &Crypto, id: &StaffId, secret: &SharedSecret) -> Vec<u8> {
    crypto.seal(Purpose::StaffSecret, &[id.as_str()], secret.expose())
}

impl Member {
    /// A member as they begin, not yet stored.
    #[must_use]
    pub fn begin(crypto: &Crypto, new: New, now: Time) -> Self {
        Self {
            secret: seal(crypto, &new.id, &new.secret),
            id: new.id,
            email_folded: new.email.to_ascii_lowercase(),
            email: new.email,
            name: new.name,
            roles: new.roles,
            account_id: new.account,
            password: new.password,
            last_step: -1,
            failures: 0,
            locked_until: None,
            approvals_stopped_until: None,
            lifted_at: None,
            disabled_at: None,
            created_at: now,
            version: 1,
            uses_keys: true,
            mac: None,
        }
    }

    /// The shared secret of their authenticator.
    ///
    /// # Errors
    /// `Sealed`.
    pub fn secret(&self, crypto: &Crypto) -> Result<SharedSecret, Error> {
        let opened = crypto.open(Purpose::StaffSecret, &[self.id.as_str()], &self.secret)?;
        SharedSecret::new(&opened).ok_or(Error::Corrupt("length of a shared secret"))
    }

    /// Gives them another password and authenticator; failures are forgotten.
    pub fn reset(&mut self, crypto: &Crypto, password: String, secret: &SharedSecret) {
        self.secret = seal(crypto, &self.id, secret);
        self.password = password;
        self.last_step = -1;
        self.failures = 0;
        self.locked_until = None;
    }

    /// The last accepted step.
    #[must_use]
    pub fn last(&self) -> Option<Step> {
        u64::try_from(self.last_step).ok().map(Step::new)
    }

    /// Failures at signing in and stepping up.
    #[must_use]
    pub const fn lockout(&self) -> Lockout {
        Lockout { failures: self.failures, locked_until: self.locked_until }
    }
}

/// The member of that id.
///
/// # Errors
/// `NotFound`.
pub fn get(conn: &mut Conn, id: &StaffId) -> Result<Member, Error> {
    let member = staff::table.find(id).select(Member::as_select()).first(conn)?;
    checked(conn, member)
}

/// The member, if the row is what this program wrote.
pub(super) fn checked(conn: &mut Conn, mut member: Member) -> Result<Member, Error> {
    let mac = member.mac.take();
    let mut member = rows::check(conn, (member, mac.clone()))?;
    member.mac = mac;
    Ok(member)
}

/// The member of that id, locked until the transaction ends: for one who may be changed, or whose acts are counted.
///
/// # Errors
/// `NotFound`.
pub fn lock(conn: &mut Conn, id: &StaffId) -> Result<Member, Error> {
    let member = on_both_locking!(conn, c, staff::table.find(id).select(Member::as_select()) => first(c)?);
    checked(conn, member)
}

/// The member of that id, who stays as they are until the transaction ends; others may read them so at the same time.
/// Whoever may come to change them takes [`lock`] at once: two that hold this could both never have the other.
///
/// # Errors
/// `NotFound`.
pub fn lock_shared(conn: &mut Conn, id: &StaffId) -> Result<Member, Error> {
    let row = staff::table.find(id);
    let member = match &mut *conn {
        Conn::Pg(conn) => row.select(Member::as_select()).for_share().first(conn)?,
        Conn::Sqlite(conn) => row.select(Member::as_select()).first(conn)?,
    };
    checked(conn, member)
}

/// The member of that address.
///
/// # Errors
/// Of the database alone.
pub fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Member>, Error> {
    let found = staff::table.filter(staff::email_folded.eq(email.to_ascii_lowercase()));
    let member = found.select(Member::as_select()).first(conn).optional()?;
    member.map(|member| checked(conn, member)).transpose()
}

/// Everybody, by address, as the rows stand: nothing is decided on them, and alarms reach them.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn) -> Result<Vec<Member>, Error> {
    Ok(staff::table.order(staff::email_folded).select(Member::as_select()).load(conn)?)
}

/// The names of these members.
///
/// # Errors
/// Of the database alone.
pub fn names(conn: &mut Conn, of: Vec<StaffId>) -> Result<Vec<(StaffId, String)>, Error> {
    Ok(staff::table.filter(staff::id.eq_any(of)).select((staff::id, staff::name)).load(conn)?)
}

/// Keeps everybody else from adding or changing members until the transaction ends. On SQLite nobody can.
///
/// # Errors
/// Of the database alone.
pub fn lock_all(conn: &mut Conn) -> Result<(), Error> {
    if let Conn::Pg(conn) = conn {
        conn.batch_execute("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE")?;
    }
    Ok(())
}

/// Stores a new member.
///
/// # Errors
/// `Unique` where the address or the account is another member's.
pub fn insert(conn: &mut Conn, mut member: Member) -> Result<(), Error> {
    member.mac = Some(rows::sign(conn, &member)?);
    diesel::insert_into(staff::table).values(member).execute(conn)?;
    Ok(())
}

/// Stores a changed member, if nobody has changed them meanwhile.
///
/// # Errors
/// `Stale`.
pub fn update(conn: &mut Conn, mut member: Member, from_version: i32) -> Result<(), Error> {
    member.mac = Some(rows::sign(conn, &member)?);
    let target = staff::table.find(member.id.clone()).filter(staff::version.eq(from_version));
    let changed = diesel::update(target).set(member).execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Raises the version alone, for an entry of the audit log that changes nothing else.
///
/// # Errors
/// `Stale`.
pub fn raise_version(conn: &mut Conn, member: &Member) -> Result<Member, Error> {
    put(conn, Member { version: member.version + 1, ..member.clone() })
}

/// Stores a member's roles and standing, if nobody has changed or counted anything meanwhile.
///
/// # Errors
/// `Stale`.
pub fn update_standing(conn: &mut Conn, member: &Member) -> Result<(), Error> {
    put(conn, member.clone()).map(drop)
}

/// Counts a failure, or forgets them, if nobody has counted meanwhile. Returns the member as they now are.
///
/// # Errors
/// `Stale`.
pub fn count(conn: &mut Conn, member: &Member, to: Lockout) -> Result<Member, Error> {
    put(conn, Member { failures: to.failures, locked_until: to.locked_until, ..member.clone() })
}

/// Moves the last accepted step forward, if nobody has meanwhile. Returns the member as they now are.
///
/// # Errors
/// `Stale`.
pub fn accept(conn: &mut Conn, member: &Member, step: Step) -> Result<Member, Error> {
    let last_step = i64::try_from(step.get()).map_err(|_| Error::Corrupt("a step"))?;
    if last_step <= member.last_step {
        return Err(Error::Stale);
    }
    put(conn, Member { last_step, ..member.clone() })
}

/// Stores a member in place of the row that they were read from, whatever of it changed.
fn put(conn: &mut Conn, mut member: Member) -> Result<Member, Error> {
    let former = member.mac.take();
    member.mac = Some(rows::sign(conn, &member)?);
    let changed = diesel::update(staff::table.find(&member.id).filter(staff::mac.eq(former)))
        .set(&member)
        .execute(conn)?;
    if changed == 1 { Ok(member) } else { Err(Error::Stale) }
}

/// Seals a secret anew under the primary key of the ring. False if it is under it already.
///
/// # Errors
/// `Stale`, `Sealed`.
pub fn reseal(conn: &mut Conn, crypto: &Crypto, member: &Member) -> Result<bool, Error> {
    if is_primary(crypto, &member.secret) {
        return Ok(false);
    }
    let mut anew = checked(conn, member.clone())?;
    anew.secret = seal(crypto, &member.id, &member.secret(crypto)?);
    put(conn, anew).map(|_| true)
}

/// Notes whether a member works by keys. It says nothing of what they may do: no version, no entry.
///
/// # Errors
/// Of the database alone.
pub fn use_keys(conn: &mut Conn, id: &StaffId, uses_keys: bool) -> Result<(), Error> {
    diesel::update(staff::table.find(id)).set(staff::uses_keys.eq(uses_keys)).execute(conn)?;
    Ok(())
}
