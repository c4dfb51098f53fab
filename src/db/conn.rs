//! A connection to either database, and how each is set up.
//!
//! The rule: whoever opens a connection does it here, so that none lacks its safeguards.
#![expect(missing_docs, reason = "diesel's derive makes public types that have none")]

use diesel::connection::{Connection, SimpleConnection};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::{ConnectionError, PgConnection, SqliteConnection};
use secrecy::ExposeSecret;

use super::address::Address;
use super::error::{Error, Outage};
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

const POSTGRES: &str = "SET timezone = 'UTC'; SET client_min_messages = warning; SET statement_timeout = '4s'; \
    SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '10s';";

/// Opens a connection outside the [`super::Db`]'s own, and sets it up for its use.
pub(super) fn open(address: &Address, purpose: Use) -> Result<Conn, ConnectionError> {
    open_watched(address, purpose, &Statements::default())
}

/// Opens a connection whose statements are told to `statements`.
pub(super) fn open_watched(
    address: &Address,
    purpose: Use,
    statements: &Statements,
) -> Result<Conn, ConnectionError> {
    let mut conn = match address {
        Address::Postgres(url) => Conn::Pg(PgConnection::establish(url.expose_secret())?),
        Address::Sqlite(path) => {
            let path = path.to_str().ok_or_else(|| ConnectionError::BadConnection("not UTF-8".into()))?;
            Conn::Sqlite(SqliteConnection::establish(path)?)
        }
    };
    let setup = match (&conn, purpose) {
        (Conn::Pg(_), Use::Maintain) => {
            POSTGRES.to_owned() + "SET statement_timeout = 0; SET lock_timeout = 0;"
        }
        (Conn::Pg(_), _) => POSTGRES.to_owned(),
        (Conn::Sqlite(_), Use::Read) => SQLITE.to_owned() + "PRAGMA query_only = ON;",
        (Conn::Sqlite(_), _) => SQLITE.to_owned(),
    };
    conn.batch_execute(&setup).map_err(ConnectionError::CouldntSetupConfiguration)?;
    conn.set_instrumentation(Watch::new(statements.clone()));
    Ok(conn)
}

/// Opens a connection outside the pool.
pub(super) fn open_alone(address: &Address, purpose: Use, statements: &Statements) -> Result<Conn, Error> {
    open_watched(address, purpose, statements).map_err(|error| Outage::Opening(error.into()).into())
}

/// A connection of the pool, and whether it has had its day.
pub(super) struct Link {
    pub(super) conn: Conn,
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
        let conn = open_watched(&self.address, self.purpose, &self.statements)?;
        Ok(Link { conn, broken: false })
    }

    fn is_valid(&self, link: &mut Link) -> Result<(), ConnectionError> {
        link.conn.ping().map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken || link.conn.is_broken()
    }
}
