//! The agent's commands: each loads the ticket and its owner, lets the domain decide, and applies.

use chrono::Duration;

use super::acting::ActingSession;
use super::{Context, assess, confirm, expire, freeze, readdress, requester};
use crate::db::tokens;
use crate::db::{Conn, Lock, accounts, apply, review as stored, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::{Owner, Rank, StaffActor};
use crate::domain::ids::TicketId;
use crate::domain::rejection::{Limit, Rejection};
use crate::domain::text::Text;
use crate::domain::ticket::{CloseReason, Command, MessageKind, State, Ticket, Transition};
use crate::error::Error;

/// Messages that each side may send on a ticket within an hour: every one is an email, or work for the other side.
const MESSAGES_PER_HOUR: i64 = 20;

/// A ticket in front of a member of the staff.
pub(super) struct Case {
    /// Who acts, as they stand now.
    pub by: StaffActor,
    pub ticket: Ticket,
    pub account: Account,
    pub owner: Option<Owner>,
}

/// Loads a ticket for the staff, as they saw it. Tickets of nobody are not shown to them; auditors see none at all.
///
/// The rule: who acts is read again here, and nowhere else; what was known when the request began decides nothing.
pub(super) fn load(
    conn: &mut Conn,
    ctx: &Context,
    session: &ActingSession,
    lock: Lock,
    reference: &str,
    now: Time,
) -> Result<Case, Error> {
    let (_, by) = session.lock(conn, ctx, lock, now)?;
    if by.rank == Rank::None {
        return Err(Rejection::RoleTooLow.into());
    }
    let reference = requester::parse_reference(reference);
    let account = accounts::lock_of_reference(conn, &reference)?.ok_or(Rejection::NotFound)?;
    let ticket = tickets::find(conn, &reference)?.ok_or(Rejection::NotFound)?;
    let owner = assess::owner(conn, ctx, &account, now)?;
    by.may_act(Rank::Agent, owner.as_ref())?;
    let ticket = expire::settle(conn, ctx, ticket, now)?;
    if session.seen.is_some_and(|seen| seen != ticket.version) {
        return Err(Rejection::Outdated.into());
    }
    let ticket = readdress::follow_open(conn, ctx, ticket, &account, now)?;
    Ok(Case { by, ticket, account, owner })
}

async fn command<F>(ctx: &Context, by: &ActingSession, reference: &str, decide: F) -> Result<(), Error>
where
    F: Fn(Case, &Context, Time) -> Result<Transition, Rejection> + Send + 'static,
{
    limited(ctx, by, reference, &[], decide).await
}

/// The same for what is written to the requester.
async fn message<F>(ctx: &Context, by: &ActingSession, reference: &str, decide: F) -> Result<(), Error>
where
    F: Fn(Case, &Context, Time) -> Result<Transition, Rejection> + Send + 'static,
{
    limited(ctx, by, reference, &[MessageKind::Reply, MessageKind::Question], decide).await
}

async fn limited<F>(
    ctx: &Context,
    by: &ActingSession,
    reference: &str,
    kinds: &'static [MessageKind],
    decide: F,
) -> Result<(), Error>
where
    F: Fn(Case, &Context, Time) -> Result<Transition, Rejection> + Send + 'static,
{
    let (now, inner, by) = (ctx.now(), ctx.clone(), by.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let case = load(conn, &inner, &by, Lock::Share, &reference, now)?;
        let id = case.ticket.id.clone();
        let done = decide(case, &inner, now)?;
        if !kinds.is_empty() {
            require_room(conn, &id, kinds, now)?;
        }
        apply(conn, &inner.crypto, done)?;
        Ok(())
    })
    .await
}

/// Refuses where one side has sent as much within the hour as it may. Whoever asks has locked the account.
pub(super) fn require_room(
    conn: &mut Conn,
    ticket: &TicketId,
    kinds: &[MessageKind],
    now: Time,
) -> Result<(), Error> {
    let hour = Duration::hours(1);
    match stored::find_last(conn, ticket, kinds, MESSAGES_PER_HOUR, now - hour)? {
        Some(at) => Err(Rejection::LimitReached(Limit::Replies, Some(at + hour)).into()),
        None => Ok(()),
    }
}

fn text(written: &str) -> Result<String, Error> {
    let text = Text::parse(written).ok_or(Rejection::Invalid("write 1 to 4000 characters"))?;
    Ok(text.as_str().to_owned())
}

/// Takes a ticket that nobody has, or, with the version that was seen, from another holder.
///
/// # Errors
/// `NotFound`, `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `Outdated`, `AnotherOpen`.
pub async fn claim(
    ctx: &Context,
    by: &ActingSession,
    reference: &str,
    from: Option<i32>,
) -> Result<(), Error> {
    let (now, inner, session) = (ctx.now(), ctx.clone(), by.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let Case { by, mut ticket, account, owner } =
            load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let is_taken = ticket.holder.is_some() || ticket.require(Command::TakeOver).is_ok();
        if let Some(from) = from.filter(|_| is_taken) {
            apply(conn, &inner.crypto, ticket.take_over(&by, owner.as_ref(), from, now)?)?;
            return Ok(());
        }
        if ticket.state == State::Unconfirmed {
            // As when it is confirmed: an account that was removed is served no more.
            if account.removed_at.is_some() {
                return Err(Rejection::OutOfOrder.into());
            }
            if tickets::find_open(conn, &account.id)?.is_some() {
                return Err(Rejection::AnotherOpen.into());
            }
            assess::assess(conn, &inner, &mut ticket, &account, now)?;
        }
        let claimed = ticket.claim(&by, owner.as_ref(), &inner.policy, now)?;
        apply(conn, &inner.crypto, claimed).map_err(confirm::slot_taken)?;
        Ok(())
    })
    .await
}

/// Gives a ticket back to the queue.
///
/// # Errors
/// As [`claim`], and `NotHolder`.
pub async fn release(ctx: &Context, by: &ActingSession, reference: &str) -> Result<(), Error> {
    command(ctx, by, reference, |case, ctx, now| {
        case.ticket.release(&case.by, case.owner.as_ref(), &ctx.policy, now)
    })
    .await
}

/// Goes on without waiting for the answer.
///
/// # Errors
/// As [`release`].
pub async fn resume(ctx: &Context, by: &ActingSession, reference: &str) -> Result<(), Error> {
    command(ctx, by, reference, |case, ctx, now| {
        case.ticket.resume(&case.by, case.owner.as_ref(), &ctx.policy, now)
    })
    .await
}

/// Asks the requester for something.
///
/// # Errors
/// As [`release`], and `Invalid`, `LimitReached`.
pub async fn ask(ctx: &Context, by: &ActingSession, reference: &str, question: &str) -> Result<(), Error> {
    let question = text(question)?;
    message(ctx, by, reference, move |case, ctx, now| {
        case.ticket.ask(&case.by, case.owner.as_ref(), &ctx.policy, question.clone(), now)
    })
    .await
}

/// Writes to the requester.
///
/// # Errors
/// As [`claim`], and `Invalid`, `LimitReached`.
pub async fn reply(ctx: &Context, by: &ActingSession, reference: &str, reply: &str) -> Result<(), Error> {
    let reply = text(reply)?;
    message(ctx, by, reference, move |case, _, now| {
        case.ticket.reply(&case.by, case.owner.as_ref(), reply.clone(), now)
    })
    .await
}

/// Writes an internal note.
///
/// # Errors
/// As [`claim`], and `Invalid`.
pub async fn note(ctx: &Context, by: &ActingSession, reference: &str, message: &str) -> Result<(), Error> {
    let message = text(message)?;
    command(ctx, by, reference, move |case, _, now| {
        case.ticket.note(&case.by, case.owner.as_ref(), message.clone(), now)
    })
    .await
}

/// Turns the request down.
///
/// # Errors
/// As [`release`], and `Invalid`.
pub async fn reject(ctx: &Context, by: &ActingSession, reference: &str, reason: &str) -> Result<(), Error> {
    let reason = text(reason)?;
    command(ctx, by, reference, move |case, _, now| {
        case.ticket.reject(&case.by, case.owner.as_ref(), &reason, now)
    })
    .await
}

/// Closes the ticket. The reason is one of the closed list, or free words, which count as `solved`, for a frozen
/// ticket as `not_me`.
///
/// # Errors
/// As [`release`], and `Invalid`, `StepUpRequired`.
pub async fn close(ctx: &Context, by: &ActingSession, reference: &str, reason: &str) -> Result<(), Error> {
    let reason = text(reason)?;
    command(ctx, by, reference, move |case, _, now| {
        let why = closed_because(&reason, case.ticket.state);
        case.ticket.close(&case.by, case.owner.as_ref(), why, &reason, now)
    })
    .await
}

fn closed_because(reason: &str, state: State) -> CloseReason {
    use CloseReason::{Duplicate, NotMe, Solved, Spam};
    match CloseReason::parse(reason) {
        Some(why @ (Solved | Spam | Duplicate | NotMe)) => why,
        _ if state == State::Frozen => NotMe,
        _ => Solved,
    }
}

/// Notes urgency or coercion: the ticket becomes privileged.
///
/// # Errors
/// As [`claim`], and `Invalid`.
pub async fn flag(ctx: &Context, by: &ActingSession, reference: &str, reason: &str) -> Result<(), Error> {
    let reason = text(reason)?;
    command(ctx, by, reference, move |case, ctx, now| {
        case.ticket.flag(&case.by, case.owner.as_ref(), &ctx.policy, &reason, now)
    })
    .await
}

/// Records which of several requests is the person's own; the tokens of the others are good for nothing, unless the
/// agent corrects it.
///
/// # Errors
/// As [`release`], and `Invalid` where the reference names none of them.
pub async fn keep_request(
    ctx: &Context,
    by: &ActingSession,
    reference: &str,
    keep: &str,
) -> Result<(), Error> {
    let (now, inner, session) = (ctx.now(), ctx.clone(), by.clone());
    let (reference, keep) = (reference.to_owned(), requester::parse_reference(keep));
    ctx.write(move |conn| {
        let Case { by, ticket, owner, .. } = load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let main = ticket.id.clone();
        let is_one = |request: &Ticket| request.id == main || request.duplicate_of.as_ref() == Some(&main);
        let kept = tickets::find(conn, &keep)?.filter(is_one);
        let kept = kept.ok_or(Rejection::Invalid("keep: the reference of one of this ticket's requests"))?.id;
        apply(conn, &inner.crypto, ticket.keep_request(&by, owner.as_ref(), kept.clone(), now)?)?;
        Ok(tokens::keep_request(conn, &main, &kept)?)
    })
    .await
}

/// Freezes the ticket, as if the person had said "this wasn't me".
///
/// # Errors
/// As [`claim`], and `Invalid`.
pub async fn freeze(ctx: &Context, by: &ActingSession, reference: &str, reason: &str) -> Result<(), Error> {
    let reason = text(reason)?;
    let (now, inner, session) = (ctx.now(), ctx.clone(), by.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let case = load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let actor = crate::domain::actor::Actor::Staff(case.by.id.clone());
        freeze::freeze_ticket(conn, &inner, case.ticket, &actor, &reason, now)
    })
    .await
}

/// Lets a frozen ticket go on, with everything to be established anew.
///
/// # Errors
/// As [`claim`], `Invalid`, and `SamePerson` for one who took part.
pub async fn thaw(ctx: &Context, by: &ActingSession, reference: &str, reason: &str) -> Result<(), Error> {
    let reason = text(reason)?;
    let (now, inner, session) = (ctx.now(), ctx.clone(), by.clone());
    let reference = reference.to_owned();
    ctx.write(move |conn| {
        let Case { by, ticket, owner, .. } = load(conn, &inner, &session, Lock::Share, &reference, now)?;
        let took_part = crate::db::audit::took_part(conn, &ticket.id, by.id.as_str())?;
        let thawed = ticket.thaw(&by, owner.as_ref(), took_part, &inner.policy, &reason, now)?;
        apply(conn, &inner.crypto, thawed).map_err(confirm::slot_taken)?;
        Ok(())
    })
    .await
}
