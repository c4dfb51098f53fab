//! What somebody sees, or changes, who has the database and not the program.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::support::program::rows;

/// Every table, row by row, as text; bytes in hexadecimal.
pub(super) type Dump = BTreeMap<String, Vec<String>>;

/// Dumps a database, without the tables of that name.
pub(super) fn dump(url: &str, without: &[&str]) -> Dump {
    let is_sqlite = url.starts_with("sqlite:");
    let tables = if is_sqlite {
        "SELECT name AS text FROM sqlite_master WHERE type = 'table'"
    } else {
        "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'"
    };
    let mut all = Dump::new();
    for table in rows(url, tables).into_iter().filter(|table| !without.contains(&&**table)) {
        let row = if is_sqlite {
            let columns = rows(url, &format!("SELECT name AS text FROM pragma_table_info('{table}')"));
            columns
                .iter()
                .map(|column| format!("quote(\"{column}\")"))
                .collect::<Vec<_>>()
                .join(" || ' ' || ")
        } else {
            "t::text".to_owned()
        };
        let query = format!("SELECT {row} AS text FROM \"{table}\" t ORDER BY 1");
        all.insert(table, rows(url, &query));
    }
    all
}

/// Somebody with the database's password.
pub fn tamper(url: &str, sql: &str) {
    match url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            conn.batch_execute(sql).unwrap();
        }
        None => PgConnection::establish(url).unwrap().batch_execute(sql).unwrap(),
    }
}
