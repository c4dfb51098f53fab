//! Approving: the policy met, the right persons, a fresh code; or nothing. Where no hold runs, the key goes out at once.

use chrono::Duration;

use super::acting::ActingSession;
use super::review::{self, Case};
use super::verify::{all_evidence, counting_for};
use super::{Context, Counted, issue};
use crate::db::audit::{self, Circumstances};
use crate::db::letters::{self, About, Fate};
use crate::db::staff::{self, Member};
use crate::db::{Conn, Lock, apply, review as stored};
use crate::domain::Time;
use crate::domain::actor::{Actor, Role, StaffActor};
use crate::domain::address::EmailAddress;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::letter::{Alarm, Content, Letter};
use crate::domain::rejection::Rejection;
use crate::domain::text::Text;
use crate::domain::ticket::{Approving, State};
use crate::error::Error;

/// How long approvals stay stopped.
const STOP: Duration = Duration::hours(1);

/// Gives an approval, first or second. `account` is the account's address, typed by the approver.
///
/// # Errors
/// `NotFound`, `RoleTooLow`, `OwnTicket`, `Outranked`, `SamePerson`, `OutOfOrder`, `NotHolder`, `PolicyNotMet`,
/// `StepUpRequired`, `Invalid`, `TooManyTries`.
pub async fn approve(
    ctx: &Context,
    session: &ActingSession,
    reference: &str,
    account: &str,
    reason: &str,
) -> Result<(), Error> {
    let reason = Text::parse(reason).ok_or(Rejection::Invalid("reason: say why, in 1 to 4000 characters"))?;
    let (now, inner, session) = (ctx.now(), ctx.clone(), session.clone());
    let (reference, typed) = (reference.to_owned(), account.to_owned());
    ctx.write_counted(move |conn| {
        // Their approvals may have to be stopped, and of several at once each counts those before it.
        let Case { by, ticket, account, owner } =
            review::load(conn, &inner, &session, Lock::Update, &reference, now)?;
        let evidence = all_evidence(conn, &ticket)?;
        let evidence = counting_for(conn, &inner, &ticket, &by, evidence, now)?;
        let given: Vec<_> =
            stored::list_approvals(conn, &ticket.id)?.into_iter().map(|approval| approval.staff_id).collect();
        let with = Approving {
            by: &by,
            owner: owner.as_ref(),
            policy: &inner.policy,
            evidence: &evidence,
            given: &given,
        };
        let transition = ticket.approve(&with, reason.as_str().to_owned(), now)?;
        let meant = EmailAddress::parse(&typed).map(|address| address.unique_key());
        if meant != EmailAddress::parse(&account.email).map(|address| address.unique_key()) {
            return Err(
                Rejection::Invalid("account: type the address of the account that you approve").into()
            );
        }
        if let Err(rejection) = within_rate(conn, &inner, &by, now)? {
            return Ok(Err(rejection));
        }
        let ticket = apply(conn, &inner.crypto, transition)?;
        if ticket.state == State::Approved && ticket.is_overdue(now) {
            issue::issue(conn, &inner, ticket, now)?;
        }
        Ok(Ok(()))
    })
    .await
}

/// Sends a new key in place of the one that was sent.
///
/// # Errors
/// As [`approve`].
pub async fn reissue(
    ctx: &Context,
    session: &ActingSession,
    reference: &str,
    reason: &str,
) -> Result<(), Error> {
    let reason = Text::parse(reason).ok_or(Rejection::Invalid("reason: say why, in 1 to 4000 characters"))?;
    let (now, inner, session) = (ctx.now(), ctx.clone(), session.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let Case { by, ticket, owner, .. } =
            review::load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let evidence = all_evidence(conn, &ticket)?;
        let evidence = counting_for(conn, &inner, &ticket, &by, evidence, now)?;
        let with = Approving {
            by: &by,
            owner: owner.as_ref(),
            policy: &inner.policy,
            evidence: &evidence,
            given: &[],
        };
        let key = issue::draw(&inner, now)?;
        apply(conn, &inner.crypto, ticket.reissue(&with, key, reason.as_str(), now)?)?;
        Ok(())
    })
    .await
}

/// Approvals by one person stop when there are too many in an hour, and the admins are told.
fn within_rate(conn: &mut Conn, ctx: &Context, by: &StaffActor, now: Time) -> Result<Counted<()>, Error> {
    let member = staff::get(conn, &by.id)?;
    if let Some(until) = member.approvals_stopped_until.filter(|until| *until > now) {
        return Ok(Err(Rejection::TooManyTries(Some(until))));
    }
    let hour_ago = now - STOP;
    let since = member.lifted_at.map_or(hour_ago, |lifted| lifted.max(hour_ago));
    if stored::count_approvals(conn, &by.id, since)? < ctx.policy.approvals_per_hour {
        return Ok(Ok(()));
    }
    let until = now + STOP;
    stop(conn, ctx, member, until, now)?;
    Ok(Err(Rejection::TooManyTries(Some(until))))
}

fn stop(conn: &mut Conn, ctx: &Context, mut member: Member, until: Time, now: Time) -> Result<(), Error> {
    let from = member.version;
    member.version += 1;
    member.approvals_stopped_until = Some(until);
    let around = Circumstances {
        actor: &Actor::Machine,
        at: now,
        subject: &Subject::Staff(member.id.clone()),
        version: member.version,
        ticket: None,
    };
    audit::insert(conn, &ctx.crypto, &around, &Event::new(Action::ApprovalsStopped))?;
    staff::update(conn, member, from)?;
    for admin in staff::list(conn)? {
        if admin.disabled_at.is_none() && admin.roles.has(Role::Admin) {
            let letter =
                Letter { to: admin.email, content: Content::DeskAlarm { alarm: Alarm::ApprovalsStopped } };
            letters::insert(conn, &ctx.crypto, About::default(), &letter, Fate::Send, now)?;
        }
    }
    Ok(())
}
