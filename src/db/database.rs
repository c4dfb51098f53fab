//! The door to the database: [`Db::read`] and [`Db::write`].
//!
//! The rule: work given to them is a plain function of the connection. It may run more than
//! once, so it changes nothing but the database, and it reads what it compares with.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use super::address::{Address, DatabaseSettings, OpenError, prepare};
use super::conn::{Conn, Use};
use super::error::{AsDbError, Error, Outage};
use super::file_mark;
use super::pool::Pool;
use super::surroundings::Speech;
use super::transaction::Mode;
use super::watch::Statements;
use super::writer::Writer;
use super::writing::Writing;
use crate::crypto::RowKey;
use crate::domain::Time;

/// How long a request waits for the database: its answer must be out within 5 s.
const PATIENCE: Duration = Duration::from_millis(4500);
/// How long a command of the operator's waits.
const LONG_PATIENCE: Duration = Duration::from_hours(1);

/// What is said where the database's server need not show who it is.
const UNPROVEN: &str = "the database is on another machine, and nothing proves that it is the right one or keeps the \
     connection secret: put sslmode=verify-full into database.url";

/// The database. Cheap to clone; all clones share its connections.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    patience: Duration,
}

struct Inner {
    address: Address,
    readers: Pool,
    writer: Writers,
    statements: Statements,
    writing: Writing,
}

enum Writers {
    /// SQLite: one thread.
    One(Writer),
    /// PostgreSQL: any connection of the pool.
    Many,
}

impl Db {
    /// Opens the database. An SQLite file is made if it is missing; a PostgreSQL server
    /// that is away is no error yet, but every call is `Unavailable` until it is back.
    ///
    /// # Errors
    /// The URL is of neither kind, or the file cannot be opened.
    pub fn open(settings: &DatabaseSettings) -> Result<Self, OpenError> {
        let address = Address::parse(&settings.url)?;
        let statements = Statements::default();
        let (readers, writer) = match &address {
            Address::Sqlite(path) => {
                file_mark::verify(path)?;
                prepare(path)?;
                let writer = Writer::start(address.clone(), statements.clone())?;
                let readers = Pool::new(address.clone(), Use::Read, settings.readers, statements.clone());
                (readers, Writers::One(writer))
            }
            Address::Postgres(_) => {
                let connections = settings.connections;
                let pool = Pool::new(address.clone(), Use::Serve, connections, statements.clone());
                (pool, Writers::Many)
            }
        };
        let inner = Inner { address, readers, writer, statements, writing: Writing::default() };
        Ok(Self { inner: Arc::new(inner), patience: PATIENCE })
    }

    /// The same database, for work that takes longer than a request may: imports, verification. On
    /// PostgreSQL a single statement still has 4 s, and 10 s may pass between two.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), patience: LONG_PATIENCE }
    }

    /// Whether the database is a file of this machine, which one program owns and migrates.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.inner.writer, Writers::One(_))
    }

    /// What it runs, for whoever counts or explains it.
    #[must_use]
    pub fn statements(&self) -> &Statements {
        &self.inner.statements
    }

    pub(super) fn writing(&self) -> &Writing {
        &self.inner.writing
    }

    /// Says which key the rows that decide are signed with. The first word stands.
    pub fn sign_rows_with(&self, key: RowKey) {
        // A ring that was rotated has the same key.
        let _ = self.inner.statements.rows.key.set(key);
    }

    /// Whether a row was met since the last look that this program has not written.
    #[must_use]
    pub fn met_forged_row(&self) -> bool {
        self.inner.statements.rows.found.swap(false, Ordering::Relaxed)
    }

    pub(super) fn address(&self) -> &Address {
        &self.inner.address
    }

    /// Reads in one transaction: everything is seen as it was at one moment.
    ///
    /// # Errors
    /// Those of the work, or [`Error::Unavailable`] within 5 s.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + AsDbError + Send + 'static,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let until = Instant::now() + self.patience;
        let (outcome, _) = in_time(until, self.inner.readers.run(Mode::Read, until, work)).await?;
        if self.is_unread(&outcome) { Err(Error::from(Outage::Contended).into()) } else { outcome }
    }

    /// Writes in one transaction, and answers after its commit. While the work says that what it
    /// read is stale, it is done again: so it must read within itself what it compares with.
    ///
    /// # Errors
    /// Those of the work, or [`Error::Unavailable`] within 5 s. [`Outage::Unanswered`] alone leaves open whether the write
    /// happened: a connection can break between a commit and its answer.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + AsDbError + Send + 'static,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let until = Instant::now() + self.patience;
        let mut work = work;
        let mut pause = Duration::from_millis(2);
        loop {
            let attempt = tokio::time::timeout_at(until.into(), self.attempt(until, work)).await;
            // It goes on, and may be committing at this moment.
            let (outcome, again) = attempt.map_err(|_| Error::from(Outage::Unanswered(None)))?;
            let stale = db_error(&outcome).is_some_and(Error::is_stale) || self.is_unread(&outcome);
            self.inner.writing.note(&outcome);
            let Some(next) = again.filter(|_| stale) else { return outcome };
            let wait = jittered(pause);
            if Instant::now() + wait >= until {
                return Err(Error::from(Outage::Contended).into());
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(Duration::from_millis(128));
            work = next;
        }
    }

    /// What the operator should know of the database's surroundings, in sentences.
    #[must_use]
    pub fn warnings(&self, now: Time) -> Vec<String> {
        let Some(server) = self.inner.address.server() else { return Vec::new() };
        let found = server.found.get().map(|found| found.warnings(now)).unwrap_or_default();
        server.is_unproven().then(|| UNPROVEN.to_owned()).into_iter().chain(found).collect()
    }

    /// Whether a server that speaks a language of its own said something that only its words tell. It counts as what it
    /// most likely is, a dead-lock or a time-out: tried again, and no fault of ours.
    fn is_unread<T, E: AsDbError>(&self, outcome: &Result<T, E>) -> bool {
        let found = self.inner.address.server().and_then(|server| server.found.get());
        let is_foreign = found.is_some_and(|found| matches!(found.speech, Speech::Foreign(_)));
        let Some(said) = db_error(outcome).and_then(Error::unread).filter(|_| is_foreign) else {
            return false;
        };
        tracing::warn!(%said, "the database failed in words that are not read here: lc_messages is not C");
        true
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] within 5 s.
    pub async fn ping(&self) -> Result<(), Error> {
        self.read(|conn| Ok(conn.batch_execute("SELECT 1")?)).await
    }

    async fn attempt<T, E, F>(&self, until: Instant, work: F) -> (Result<T, E>, Option<F>)
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        match &self.inner.writer {
            Writers::One(writer) => writer.run(until, work).await,
            Writers::Many => self.inner.readers.run(Mode::Write, until, work).await,
        }
    }
}

fn db_error<T, E: AsDbError>(outcome: &Result<T, E>) -> Option<&Error> {
    outcome.as_ref().err().and_then(AsDbError::db_error)
}

async fn in_time<T>(until: Instant, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout_at(until.into(), work).await.map_err(|_| Outage::Deadline.into())
}

/// Between half and one and a half of `pause`, so that writers who collided part. Nothing secret
/// hangs on it: the seed of a hash map will do.
fn jittered(pause: Duration) -> Duration {
    let draw = RandomState::new().build_hasher().finish() % 1024;
    pause / 2 + pause.mul_f64(f64::from(u32::try_from(draw).unwrap_or(0)) / 1024.0)
}
