//! Delivering: takes letters from the outbox by lease, sends them, and records what became of them.
//!
//! A letter is rendered and unsealed here, never in a request; its plaintext is gone once it was accepted.

use std::time::Duration as Pause;

use chrono::Duration;
use tokio::task::JoinSet;

use super::{Context, alarm};
use crate::config::Config;
use crate::db::letters::{self, About, Ending, Fate, Row};
use crate::db::{Conn, accounts, apply, authenticators, tickets};
use crate::domain::Time;
use crate::domain::address::EmailAddress;
use crate::domain::ids::TicketId;
use crate::domain::letter::{Alarm, Content, Envelope, Letter, Purpose};
use crate::domain::ticket::{Command, Ticket};
use crate::error::{Error, chain};
use crate::mail::{self, Composed, Sender, Verdict};

/// How long a worker has a letter before another may take it.
const LEASE: Duration = Duration::seconds(15);
/// How often a lease is renewed while the mail server takes its time.
const RENEWAL: Pause = Pause::from_secs(5);
/// How many letters are taken in one go.
const BATCH: i64 = 64;
/// How often a letter is sent that the server may have taken already.
const DOUBTS: i32 = 3;
/// How long a letter without a time of its own is tried.
const PATIENCE: Duration = Duration::days(3);
/// The pause after the first failed try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::seconds(30);
const LONGEST_PAUSE: Duration = Duration::hours(1);

/// Sends the letters whose time has come. Returns how many were tried.
///
/// # Errors
/// Of the database alone; what a mail server says is recorded on the letter.
pub async fn run(ctx: &Context) -> Result<usize, Error> {
    let claimed = claim(ctx).await?;
    let tried = claimed.len();
    let mut under_way = JoinSet::new();
    for (row, held) in claimed {
        let ctx = ctx.clone();
        under_way.spawn(async move { deliver(&ctx, row, held).await });
    }
    while let Some(done) = under_way.join_next().await {
        match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(
                    error = chain(&error),
                    "a letter's fate could not be recorded; it is tried again"
                );
            }
            Err(_) => tracing::error!("sending a letter panicked; it is tried again"),
        }
    }
    Ok(tried)
}

async fn claim(ctx: &Context) -> Result<Vec<(Row, Time)>, Error> {
    let now = ctx.now();
    let idle = ctx.db.read(move |conn| Ok::<_, Error>(letters::list_due(conn, now, 1)?.is_empty())).await?;
    if idle {
        return Ok(Vec::new());
    }
    let until = now + LEASE;
    ctx.db
        .write(move |conn| {
            let mut claimed = Vec::new();
            for row in letters::list_due(conn, now, BATCH)? {
                if letters::claim(conn, &row, row.claimed_until, until)? {
                    claimed.push((row, until));
                }
            }
            Ok::<_, Error>(claimed)
        })
        .await
}

async fn deliver(ctx: &Context, row: Row, mut held: Time) -> Result<(), Error> {
    if row.expires_at.is_some_and(|at| at <= ctx.now()) {
        return end(ctx, row, held, Fated::dead("its time had run out before it could be sent")).await;
    }
    let fated = match compose(ctx, &row).await {
        Ok(message) => {
            let verdict = send(ctx, &row, &message, &mut held).await;
            fate(&row, verdict, ctx.now())
        }
        Err(cause) => {
            tracing::error!(cause = chain(&cause), letter = %row.id, purpose = row.purpose, "a letter cannot be written");
            Fated::dead(cause.words())
        }
    };
    let refuses_us = fated.refuses_us;
    end(ctx, row, held, fated).await?;
    if refuses_us { alarm::raise(ctx, Alarm::MailRefused).await } else { Ok(()) }
}

/// Sends, and keeps the lease while the server takes its time.
async fn send(ctx: &Context, row: &Row, message: &Composed, held: &mut Time) -> Verdict {
    let sending = ctx.mailer.send(message);
    tokio::pin!(sending);
    loop {
        tokio::select! {
            verdict = &mut sending => return verdict,
            () = tokio::time::sleep(RENEWAL) => {
                let (kept, from, until) = (row.clone(), *held, ctx.now() + LEASE);
                let renewed =
                    ctx.db.write(move |conn| Ok::<_, Error>(letters::claim(conn, &kept, Some(from), until)?)).await;
                if matches!(renewed, Ok(true)) {
                    *held = until;
                }
            }
        }
    }
}

/// Why a letter cannot be written; trying again does not help.
#[derive(Debug, thiserror::Error)]
enum Unwritable {
    #[error("it does not open, or whom it concerns is gone")]
    Unreadable(#[source] Error),
    #[error("it cannot be rendered: {0}")]
    Rendering(#[from] mail::ComposeError),
}

impl Unwritable {
    const fn words(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "the letter does not open",
            Self::Rendering(_) => "the letter cannot be rendered",
        }
    }
}

async fn compose(ctx: &Context, row: &Row) -> Result<Composed, Unwritable> {
    let sender = sender(&ctx.config);
    let (inner, row) = (ctx.clone(), row.clone());
    let message_id = mail::message_id(&row.message_id, &sender)?;
    let thread = row.ticket_id.as_ref().map(|id| mail::message_id(id.as_str(), &sender)).transpose()?;
    let read = ctx
        .db
        .read(move |conn| {
            let opened = row.open(&inner.crypto)?;
            let (letter, stop_token) =
                opened.ok_or(Error::Internal("a waiting letter without its payload"))?;
            let ticket = row.ticket_id.as_ref().map(|id| tickets::get(conn, id)).transpose()?;
            let account = row.account_id.as_ref().map(|id| accounts::get(conn, id)).transpose()?;
            let is_vouch = matches!(letter.content, Content::ManagerVouch { .. });
            let envelope = Envelope {
                message_id: message_id.clone(),
                thread: thread.clone().filter(|_| !is_vouch),
                reference: ticket.map(|ticket| ticket.reference),
                person: account
                    .as_ref()
                    .filter(|_| !is_vouch)
                    .map(|account| account.name.clone())
                    .unwrap_or_default(),
                account: account.map(|account| account.label().to_owned()).unwrap_or_default(),
                stop_token,
                written_at: row.created_at,
            };
            Ok::<_, Error>((letter, envelope))
        })
        .await;
    let (letter, envelope) = ctx.heed(read).await.map_err(Unwritable::Unreadable)?;
    Ok(mail::compose(&letter, &envelope, &sender)?)
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

/// What becomes of a letter after a try.
struct Fated {
    state: &'static str,
    next_at: Option<Time>,
    error: Option<String>,
    in_doubt: bool,
    /// The server takes no letter of ours, whichever it is.
    refuses_us: bool,
}

impl Fated {
    fn over(state: &'static str, error: Option<String>) -> Self {
        Self { state, next_at: None, error, in_doubt: false, refuses_us: false }
    }

    fn dead(why: &str) -> Self {
        Self::over("dead", Some(why.to_owned()))
    }
}

fn fate(row: &Row, verdict: Verdict, now: Time) -> Fated {
    match verdict {
        Verdict::Accepted => Fated::over("accepted", None),
        Verdict::Bounced(reason) => Fated::over("bounced", Some(words(&reason))),
        Verdict::Deferred(reason) => {
            if reason.is_ours {
                tracing::error!(reason = reason.text, "the mail server cannot be used as configured");
            }
            let next_at = now + pause(row.attempts);
            let given_up =
                next_at > row.created_at + PATIENCE || (reason.may_have_arrived && row.doubts + 1 >= DOUBTS);
            Fated {
                state: if given_up { "dead" } else { "deferred" },
                next_at: (!given_up).then_some(next_at),
                error: Some(words(&reason)),
                in_doubt: reason.may_have_arrived,
                refuses_us: reason.is_ours,
            }
        }
    }
}

fn words(reason: &mail::Reason) -> String {
    match reason.code {
        Some(code) => format!("{code} {}", reason.text),
        None => reason.text.clone(),
    }
}

fn pause(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(10);
    (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Records how a try ended, with what follows from it, in one transaction.
async fn end(ctx: &Context, row: Row, held: Time, fated: Fated) -> Result<(), Error> {
    let (now, inner) = (ctx.now(), ctx.clone());
    metrics::counter!("rekey_letters_total", "state" => fated.state).increment(1);
    ctx.write(move |conn| {
        let ending = Ending {
            state: fated.state,
            next_at: fated.next_at,
            error: fated.error.as_deref(),
            in_doubt: fated.in_doubt,
        };
        if !letters::end_try(conn, &row, held, &ending, now)? {
            // Another worker has it, or the ticket has dropped it: theirs is the last word.
            return Ok(());
        }
        match fated.state {
            "accepted" => {
                if let Some(key) = &row.authenticator_id {
                    authenticators::delivered(conn, key, now)?;
                }
            }
            "bounced" => bounced(conn, &inner, &row, now)?,
            _ => {}
        }
        Ok(())
    })
    .await
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
