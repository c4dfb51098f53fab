//! The rows of a database as a scene left them, put back before each play; and what a play came to, in lines.

use std::fmt::Write as _;
use std::sync::Mutex;

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryResult, QueryableByName, RunQueryDsl, SqliteConnection};

const TABLES_POSTGRES: &str = "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'public'";
const TABLES_SQLITE: &str =
    "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";

/// What is compared: everything but ids, times and what is sealed, so that two plays with the same outcome give the
/// same lines. A new ticket is told from those of the scene by its state alone.
const LINES: &str = "
SELECT 'account ' || email || ' ' || tier || ' ' || two_factor || ' phone ' || coalesce(phone, '-')
  || ' manager ' || coalesce(manager_email, '-') || ' failures ' || failures || ' version ' || version
  || CASE WHEN locked_until IS NULL THEN '' ELSE ' locked' END
  || CASE WHEN frozen_at IS NULL THEN '' ELSE ' frozen' END
  || CASE WHEN removed_at IS NULL THEN '' ELSE ' removed' END
  || CASE WHEN password IS NULL THEN '' ELSE ' password' END
  || CASE WHEN email_changed_at IS NULL THEN '' ELSE ' email_changed' END AS text FROM accounts
UNION ALL SELECT 'address ' || kind || ' ' || address FROM account_addresses
UNION ALL SELECT 'ticket ' || problem || ' ' || t.state || ' ' || coalesce(t.reason, '-') || ' ' || t.tier
  || ' to ' || coalesce(t.address, '-') || ' holder ' || coalesce(s.name, '-') || ' reissues ' || t.reissues
  || ' tries ' || t.pin_tries || '/' || t.activation_tries || ' diagnoses ' || t.diagnoses || ' version ' || t.version
  || CASE WHEN t.slot IS NULL THEN '' ELSE ' slot' END
  || CASE WHEN t.approved_at IS NULL THEN '' ELSE ' approved' END
  || CASE WHEN t.pin IS NULL THEN '' ELSE ' pin' END
  || CASE WHEN t.duplicate_of IS NULL THEN '' ELSE ' duplicate' END
  || CASE WHEN t.kept IS NULL THEN '' ELSE ' kept' END
  || CASE WHEN t.undecided THEN ' undecided' ELSE '' END
  || ' from ' || coalesce(t.frozen_from, '-') FROM tickets t LEFT JOIN staff s ON s.id = t.holder
UNION ALL SELECT 'risk ' || r.risk || ' on ' || t.state || ' ' || t.problem FROM risks r JOIN tickets t ON t.id = r.ticket_id
UNION ALL SELECT 'evidence ' || e.method || ' ' || e.outcome || ' on ' || t.problem FROM evidence e
  JOIN tickets t ON t.id = e.ticket_id WHERE e.voided_at IS NULL
UNION ALL SELECT 'approval of ' || s.name FROM approvals a JOIN staff s ON s.id = a.staff_id WHERE a.voided_at IS NULL
UNION ALL SELECT 'key ' || origin || ' ' || state || ' step ' || last_step || ' version ' || version
  || CASE WHEN activated_at IS NULL THEN '' ELSE ' activated' END FROM authenticators
UNION ALL SELECT 'token ' || k.kind || ' on ' || coalesce(t.state || ' ' || t.problem, 'account')
  || CASE WHEN k.expires_at IS NULL THEN '' ELSE ' limited' END FROM tokens k LEFT JOIN tickets t ON t.id = k.ticket_id
UNION ALL SELECT 'challenge on ' || t.state || ' ' || t.problem || ' tries ' || c.tries FROM challenges c
  JOIN tickets t ON t.id = c.ticket_id
UNION ALL SELECT 'recovery code' || CASE WHEN used_at IS NULL THEN '' ELSE ' used' END FROM recovery_codes
UNION ALL SELECT 'session of an account' FROM account_sessions
UNION ALL SELECT 'session of ' || s.name || CASE WHEN o.step_up_until IS NULL THEN '' ELSE ' stepped up' END
  FROM staff_sessions o JOIN staff s ON s.id = o.staff_id
UNION ALL SELECT 'staff ' || name || ' ' || roles || ' step ' || last_step || ' failures ' || failures || ' version ' || version
  || CASE WHEN disabled_at IS NULL THEN '' ELSE ' disabled' END
  || CASE WHEN approvals_stopped_until IS NULL THEN '' ELSE ' stopped' END FROM staff
UNION ALL SELECT 'message ' || m.kind || ' ' || m.body FROM messages m
UNION ALL SELECT 'vouch ' || address || ' tries ' || tries
  || CASE WHEN answered_at IS NULL THEN '' ELSE ' answered' END FROM vouches
UNION ALL SELECT 'email ' || purpose || ' to ' || recipient || CASE WHEN state = 'dropped' THEN ' dropped' ELSE '' END FROM letters
UNION ALL SELECT 'entry ' || subject_kind || ' ' || action || ' by ' || actor_kind FROM audit_entries";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The database of a scene.
pub struct Kept {
    conn: Mutex<Either>,
    put_back: String,
}

enum Either {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Either {
    fn open(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF;").unwrap();
                Self::Sqlite(conn)
            }
            None => Self::Postgres(PgConnection::establish(url).unwrap()),
        }
    }

    fn run(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Postgres(conn) => conn.batch_execute(sql),
            Self::Sqlite(conn) => conn.batch_execute(sql),
        }
    }

    /// The columns of a table that can be written: those that are generated follow them.
    fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = match self {
            Self::Postgres(_) => format!(
                "SELECT column_name::text AS text FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER'"
            ),
            Self::Sqlite(_) => {
                format!("SELECT name AS text FROM pragma_table_xinfo('{table}') WHERE hidden = 0")
            }
        };
        self.rows(&sql)
    }

    fn rows(&mut self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(sql);
        let lines: Vec<Line> = match self {
            Self::Postgres(conn) => query.load(conn).unwrap(),
            Self::Sqlite(conn) => query.load(conn).unwrap(),
        };
        lines.into_iter().map(|line| line.text).collect()
    }
}

impl Kept {
    /// Keeps everything as it is now.
    pub fn of(url: &str) -> Self {
        let mut conn = Either::open(url);
        let (tables, begin) = match &conn {
            // Rows are put back table by table: what refers to what is not looked at meanwhile.
            Either::Postgres(_) => (TABLES_POSTGRES, "BEGIN; SET LOCAL session_replication_role = replica;"),
            Either::Sqlite(_) => (TABLES_SQLITE, "BEGIN IMMEDIATE;"),
        };
        let mut put_back = begin.to_owned();
        for table in conn.rows(tables) {
            conn.run(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).unwrap();
            let columns = conn.columns(&table).join(", ");
            write!(
                put_back,
                "DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM kept_{table};"
            )
            .unwrap();
        }
        put_back += "COMMIT";
        Self { conn: Mutex::new(conn), put_back }
    }

    /// Puts everything back as it was when it was kept.
    pub fn put_back(&self) {
        self.conn.lock().unwrap().run(&self.put_back).unwrap();
    }

    /// What is there now, in sorted lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.conn.lock().unwrap().rows(LINES);
        lines.sort();
        lines
    }
}
