//! A connection to either database, and how each is set up.
//!
//! The rule: whoever opens a connection does it here, so that none lacks its safeguards.
#![expect(missing_docs, reason = "diesel's derive makes public types that have none")]

use std::path::Path;

use diesel::connection::{CacheSize, Connection, SimpleConnection};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::{ConnectionError, PgConnection, SqliteConnection};

use super::address::Address;
use super::error::{Error, Outage};
use super::server_url::Server;
use super::surroundings::Speech;
use super::watch::{Statements, Watch};

/// A connection to either database; ordinary diesel runs on it.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// To a PostgreSQL server.
    Pg(PgConnection),
    /// To an SQLite file.
    Sqlite(SqliteConnection),
}

/// Runs one body on the driver's own connection, for what [`Conn`] lacks and both databases
/// have: upserts, inserts of several rows, `as_returning`.
macro_rules! on_both {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Pg($inner) => $body,
            $crate::db::Conn::Sqlite($inner) => $body,
        }
    };
}
pub(crate) use on_both;

/// Runs a query that locks the rows that it returns until the transaction ends: `on_both_locking!(conn, c, query =>
/// load(c)?)`. On SQLite there is one writer, and nothing to lock.
///
/// The lock is the one that an update takes. A stronger one would also stop rows that only refer to the locked one from
/// being inserted, and two transactions that had each inserted such a row could never lock it.
macro_rules! on_both_locking {
    ($conn:expr, $inner:ident, $query:expr => $load:ident ( $($args:tt)* ) $($rest:tt)*) => {
        match $conn {
            $crate::db::Conn::Pg($inner) => $query.for_no_key_update().$load($($args)*) $($rest)*,
            $crate::db::Conn::Sqlite($inner) => $query.$load($($args)*) $($rest)*,
        }
    };
}
pub(crate) use on_both_locking;

/// How a row is read by a transaction that decides on it. On SQLite writes take turns, and nothing need be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Nobody changes it before the transaction ends.
    Share,
    /// Nor does anybody else read it so.
    Update,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Requests: short statements, or none.
    Serve,
    /// Requests that only read an SQLite file.
    Read,
    /// Migrations and backups, which take their time.
    Maintain,
}

// No mmap_size: mapped pages count as resident, and look-ups among a hundred thousand accounts took as long without.
const SQLITE: &str = "PRAGMA busy_timeout = 4000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; \
    PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;";

// Plans of prepared statements are kept, and the first ones are made while tables are empty: reading such a table whole
// is cheapest then, and stays so however it grows, until somebody makes statistics. Every look-up has its index, so one is
// taken wherever it serves; compiling plans, whose cost is then overrated, would take longer than any of them.
const POSTGRES: [&str; 6] = [
    "client_min_messages = warning",
    "statement_timeout = '4s'",
    "lock_timeout = '3s'",
    "idle_in_transaction_session_timeout = '10s'",
    "enable_seqscan = off",
    "jit = off",
];
const POSTGRES_MAINTAIN: [&str; 3] =
    ["client_min_messages = warning", "statement_timeout = 0", "lock_timeout = 0"];

/// The settings of a connection to a server, as statements: `SET` once, or `SET LOCAL` in each transaction, which is
/// all that holds behind a pooler that gives each another connection, and leaves nothing behind on any.
fn settings(server: &Server, purpose: Use, set: &str) -> String {
    let speech = server.found.get().map(|found| &found.speech);
    let language = (speech == Some(&Speech::Settable)).then_some("lc_messages = 'C'");
    let settings: &[&str] = if purpose == Use::Maintain { &POSTGRES_MAINTAIN } else { &POSTGRES };
    let all = settings.iter().copied().chain(language);
    all.fold(String::new(), |text, setting| text + set + " " + setting + ";")
}

/// Connects to a server, and sets nothing.
pub(super) fn establish(server: &Server) -> Result<PgConnection, ConnectionError> {
    PgConnection::establish(server.conninfo()).map_err(|error| match error {
        ConnectionError::BadConnection(said) => ConnectionError::BadConnection(server.without_secrets(said)),
        other => other,
    })
}

/// Opens a connection outside the [`super::Db`]'s own, and sets it up for its use.
pub(super) fn open(address: &Address, purpose: Use) -> Result<Link, ConnectionError> {
    open_watched(address, purpose, &Statements::default())
}

/// Opens a connection whose statements are told to `statements`.
pub(super) fn open_watched(
    address: &Address,
    purpose: Use,
    statements: &Statements,
) -> Result<Link, ConnectionError> {
    let mut link = match address {
        Address::Postgres(server) => open_postgres(server, purpose)?,
        Address::Sqlite(path) => open_sqlite(path, purpose)?,
    };
    link.conn.set_instrumentation(Watch::new(statements.clone()));
    Ok(link)
}

fn open_postgres(server: &Server, purpose: Use) -> Result<Link, ConnectionError> {
    let mut conn = establish(server)?;
    let is_pooled = server.found.get().is_some_and(|found| found.is_pooled);
    if is_pooled || purpose == Use::Maintain {
        // What has a name would stay on the server's connection, and another's of that name may be there.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    }
    let in_each = if is_pooled { settings(server, purpose, "SET LOCAL") } else { String::new() };
    if !is_pooled {
        conn.batch_execute(&settings(server, purpose, "SET"))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(Link { conn: Conn::Pg(conn), in_each, broken: false })
}

fn open_sqlite(path: &Path, purpose: Use) -> Result<Link, ConnectionError> {
    let path = path.to_str().ok_or_else(|| ConnectionError::BadConnection("not UTF-8".into()))?;
    let mut conn = SqliteConnection::establish(path)?;
    let setup = if purpose == Use::Read { "PRAGMA query_only = ON;" } else { "" };
    conn.batch_execute(&(SQLITE.to_owned() + setup)).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(Link { conn: Conn::Sqlite(conn), in_each: String::new(), broken: false })
}

/// Opens a connection outside the pool.
pub(super) fn open_alone(address: &Address, purpose: Use, statements: &Statements) -> Result<Conn, Error> {
    let link = open_watched(address, purpose, statements);
    link.map(|link| link.conn).map_err(|error| Outage::Opening(error.into()).into())
}

/// A connection, what each of its transactions begins with, and whether it has had its day.
pub(super) struct Link {
    pub(super) conn: Conn,
    pub(super) in_each: String,
    pub(super) broken: bool,
}

/// Makes the pool's connections. Unlike diesel's own manager it keeps the driver's error.
pub(super) struct Manager {
    pub(super) address: Address,
    pub(super) purpose: Use,
    pub(super) statements: Statements,
}

impl ManageConnection for Manager {
    type Connection = Link;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Link, ConnectionError> {
        open_watched(&self.address, self.purpose, &self.statements)
    }

    fn is_valid(&self, link: &mut Link) -> Result<(), ConnectionError> {
        link.conn.ping().map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken || link.conn.is_broken()
    }
}
