//! The staff, as whoever sits at the command line manages them.
//!
//! The rule to keep: one person, one row. Two members share neither address nor account, and what a member may do
//! is written into the log with every change.

use secrecy::{ExposeSecret, SecretString};

use super::applications::Named;
use super::{Context, password_rules, shutting_out};
use crate::db::audit::Circumstances;
use crate::db::staff::{Member, New};
use crate::db::{self, Conn, accounts, audit, ownership, review, sessions, staff, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Rank, Roles};
use crate::domain::address::EmailAddress;
use crate::domain::authenticator::{Parameters, otpauth_uri};
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, Reference, StaffId};
use crate::domain::policy::Policy;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;
use crate::domain::shared_secret::SharedSecret;
use crate::domain::text::DisplayName;
use crate::domain::ticket::Command;
use crate::error::Error;

/// A member to be added.
#[derive(Clone)]
pub struct NewMember {
    /// The address they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their roles.
    pub roles: Roles,
    /// The account that is theirs, where it has another address.
    pub account: Option<Named>,
    /// Their password.
    pub password: SecretString,
}

/// A member's new authenticator, told once.
pub struct Enrolled {
    /// Whose.
    pub email: String,
    /// The key, in Base32.
    pub secret: SecretString,
    /// The link behind the QR code.
    pub otpauth_uri: SecretString,
    /// The open tickets that went on without them; none of a new member.
    pub tickets: Vec<Reference>,
}

/// A member as they are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// The address they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their roles.
    pub roles: Roles,
    /// Since when they are disabled.
    pub disabled_at: Option<Time>,
    /// Until when their approvals are stopped.
    pub approvals_stopped_until: Option<Time>,
    /// When they were added.
    pub created_at: Time,
}

/// Adds a member, with an authenticator of their own.
///
/// # Errors
/// `Invalid`; `Taken` where address or account is another member's; `NotFound` where there is no such account.
pub async fn add(ctx: &Context, new: NewMember) -> Result<Enrolled, Error> {
    let email = EmailAddress::parse(&new.email)
        .ok_or(Rejection::Invalid("the address is no mail address: write it like ada@example.com"))?;
    let name = DisplayName::parse(&new.name)
        .ok_or(Rejection::Invalid("the name must be one line of 1 to 80 characters that can be seen"))?;
    password_rules::check(&new.password, &[&ctx.config.app.name, email.local_part(), name.as_str()])?;
    let password = ctx.crypto.passwords().hash(new.password.expose_secret()).await?;
    let bytes = ctx.crypto.shared_secret();
    let enrolled = enrolled(ctx, email.as_str(), &bytes[..])?;
    let (work, now) = (ctx.clone(), ctx.now());
    ctx.write(move |conn| {
        staff::lock_all(conn)?;
        let account = new.account.as_ref().map(|named| Ok::<_, Error>(named.find(conn)?.id)).transpose()?;
        let since = now - work.policy.fresh;
        let theirs = own_accounts(conn, email.as_str(), account.as_ref(), since)?;
        refuse_second(conn, email.as_str(), &theirs, since)?;
        let member = New {
            id: StaffId::new(work.crypto.id(now)),
            email: email.as_str().to_owned(),
            name: name.as_str().to_owned(),
            roles: new.roles.clone(),
            account,
            password: password.clone(),
            secret: shared(&bytes[..])?,
        };
        let member = Member::begin(&work.crypto, member, now);
        let event = Event::new(Action::StaffAdded).with("roles", member.roles.as_str());
        log(conn, &work, &member, &event, now)?;
        staff::insert(conn, member).map_err(lost_race)?;
        theirs.iter().try_for_each(|account| raise_open_ticket(conn, &work, account, now))
    })
    .await?;
    Ok(enrolled)
}

/// Everybody, by address.
///
/// # Errors
/// Of the database alone.
pub async fn list(ctx: &Context) -> Result<Vec<MemberView>, Error> {
    let members = ctx.db.read(staff::list).await?;
    Ok(members.into_iter().map(MemberView::from).collect())
}

/// Whether the policy wants two people to approve and the staff has no two who could.
///
/// # Errors
/// Of the database alone.
pub async fn lacks_second_approver(ctx: &Context) -> Result<bool, Error> {
    let members = ctx.db.read(staff::list).await?;
    let ranks: Vec<Rank> =
        members.iter().filter(|one| one.disabled_at.is_none()).map(|one| one.roles.rank()).collect();
    Ok(is_short_of_approvers(&ctx.policy, &ranks))
}

/// The same, of the ranks of those who are not disabled.
#[must_use]
pub fn is_short_of_approvers(policy: &Policy, ranks: &[Rank]) -> bool {
    let wants_two = policy.standard.people > 1 || policy.privileged.people > 1;
    let may_verify = ranks.iter().filter(|rank| **rank >= Rank::Agent).count();
    let may_second = ranks.iter().filter(|rank| **rank >= Rank::Approver).count();
    wants_two && (may_verify < 2 || may_second < 1)
}

/// Gives a member other roles, requests that are under way included. Whoever reaches less far than before has no part in
/// open tickets any more: these are returned.
///
/// # Errors
/// `NotFound`.
pub async fn set_roles(ctx: &Context, email: &str, roles: Roles) -> Result<Vec<Reference>, Error> {
    change(ctx, email, move |member, _| {
        if member.roles == roles {
            return Changed { event: None, is_out: false };
        }
        let is_out = roles.rank() < member.roles.rank();
        member.roles = roles.clone();
        let event = Event::new(Action::StaffChanged).with("roles", roles.as_str());
        Changed { event: Some(event), is_out }
    })
    .await
}

/// Shuts a member out and ends their sessions; what they approved and recorded on open tickets, which are returned, is
/// void.
///
/// # Errors
/// `NotFound`.
pub async fn disable(ctx: &Context, email: &str) -> Result<Vec<Reference>, Error> {
    change(ctx, email, |member, now| {
        let event = member.disabled_at.is_none().then(|| Event::new(Action::StaffDisabled));
        member.disabled_at = member.disabled_at.or(Some(now));
        Changed { event, is_out: true }
    })
    .await
}

/// Lets a member approve again before the hour is over.
///
/// # Errors
/// `NotFound`.
pub async fn lift(ctx: &Context, email: &str) -> Result<(), Error> {
    change(ctx, email, |member, now| {
        member.approvals_stopped_until = None;
        member.lifted_at = Some(now);
        Changed { event: Some(Event::new(Action::StaffLifted)), is_out: false }
    })
    .await
    .map(drop)
}

/// Gives a member another password and authenticator, and ends their sessions; a disabled one is enabled again. It is
/// done where somebody else may have had them, so what they approved and recorded on open tickets is void.
///
/// # Errors
/// `NotFound`, `Invalid`.
pub async fn reset(ctx: &Context, email: &str, password: &SecretString) -> Result<Enrolled, Error> {
    let local_part = email.split('@').next().unwrap_or_default();
    password_rules::check(password, &[&ctx.config.app.name, local_part])?;
    let hash = ctx.crypto.passwords().hash(password.expose_secret()).await?;
    let bytes = ctx.crypto.shared_secret();
    let (work, now, of, drawn) = (ctx.clone(), ctx.now(), email.to_owned(), bytes.clone());
    let (email, tickets) = ctx
        .write(move |conn| {
            let mut member = find(conn, &of)?;
            let from = member.version;
            let was_disabled = member.disabled_at.take().is_some();
            member.reset(&work.crypto, hash.clone(), &shared(&drawn[..])?);
            member.version += 1;
            let mut event = Event::new(Action::StaffReset);
            if was_disabled {
                event = event.with("enabled", "again");
            }
            log(conn, &work, &member, &event, now)?;
            sessions::end_all(conn, &member.id)?;
            let (id, email) = (member.id.clone(), member.email.clone());
            staff::update(conn, member, from)?;
            Ok::<_, Error>((email, shutting_out::shut_out(conn, &work, &id, now)?))
        })
        .await?;
    Ok(Enrolled { tickets, ..enrolled(ctx, &email, &bytes[..])? })
}

/// What a change of a member's standing comes to.
struct Changed {
    /// What the log says; nothing where nothing changes.
    event: Option<Event>,
    /// Whether they have no part in open tickets any more.
    is_out: bool,
}

/// One change of a member's standing, and the tickets that go on without them.
async fn change<F>(ctx: &Context, email: &str, apply: F) -> Result<Vec<Reference>, Error>
where
    F: Fn(&mut Member, Time) -> Changed + Send + 'static,
{
    let (work, now, email) = (ctx.clone(), ctx.now(), email.to_owned());
    ctx.write(move |conn| {
        let mut member = find(conn, &email)?;
        let Changed { event, is_out } = apply(&mut member, now);
        if let Some(event) = event {
            member.version += 1;
            log(conn, &work, &member, &event, now)?;
            if member.disabled_at.is_some() {
                sessions::end_all(conn, &member.id)?;
            }
            staff::update_standing(conn, &member)?;
        }
        if is_out { shutting_out::shut_out(conn, &work, &member.id, now) } else { Ok(Vec::new()) }
    })
    .await
}

/// The member of that address; nothing of theirs goes on beside the transaction.
fn find(conn: &mut Conn, email: &str) -> Result<Member, Error> {
    let member = staff::find_by_email(conn, email.trim())?.ok_or(Rejection::NotFound)?;
    Ok(staff::lock(conn, &member.id)?)
}

/// The accounts that are a member's, by any address at any application and by name.
fn own_accounts(
    conn: &mut Conn,
    email: &str,
    named: Option<&AccountId>,
    since: Time,
) -> Result<Vec<Account>, Error> {
    let mut ids = ownership::accounts_with(conn, email, since)?;
    ids.extend(named.cloned());
    Ok(accounts::lock_all(conn, &ids.iter().collect::<Vec<_>>())?)
}

/// A second row for one person, by address or by account, would let them approve twice.
fn refuse_second(conn: &mut Conn, email: &str, theirs: &[Account], since: Time) -> Result<(), Error> {
    if !ownership::of_mailbox(conn, email)?.is_empty() {
        return Err(Error::Taken("email"));
    }
    for own in theirs {
        if !ownership::owners(conn, own, since)?.is_empty() {
            return Err(Error::Taken("account"));
        }
    }
    Ok(())
}

/// Accounts of staff are privileged, also where a ticket is open already: what was approved is looked at anew.
fn raise_open_ticket(conn: &mut Conn, ctx: &Context, account: &Account, now: Time) -> Result<(), Error> {
    let Some(ticket) = tickets::find_open(conn, &account.id)? else { return Ok(()) };
    review::add_risk(conn, &ticket.id, Risk::StaffAccount, now)?;
    if ticket.require(Command::AccountChange).is_ok() {
        db::apply(conn, &ctx.crypto, ticket.account_changed("member_of_staff", true, &ctx.policy, now)?)?;
    }
    Ok(())
}

/// What was looked up as free was taken meanwhile: look again.
fn lost_race(error: db::Error) -> Error {
    match error {
        db::Error::Unique(_) => db::Error::Stale.into(),
        other => other.into(),
    }
}

fn log(conn: &mut Conn, ctx: &Context, member: &Member, event: &Event, now: Time) -> Result<(), Error> {
    let subject = Subject::Staff(member.id.clone());
    let around = Circumstances {
        actor: &Actor::Console,
        at: now,
        subject: &subject,
        version: member.version,
        ticket: None,
    };
    Ok(audit::insert(conn, &ctx.crypto, &around, event)?)
}

fn shared(bytes: &[u8]) -> Result<SharedSecret, Error> {
    SharedSecret::new(bytes).ok_or(Error::Internal("a drawn key has the wrong length"))
}

fn enrolled(ctx: &Context, email: &str, bytes: &[u8]) -> Result<Enrolled, Error> {
    let secret = shared(bytes)?;
    // The desk's own sign-in, not the application's: people have an entry of that name already.
    let issuer = format!("{} desk", ctx.config.app.issuer);
    Ok(Enrolled {
        email: email.to_owned(),
        otpauth_uri: otpauth_uri(&secret, Parameters::STANDARD, &issuer, email),
        tickets: Vec::new(),
        secret: secret.base32(),
    })
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            email: member.email,
            name: member.name,
            roles: member.roles,
            disabled_at: member.disabled_at,
            approvals_stopped_until: member.approvals_stopped_until,
            created_at: member.created_at,
        }
    }
}
