//! SQLite's one writer: a thread that takes every write that waits, runs each in a savepoint
//! of one transaction, commits once, and answers then.
//!
//! The rule: nobody is answered before the commit, and a write that fails falls alone.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::address::{Address, OpenError};
use super::conn::{Conn, Use, open_alone, open_watched};
use super::crash_point::{self, Side};
use super::error::{Error, Outage, of_commit};
use super::transaction::{self, Mode};
use super::watch::Statements;

/// Writes that share a commit at most.
const BATCH: usize = 128;
/// After this long a batch takes no more, so that the first does not wait for the last.
const SLICE: Duration = Duration::from_millis(20);
/// Writes that wait at most; more wait outside, in order of arrival.
const QUEUE: usize = 1024;

/// The way to the writer; it stops when the last of these is gone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Opens the writer's connection, so that errors are told here, and starts its thread.
    pub(super) fn start(address: Address, statements: Statements) -> Result<Self, OpenError> {
        let conn = open_watched(&address, Use::Serve, &statements)?.conn;
        let (queue, waiting) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("rekey-writer".into())
            .spawn(move || serve(&|| open_alone(&address, Use::Serve, &statements), conn, waiting))
            .map_err(OpenError::Thread)?;
        Ok(Self { queue })
    }

    /// Has `work` done in a transaction, and gives it back beside its outcome.
    pub(super) async fn run<T, E, F>(&self, until: Instant, work: F) -> (Result<T, E>, Option<F>)
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Write { work, until, outcome: None, answer };
        // A queue that is closed drops the job, and with it the answer.
        let _ = self.queue.send(Box::new(job)).await;
        answered.await.unwrap_or_else(|_| (Err(Error::from(Outage::Closing).into()), None))
    }
}

/// One write that waits.
trait Job: Send {
    /// Does the work in a savepoint; `Err` when the transaction around it is lost too.
    fn run(&mut self, conn: &mut Conn) -> Result<Ran, Error>;

    /// What the work is called.
    fn name(&self) -> &'static str;

    /// Tells the caller how it went, unless the commit failed.
    fn answer(self: Box<Self>, lost: Option<Outage>);
}

#[derive(PartialEq, Eq)]
enum Ran {
    Kept,
    Fell,
}

type Answer<T, E, F> = (Result<T, E>, Option<F>);

struct Write<T, E, F> {
    work: F,
    until: Instant,
    /// Until it was run there is none.
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Answer<T, E, F>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: Fn(&mut Conn) -> Result<T, E> + Send,
{
    fn run(&mut self, conn: &mut Conn) -> Result<Ran, Error> {
        if Instant::now() >= self.until {
            self.outcome = Some(Err(Error::from(Outage::Deadline).into()));
            return Ok(Ran::Fell);
        }
        transaction::begin_savepoint(conn)?;
        let mut outcome = transaction::guarded(conn, &self.work);
        if outcome.is_ok() && Instant::now() >= self.until {
            // Its caller has been told that it failed, so it must.
            outcome = Err(Error::from(Outage::Deadline).into());
        }
        if self.outcome.insert(outcome).is_ok() {
            transaction::commit(conn)?;
            Ok(Ran::Kept)
        } else {
            transaction::rollback(conn)?;
            Ok(Ran::Fell)
        }
    }

    fn name(&self) -> &'static str {
        crash_point::name_of::<F>()
    }

    fn answer(self: Box<Self>, lost: Option<Outage>) {
        let outcome = match (self.outcome, lost) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, lost) => Err(Error::from(lost.unwrap_or(Outage::Closing)).into()),
        };
        // A caller that has gone needs no answer.
        let _ = self.answer.send((outcome, Some(self.work)));
    }
}

fn serve(open: &dyn Fn() -> Result<Conn, Error>, conn: Conn, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
    let mut conn = Some(conn);
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = Vec::new();
        let lost = match transact(open, &mut conn, first, &mut waiting, &mut batch) {
            Ok(()) => None,
            Err(error) => {
                // Whatever state the connection is in, a new one has none.
                conn = None;
                Some(outage(error))
            }
        };
        for job in batch {
            job.answer(lost.clone());
        }
    }
}

/// Runs `first` and whatever waits behind it in one transaction; they are in `batch` afterwards.
fn transact(
    open: &dyn Fn() -> Result<Conn, Error>,
    link: &mut Option<Conn>,
    first: Box<dyn Job>,
    waiting: &mut mpsc::Receiver<Box<dyn Job>>,
    batch: &mut Vec<Box<dyn Job>>,
) -> Result<(), Error> {
    batch.push(first);
    let conn = match link {
        Some(conn) => conn,
        None => link.insert(open()?),
    };
    transaction::begin(conn, Mode::Write, "")?;
    let started = Instant::now();
    let mut kept = Vec::new();
    while let Some(job) = batch.last_mut() {
        if job.run(conn)? == Ran::Kept {
            kept.push(job.name());
        }
        if batch.len() >= BATCH || started.elapsed() >= SLICE {
            break;
        }
        match waiting.try_recv() {
            Ok(next) => batch.push(next),
            Err(_) => break,
        }
    }
    if kept.is_empty() {
        return Ok(transaction::rollback(conn)?);
    }
    for name in &kept {
        crash_point::pass(Side::Before, name);
    }
    transaction::commit(conn).map_err(of_commit)?;
    for name in &kept {
        crash_point::pass(Side::After, name);
    }
    Ok(())
}

/// The commit of many failed: each is told that, whatever the reason was.
fn outage(error: Error) -> Outage {
    match error {
        Error::Unavailable(outage) => outage,
        Error::Other(driver) => Outage::Driver(Arc::new(driver)),
        other => Outage::Driver(Arc::new(diesel::result::Error::QueryBuilderError(Box::new(other)))),
    }
}
