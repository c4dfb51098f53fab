//! Delivering: takes letters from the outbox by lease, sends them, and records what became of them.
//!
//! A letter is rendered and unsealed here, never in a request; its plaintext is gone once it was accepted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};

use super::fate::{Fated, fate};
use super::sending::{LEASE, Turns};
use super::{Context, alarm};
use crate::config::Config;
use crate::db::letters::{self, About, Ending, Fate, Row};
use crate::db::{Conn, accounts, apply, authenticators, delivery, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::address::EmailAddress;
use crate::domain::ids::{LetterId, Reference, TicketId};
use crate::domain::letter::{Alarm, Content, Envelope, Letter, Purpose};
use crate::domain::ticket::{Command, Ticket};
use crate::error::{Error, chain};
use crate::mail::{self, Composed, Sender};

/// How many letters a worker has at most.
const BATCH: usize = 64;
/// For how long a letter waits for its key without anybody being told: a ring that was rotated is read within seconds.
const RING_IS_LATE: Duration = Duration::hours(1);

/// Sends the letters whose time has come, until none is due. Returns how many were tried.
///
/// # Errors
/// Of the database alone; what a mail server says is recorded on the letter.
pub async fn run(ctx: &Context) -> Result<usize, Error> {
    let (_go_on, stop) = watch::channel(false);
    let (mut round, mut tried) = (Round::of(ctx, stop), 0);
    loop {
        let filled = round.fill(ctx).await;
        tried += filled.as_ref().copied().unwrap_or(0);
        if round.is_over() {
            return filled.map(|_| tried);
        }
        let back = round.back().await;
        record(ctx, back).await;
    }
}

/// Sends letters whenever `due` says that there may be some, until it is told to stop; a letter that is being sent is
/// sent to its end, and those that wait for their turn are handed back. One that takes its time holds up no other.
pub async fn run_on(ctx: Context, due: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut round = Round::of(&ctx, stop.clone());
    loop {
        let stopping = *stop.borrow();
        if !stopping && let Err(error) = round.fill(&ctx).await {
            tracing::error!(error = chain(&error), "letters could not be taken from the outbox");
        }
        if stopping && round.is_over() {
            return;
        }
        tokio::select! {
            back = round.back(), if !round.is_over() => record(&ctx, back).await,
            () = due.notified() => round.may_be_due = true,
            _ = stop.changed(), if !stopping => {}
        }
    }
}

/// The letters that a worker has at a time: more are taken while others are still under way.
struct Round {
    under_way: JoinSet<Option<Back>>,
    /// Whether it is worth asking for more.
    may_be_due: bool,
    turns: Turns,
}

/// A letter that a worker had.
enum Back {
    Tried(Box<Tried>),
    /// Nothing was sent of it.
    Unstarted(LetterId, Time),
}

impl Round {
    fn of(ctx: &Context, stop: watch::Receiver<bool>) -> Self {
        Self { under_way: JoinSet::new(), may_be_due: true, turns: Turns::of(ctx, stop) }
    }

    fn is_over(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Takes letters, where there may be some and there is room for many. Returns how many.
    async fn fill(&mut self, ctx: &Context) -> Result<usize, Error> {
        let room = BATCH.saturating_sub(self.under_way.len());
        if !self.may_be_due || room < BATCH / 2 {
            return Ok(0);
        }
        let claimed = claim(ctx, room).await?;
        self.may_be_due = claimed.len() == room;
        let taken = claimed.len();
        for letter in claimed {
            let (ctx, turns) = (ctx.clone(), self.turns.clone());
            self.under_way.spawn(async move { attempt(&ctx, turns, letter).await });
        }
        Ok(taken)
    }

    /// Waits for a letter to come back; returns it with all others that are back by now. Nothing is lost where it is
    /// waited for no longer.
    async fn back(&mut self) -> Vec<Result<Option<Back>, JoinError>> {
        let first = self.under_way.join_next().await;
        first.into_iter().chain(std::iter::from_fn(|| self.under_way.try_join_next())).collect()
    }
}

/// Records what became of letters: of those that were taken, all that one lease holds together.
async fn record(ctx: &Context, back: Vec<Result<Option<Back>, JoinError>>) {
    let mut accepted: BTreeMap<Time, Vec<LetterId>> = BTreeMap::new();
    let mut unstarted: BTreeMap<Time, Vec<LetterId>> = BTreeMap::new();
    let mut others = Vec::new();
    for one in back {
        match one {
            Ok(Some(Back::Tried(tried)))
                if tried.fated.state == "accepted" && tried.row.state == "queued" =>
            {
                accepted.entry(tried.held).or_default().push(tried.row.id);
            }
            Ok(Some(Back::Tried(tried))) => others.push(*tried),
            Ok(Some(Back::Unstarted(id, held))) => unstarted.entry(held).or_default().push(id),
            Ok(None) => {}
            Err(_) => tracing::error!("sending a letter panicked; it is tried again"),
        }
    }
    for (held, ids) in accepted {
        heard(end_accepted(ctx, ids, held).await);
    }
    for (held, ids) in unstarted {
        heard(ctx.db.write(move |conn| Ok(delivery::hand_back(conn, &ids, held)?)).await);
    }
    for tried in others {
        heard(end(ctx, tried).await);
    }
}

fn heard(recorded: Result<(), Error>) {
    if let Err(error) = recorded {
        tracing::error!(error = chain(&error), "a letter's fate could not be recorded; it is tried again");
    }
}

/// A letter that this worker has, and what it is about.
struct Claimed {
    row: Row,
    held: Time,
    reference: Option<Reference>,
    account: Option<Account>,
}

/// A letter that was tried.
struct Tried {
    row: Row,
    held: Time,
    fated: Fated,
}

async fn claim(ctx: &Context, room: usize) -> Result<Vec<Claimed>, Error> {
    let (now, limit) = (ctx.now(), i64::try_from(room).unwrap_or(i64::MAX));
    let idle = ctx.db.read(move |conn| Ok::<_, Error>(letters::list_due(conn, now, 1)?.is_empty())).await?;
    if idle {
        return Ok(Vec::new());
    }
    let held = now + LEASE;
    ctx.db
        .write(move |conn| {
            let rows = letters::claim(conn, now, held, limit)?;
            let tickets = rows.iter().filter_map(|row| row.ticket_id.clone()).collect();
            let references: HashMap<_, _> = tickets::references(conn, tickets)?.into_iter().collect();
            let concerned = rows.iter().filter_map(|row| row.account_id.clone()).collect();
            let concerned: HashMap<_, _> = accounts::list(conn, concerned)?
                .into_iter()
                .map(|account| (account.id.clone(), account))
                .collect();
            let claimed = rows.into_iter().map(|row| Claimed {
                reference: row.ticket_id.as_ref().and_then(|id| references.get(id).cloned()),
                account: row.account_id.as_ref().and_then(|id| concerned.get(id).cloned()),
                row,
                held,
            });
            Ok::<_, Error>(claimed.collect())
        })
        .await
}

/// Tries a letter; none where it was dropped meanwhile, or another worker has it: theirs is the last word.
async fn attempt(ctx: &Context, mut turns: Turns, letter: Claimed) -> Option<Back> {
    let mut held = letter.held;
    let fated = if letter.row.expires_at.is_some_and(|at| at <= ctx.now()) {
        Fated::dead("its time had run out before it could be sent")
    } else {
        match compose(ctx, &letter).await {
            Ok(message) => match turns.send(ctx, &letter.row.id, &message, &mut held).await? {
                Some(verdict) => fate(&letter.row, verdict, ctx.now()),
                None => return Some(Back::Unstarted(letter.row.id, held)),
            },
            Err(Unwritable::KeyToCome(cause)) => key_to_come(ctx, &letter.row, &cause).await,
            Err(cause) => {
                let (letter, purpose) = (&letter.row.id, &letter.row.purpose);
                tracing::error!(cause = chain(&cause), %letter, purpose, "a letter cannot be written");
                Fated::dead(cause.words())
            }
        }
    };
    Some(Back::Tried(Box::new(Tried { fated, held, row: letter.row })))
}

/// What becomes of a letter whose key is not here: of one that is late, the administrators are told.
async fn key_to_come(ctx: &Context, row: &Row, cause: &Error) -> Fated {
    let now = ctx.now();
    if now - row.created_at >= RING_IS_LATE {
        tracing::error!(cause = chain(cause), letter = %row.id, "an email waits for a key that is not on the key ring");
        alarm::raise_or_log(ctx, Alarm::SealBroken).await;
    }
    Fated::for_want_of_a_key(row, now)
}

/// Why a letter cannot be written; but for one cause trying again does not help.
#[derive(Debug, thiserror::Error)]
enum Unwritable {
    #[error("it does not open")]
    Unreadable(#[source] Error),
    /// Another program has rotated the ring, and this one has not read it yet: trying again does help.
    #[error("it is sealed under a key that is not here")]
    KeyToCome(#[source] Error),
    #[error("it cannot be rendered: {0}")]
    Rendering(#[from] mail::ComposeError),
}

impl Unwritable {
    const fn words(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::KeyToCome(_) => "the letter does not open",
            Self::Rendering(_) => "the letter cannot be rendered",
        }
    }
}

async fn compose(ctx: &Context, letter: &Claimed) -> Result<Composed, Unwritable> {
    let (sender, row) = (sender(&ctx.config), &letter.row);
    let opened = match row.open(&ctx.crypto).map_err(Error::from) {
        Err(error) if error.lacks_key() => return Err(Unwritable::KeyToCome(error)),
        opened => ctx.heed(opened).await.map_err(Unwritable::Unreadable)?,
    };
    let (content, stop_token) =
        opened.ok_or(Unwritable::Unreadable(Error::Internal("a waiting letter without its payload")))?;
    let is_vouch = matches!(content.content, Content::ManagerVouch { .. });
    let thread = row.ticket_id.as_ref().map(|id| mail::message_id(id.as_str(), &sender)).transpose()?;
    let account = letter.account.as_ref();
    let envelope = Envelope {
        message_id: mail::message_id(&row.message_id, &sender)?,
        thread: thread.filter(|_| !is_vouch),
        reference: letter.reference.clone(),
        person: account.filter(|_| !is_vouch).map(|account| account.name.clone()).unwrap_or_default(),
        account: account.map(|account| account.label().to_owned()).unwrap_or_default(),
        stop_token,
        written_at: row.created_at,
    };
    Ok(mail::compose(&content, &envelope, &sender)?)
}

/// Who writes, as the configuration has it.
#[must_use]
pub fn sender(config: &Config) -> Sender {
    let (mail, app) = (&config.mail, &config.app);
    Sender {
        from: mail.from.to_string(),
        reply_to: Some(mail.reply_to.to_string()),
        return_path: None,
        app_name: app.name.clone(),
        issuer: app.issuer.clone(),
        public_url: config.http.public_url.clone(),
        desk_contact: app.contact.clone(),
    }
}

/// Records that letters of one lease were taken, in one transaction. Nothing follows from it for the worker to do.
async fn end_accepted(ctx: &Context, ids: Vec<LetterId>, held: Time) -> Result<(), Error> {
    let now = ctx.now();
    metrics::counter!("rekey_letters_total", "state" => "accepted").increment(ids.len() as u64);
    ctx.db.write(move |conn| Ok(letters::accept(conn, &ids, held, now)?)).await
}

/// Records how a try ended that was not the first, or that the server did not end by taking the letter, with what follows
/// from it. The ticket is locked before its letters: whether its delivery is troubled hangs on all of them.
async fn end(ctx: &Context, tried: Tried) -> Result<(), Error> {
    let Tried { row, held, fated } = tried;
    let refuses_us = fated.refuses_us;
    let (now, inner) = (ctx.now(), ctx.clone());
    metrics::counter!("rekey_letters_total", "state" => fated.state).increment(1);
    ctx.write(move |conn| {
        if let Some(ticket) = &row.ticket_id {
            delivery::lock(conn, row.account_id.as_ref().filter(|_| fated.state == "bounced"), ticket)?;
        }
        if fated.state == "accepted" {
            return Ok(letters::accept(conn, std::slice::from_ref(&row.id), held, now)?);
        }
        let ending = Ending {
            state: fated.state,
            next_at: fated.next_at,
            error: fated.error.as_deref(),
            in_doubt: fated.in_doubt,
            refuses_us,
        };
        // Where another worker has it, or the ticket has dropped it, theirs is the last word.
        if letters::end_try(conn, &row, held, &ending, now)? && fated.state == "bounced" {
            bounced(conn, &inner, &row, now)?;
        }
        Ok(())
    })
    .await?;
    if refuses_us { alarm::raise(ctx, Alarm::MailRefused).await } else { Ok(()) }
}

/// A letter was refused for good: a key that it carried dies, and the desk is told.
fn bounced(conn: &mut Conn, ctx: &Context, row: &Row, now: Time) -> Result<(), Error> {
    let Some(purpose) = Purpose::parse(&row.purpose).filter(|purpose| !purpose.is_internal()) else {
        return Ok(());
    };
    if purpose == Purpose::SetupKey
        && let Some(id) = &row.ticket_id
    {
        kill_key(conn, ctx, id, row, now)?;
    }
    let address = EmailAddress::parse(&row.recipient).map(|address| address.masked()).unwrap_or_default();
    let about =
        About { ticket: row.ticket_id.as_ref(), account: row.account_id.as_ref(), authenticator: None };
    let letter =
        Letter { to: ctx.config.mail.desk_address.clone(), content: Content::Bounced { purpose, address } };
    Ok(letters::insert(conn, &ctx.crypto, about, &letter, Fate::Send, now)?)
}

fn kill_key(conn: &mut Conn, ctx: &Context, id: &TicketId, row: &Row, now: Time) -> Result<(), Error> {
    let ticket: Ticket = tickets::get(conn, id)?;
    let pending = crate::domain::authenticator::AuthenticatorState::Pending;
    let current = authenticators::find_of_ticket(conn, id, pending)?.map(|key| key.id);
    if ticket.require(Command::Bounce).is_ok() && current == row.authenticator_id {
        apply(conn, &ctx.crypto, ticket.bounce(&ctx.policy, now)?)?;
    }
    Ok(())
}
