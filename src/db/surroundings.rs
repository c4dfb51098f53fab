//! What a PostgreSQL server is like, and what stands before it, asked when the program starts.
//!
//! The rule: the asking leaves nothing behind, neither a lock nor a setting nor a prepared statement: a pooler hands the
//! server's connection on as it is.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel::{Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl};

use super::conn;
use super::server_url::Server;
use crate::domain::Time;

/// The oldest server that has all that the statements need.
const OLDEST: i32 = 130_000;
/// Clocks further apart than this are told of, in seconds.
const APART: i64 = 30;

/// Why a PostgreSQL server cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It follows another server, and takes no writes.
    #[error(
        "the database is a standby, which can only be read: name the primary in database.url, or all of them with \
         target_session_attrs=read-write"
    )]
    Standby,
    /// It cannot keep every character.
    #[error(
        "the database keeps text as {0}, and Rekey needs UTF8: make another one with CREATE DATABASE … \
         ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// Its major version.
    #[error("the database's server is PostgreSQL {0}, and Rekey needs 13 or newer")]
    Version(i32),
}

/// What was found.
#[derive(Clone)]
pub(super) struct Found {
    /// A pooler gives each transaction whichever connection to the server is free.
    pub(super) is_pooled: bool,
    pub(super) speech: Speech,
    /// The server's clock, in seconds of Unix, and when it was asked.
    clock: (i64, Instant),
}

/// In which language the server says what went wrong. The driver passes on the words of some faults, and no code.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Speech {
    /// English.
    English,
    /// Another, which this role may change.
    Settable,
    /// Another, which it may not.
    Foreign(String),
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Bool)]
    standby: bool,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = BigInt)]
    clock: i64,
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    id: i32,
}

const FACTS: &str = "SELECT pg_is_in_recovery() AS standby, current_setting('server_version_num')::int4 AS version, \
    current_setting('server_encoding') AS encoding, current_setting('lc_messages') AS language, \
    extract(epoch FROM clock_timestamp())::int8 AS clock";

/// Asks, remembers the answers, and says whether the server can be used.
pub(super) fn ask(server: &Server) -> Result<Result<(), Unfit>, diesel::ConnectionError> {
    let (mut one, mut other) = (conn::establish(server)?, conn::establish(server)?);
    let asked = look(&mut one, &mut other).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    let (facts, found) = asked;
    // Where it was asked before, the connections that are open were made for what was found then.
    let _ = server.found.set(found);
    Ok(judge(&facts))
}

fn judge(facts: &Facts) -> Result<(), Unfit> {
    if facts.version < OLDEST {
        return Err(Unfit::Version(facts.version / 10_000));
    }
    if facts.encoding != "UTF8" {
        return Err(Unfit::Encoding(facts.encoding.clone()));
    }
    if facts.standby { Err(Unfit::Standby) } else { Ok(()) }
}

fn look(one: &mut PgConnection, other: &mut PgConnection) -> QueryResult<(Facts, Found)> {
    let facts: Facts = one.transaction(|conn| diesel::sql_query(FACTS).get_result(conn))?;
    let asked = Instant::now();
    let speech = if is_english(&facts.language) {
        Speech::English
    } else if may_set_language(one) {
        Speech::Settable
    } else {
        Speech::Foreign(facts.language.clone())
    };
    let found = Found { is_pooled: is_pooled(one, other)?, speech, clock: (facts.clock, asked) };
    Ok((facts, found))
}

fn is_english(language: &str) -> bool {
    ["C", "POSIX"].contains(&language) || language.starts_with("C.") || language.starts_with("en")
}

fn may_set_language(conn: &mut PgConnection) -> bool {
    // A transaction that ends without being committed takes the setting with it.
    let set: QueryResult<()> = conn.transaction(|conn| {
        conn.batch_execute("SET LOCAL lc_messages = 'C'")?;
        Err(diesel::result::Error::RollbackTransaction)
    });
    matches!(set, Err(diesel::result::Error::RollbackTransaction))
}

/// Whether two connections of ours share one of the server's, or one of ours changes its own between transactions. A
/// pooler that takes the connection that was free last is caught by the first, one that takes turns by the second.
fn is_pooled(one: &mut PgConnection, other: &mut PgConnection) -> QueryResult<bool> {
    let (first, second) = (one.transaction(process)?, one.transaction(process)?);
    other.transaction(|other| {
        // Where they share the only one, the first would wait for it for ever.
        Ok(first != second || process(other)? == first || one.transaction(process)? != first)
    })
}

fn process(conn: &mut PgConnection) -> QueryResult<i32> {
    let process: Process = diesel::sql_query("SELECT pg_backend_pid() AS id").get_result(conn)?;
    Ok(process.id)
}

impl Found {
    /// What the operator should know of it, in sentences.
    pub(super) fn warnings(&self, now: Time) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Speech::Foreign(language) = &self.speech {
            warnings.push(format!(
                "the database says what went wrong in another language ({language}), so what it says of a dead-lock \
                 or a time-out cannot be told from a fault: have its administrator run ALTER ROLE … SET lc_messages = \
                 'C' for the role in database.url"
            ));
        }
        let waited = i64::try_from(self.clock.1.elapsed().as_secs()).unwrap_or(0);
        let ahead = now.and_utc().timestamp() - self.clock.0 - waited;
        if ahead.abs() > APART {
            let (seconds, which) = (ahead.abs(), if ahead > 0 { "ahead of" } else { "behind" });
            warnings.push(format!(
                "the clock of this machine is {seconds} s {which} the database server's: codes depend on it, so \
                 set both by NTP"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let (encoding, language) = ("UTF8".to_owned(), "C".to_owned());
        Facts { standby: false, version: 150_000, encoding, language, clock: 0 }
    }

    #[test]
    fn a_server_that_cannot_be_used_is_named() {
        assert!(judge(&facts()).is_ok());
        for (unfit, said) in [
            (Facts { standby: true, ..facts() }, "name the primary"),
            (Facts { version: 120_022, ..facts() }, "PostgreSQL 12,"),
            (Facts { encoding: "SQL_ASCII".to_owned(), ..facts() }, "as SQL_ASCII"),
        ] {
            let words = judge(&unfit).unwrap_err().to_string();
            assert!(words.contains(said), "{words}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_told_and_a_language_that_is_not_understood() {
        let at = chrono::DateTime::from_timestamp(1_000_000, 0).unwrap().naive_utc();
        let found = |clock: i64, speech| Found { is_pooled: false, speech, clock: (clock, Instant::now()) };
        assert!(found(1_000_020, Speech::English).warnings(at).is_empty());
        assert!(found(1_000_100, Speech::Settable).warnings(at)[0].contains("100 s behind"));
        assert!(found(999_900, Speech::Settable).warnings(at)[0].contains("100 s ahead of"));
        let foreign = Speech::Foreign("de_DE.UTF-8".to_owned());
        assert!(found(1_000_000, foreign).warnings(at)[0].contains("(de_DE.UTF-8)"));
        assert!(is_english("en_US.utf8") && is_english("C.UTF-8") && !is_english("cs_CZ") && !is_english(""));
    }
}
