//! Many rows at once, written by the database itself: what a desk looks like after years.
//!
//! The rule: rows as the program writes them, but for what is sealed or hashed, which nothing here opens. What
//! has not ended by `now` goes on for two years, so that a worker that runs finds nothing to do.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use rekey::db::Db;
use rekey::db::rows_all::TABLES;

/// A way into a database beside the program's own.
pub struct Crowd {
    conn: Conn,
    pub now: NaiveDateTime,
    /// Places in the chain that are taken.
    chained: usize,
}

enum Conn {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

const LIVE_STATE: &str = "CASE i % 7 WHEN 0 THEN 'open' WHEN 1 THEN 'in_review' WHEN 2 THEN 'waiting' \
    WHEN 3 THEN 'awaiting_approval' WHEN 4 THEN 'approved' WHEN 5 THEN 'key_sent' ELSE 'frozen' END";

impl Crowd {
    pub fn on(url: &str, now: NaiveDateTime) -> Self {
        let conn = match url.strip_prefix("sqlite://") {
            Some(path) => Conn::Sqlite(SqliteConnection::establish(path).unwrap()),
            None => Conn::Pg(PgConnection::establish(url).unwrap()),
        };
        let mut crowd = Self { conn, now, chained: 500_000_000 };
        if matches!(crowd.conn, Conn::Sqlite(_)) {
            crowd.run("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -200000");
        }
        crowd
    }

    pub fn run(&mut self, statements: &str) {
        let done = match &mut self.conn {
            Conn::Pg(conn) => conn.batch_execute(statements),
            Conn::Sqlite(conn) => conn.batch_execute(statements),
        };
        done.unwrap_or_else(|error| panic!("{error}: {statements}"));
    }

    /// What planners know is brought up to date, as a database does by itself in time.
    pub fn analyze(&mut self) {
        self.run("ANALYZE");
    }

    /// The time so many seconds before now.
    fn ago(&self, seconds: &str) -> String {
        match self.conn {
            Conn::Pg(_) => format!("(timestamp '{}' - ({seconds}) * interval '1 second')", self.now),
            Conn::Sqlite(_) => format!("datetime('{}', (-({seconds})) || ' seconds')", self.now),
        }
    }

    /// As long as a hash.
    fn bytes(&self) -> &'static str {
        match self.conn {
            Conn::Pg(_) => "decode(repeat('00', 32), 'hex')",
            Conn::Sqlite(_) => "zeroblob(32)",
        }
    }

    /// `INSERT INTO … SELECT … FROM n`, once for each number `i` of a range.
    fn fill(&mut self, from: usize, to: usize, table: &str, select: &str) {
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to})"
        );
        self.run(&format!("{numbers} INSERT INTO {table} SELECT {select}"));
    }

    /// Accounts and their tickets `from..to`, with what every page of a ticket reads: log, request, letter. One in
    /// `share` is alive.
    pub fn tickets(&mut self, from: usize, to: usize, share: usize) {
        let live = format!("i % {share} = 0");
        let (account, ticket, reference) = (id("a", "i"), id("b", "i"), reference("i"));
        let (opened, closed) = (self.ago("i * 60 + 3600"), self.ago("i * 60"));
        let soon = self.ago("-63000000 - i");
        self.run("BEGIN");
        self.fill(
            from,
            to,
            "accounts (id, external_id, email, email_folded, name, tier, created_at, version)",
            &format!(
                "{account}, 'crowd' || i, 'crowd' || i || '@example.com', 'crowd' || i || '@example.com', \
                 'Crowd ' || i, 'standard', {opened}, 1 FROM n"
            ),
        );
        self.fill(
            from,
            to,
            "tickets (id, reference, account_id, slot, state, reason, problem, tier, address, opened_at, \
             state_since, expires_at, confirmed_at, holder, queue_at, pin_made, reissues, undecided, diagnoses, \
             network, version)",
            &format!(
                "{ticket}, {reference}, {account}, CASE WHEN {live} THEN {account} END, \
                 CASE WHEN {live} THEN {LIVE_STATE} ELSE 'closed' END, CASE WHEN {live} THEN NULL ELSE 'solved' END, \
                 'lost_device', 'standard', 'crowd' || i || '@example.com', {opened}, {closed}, \
                 CASE WHEN {live} THEN {soon} END, {closed}, \
                 CASE WHEN {live} AND i % 7 = 0 THEN NULL ELSE (SELECT min(id) FROM staff) END, \
                 CASE WHEN {live} THEN {soon} ELSE {closed} END, FALSE, 0, FALSE, 0, 'network' || (i % 1000), 3 FROM n"
            ),
        );
        for (version, action, at) in
            [("1", "opened", &opened), ("2", "confirmed", &opened), ("3", "claimed", &closed)]
        {
            let entry = id(&format!("c{version}"), "i");
            let details = format!(
                "{entry}, {at}, 'requester', '{action}', 'ticket', {ticket}, {version}, {ticket}, '{{}}', {}, \
                 1000000000 - i * 3 + {version}, {} FROM n",
                self.bytes(),
                self.bytes()
            );
            self.fill(from, to, ENTRIES, &details);
        }
        let message = id("d", "i");
        self.fill(
            from,
            to,
            "messages (id, ticket_id, kind, body, at)",
            &format!("{message}, {ticket}, 'request', 'My phone is gone.', {opened} FROM n"),
        );
        self.letters(from, to);
        self.run("COMMIT");
    }

    fn letters(&mut self, from: usize, to: usize) {
        let (account, ticket, letter) = (id("a", "i"), id("b", "i"), id("e", "i"));
        let opened = self.ago("i * 60 + 3600");
        self.fill(
            from,
            to,
            LETTERS,
            &format!(
                "{letter}, {ticket}, {account}, 'mailbox_code', 'crowd' || i || '@example.com', 'm' || i, \
                 CASE WHEN i % 1000 = 0 THEN 'bounced' ELSE 'accepted' END, 1, {opened}, {opened} FROM n"
            ),
        );
    }

    /// What the other tables hold beside such tickets.
    pub fn the_rest(&mut self, from: usize, to: usize) {
        let (account, ticket) = (id("a", "i"), id("b", "i"));
        let (past, later, bytes) = (self.ago("i * 60"), self.ago("-63000000 - i"), self.bytes());
        let key = id("f", "i");
        self.run("BEGIN");
        for (table, select) in [
            (
                "authenticators (id, account_id, origin, state, secret, algorithm, digits, period, created_at, version)",
                format!("{key}, {account}, 'enrolment', 'active', {bytes}, 'SHA1', 6, 30, {past}, 1 FROM n"),
            ),
            (
                "recovery_codes (id, account_id, digest, created_at)",
                format!("'r' || i, {account}, 'd' || i, {past} FROM n"),
            ),
            (
                "account_addresses",
                format!("{account}, 'o' || i || '@example.com', 'other', {past}, FALSE FROM n"),
            ),
            (
                "challenges (ticket_id, digest, expires_at, tries)",
                format!("{ticket}, 'd' || i, {past}, 0 FROM n"),
            ),
            (
                "evidence (id, ticket_id, method, outcome, note, at)",
                format!("'e' || i, {ticket}, 'mailbox_code', 'passed', '', {past} FROM n"),
            ),
            (
                "approvals (id, ticket_id, staff_id, reason, at, voided_at)",
                format!("'p' || i, {ticket}, (SELECT min(id) FROM staff), '', {past}, NULL FROM n"),
            ),
            ("risks", format!("{ticket}, 'recent_ticket', {past} FROM n")),
            (
                "vouches (id, ticket_id, token_hash, digest, address, tries, asked_by, expires_at, answered_at)",
                format!(
                    "'v' || i, {ticket}, 'h' || i, 'd', 'm@example.com', 0, (SELECT min(id) FROM staff), {past}, NULL FROM n"
                ),
            ),
            (
                "tokens (hash, kind, ticket_id, account_id, authenticator_id, expires_at)",
                format!("'t' || i, 'ticket', {ticket}, NULL, NULL, {later} FROM n"),
            ),
            ("looking", format!("{ticket}, (SELECT min(id) FROM staff), {past} FROM n")),
            (
                ACCOUNT_SESSIONS,
                format!(
                    "'s' || i, 'h' || i, {account}, 'Firefox on Linux', {past}, {past}, NULL, {later}, NULL FROM n"
                ),
            ),
            (
                "staff_sessions (id, token_hash, staff_id, created_at, seen_at, expires_at, step_up_until)",
                format!(
                    "'s' || i, 'h' || i, (SELECT min(id) FROM staff), {past}, {past}, {later}, NULL FROM n"
                ),
            ),
            ("throttles", format!("'crowd', 's' || i, {past}, 1 FROM n")),
            ("idempotency_keys", format!("'crowd', 'k' || i, 'r', NULL, {later} FROM n")),
            ("assertions", format!("(SELECT min(id) FROM clients), 'j' || i, {later} FROM n")),
        ] {
            self.fill(from, to, table, &select);
        }
        self.run("COMMIT");
    }

    /// So many more of everything that can stand on one ticket or belong to its account.
    pub fn around(&mut self, of: &str, count: usize) {
        let ticket = format!("FROM n, tickets t WHERE t.reference = '{of}'");
        let staff = "(SELECT min(id) FROM staff WHERE email NOT LIKE 'crowd%')";
        let (past, later, bytes) = (self.ago("i"), self.ago("-63000000 - i"), self.bytes());
        let name = |kind: &str| format!("'{kind}{of}' || i");
        let chained = self.chained;
        self.chained += count;
        self.run("BEGIN");
        for (table, select) in [
            ("messages", format!("{}, t.id, 'note', {staff}, 'A note.', {past} {ticket}", name("n"))),
            (
                ENTRIES,
                format!(
                    "{}, {past}, 'requester', 'noted', 'ticket', {}, 1000 + i, t.id, '{{}}', {bytes}, {chained} + i, {bytes} {ticket}",
                    name("l"),
                    // Nobody's own: the versions of the ticket stay as many as its entries.
                    name("l")
                ),
            ),
            (
                LETTERS,
                format!(
                    "{}, t.id, t.account_id, 'reply', t.address, 'm', 'accepted', 1, {past}, {past} {ticket}",
                    name("l")
                ),
            ),
            (
                "evidence (id, ticket_id, method, outcome, note, at)",
                format!("{}, t.id, 'mailbox_code', 'passed', '', {past} {ticket}", name("e")),
            ),
            (
                "approvals (id, ticket_id, staff_id, reason, at, voided_at)",
                format!("{}, t.id, {staff}, '', {past}, {past} {ticket}", name("p")),
            ),
            (
                ACCOUNT_SESSIONS,
                format!(
                    "{}, {}, t.account_id, 'Firefox on Linux', {past}, {past}, {past}, {later}, NULL {ticket}",
                    name("s"),
                    name("h")
                ),
            ),
            (
                "looking",
                format!(
                    "t.id, s.id, {past} FROM n, tickets t, staff s WHERE t.reference = '{of}' AND s.id = 'crowd' || i"
                ),
            ),
        ] {
            self.fill(0, count, table, &select);
        }
        for (kind, duplicate) in [("x", "NULL"), ("y", "t.id")] {
            self.fill(
                0,
                count,
                "tickets (id, reference, account_id, state, reason, problem, tier, opened_at, state_since, \
                 queue_at, pin_made, reissues, undecided, diagnoses, version, duplicate_of)",
                &format!(
                    "{}, {}, t.account_id, 'closed', 'solved', 'other', 'standard', {past}, {past}, {past}, FALSE, 0, \
                     FALSE, 0, 1, {duplicate} {ticket}",
                    name(kind),
                    name(kind)
                ),
            );
        }
        let tokens = format!("'token{of}' || i, 'ticket', {}, NULL, NULL, NULL FROM n", name("y"));
        self.fill(
            0,
            count,
            "tokens (hash, kind, ticket_id, account_id, authenticator_id, expires_at)",
            &tokens,
        );
        self.run("COMMIT");
    }

    /// Has all that was written past the program signed, as the program would have.
    pub async fn sign(&mut self, db: &Db) {
        // What stands beside tickets and accounts is signed with them.
        self.run("UPDATE tickets SET mac = NULL; UPDATE accounts SET addresses_mac = NULL");
        for table in &TABLES {
            let mut after = Some(String::new());
            while let Some(from) = after {
                let work = move |conn: &mut rekey::db::Conn| table.sign(conn, &from, 500);
                after = db.patient().write(work).await.unwrap_or_else(|error| panic!("{error}")).last;
            }
        }
    }

    /// So many members of the staff.
    pub fn staff(&mut self, count: usize) {
        let (past, bytes) = (self.ago("i"), self.bytes());
        let mail = "'crowd' || i || '@desk.example.com'";
        self.fill(
            0,
            count,
            "staff (id, email, email_folded, name, roles, password, secret, created_at, version)",
            &format!("'crowd' || i, {mail}, {mail}, 'Crowd ' || i, 'agent', '', {bytes}, {past}, 1 FROM n"),
        );
    }
}

const ENTRIES: &str = "audit_entries (id, at, actor_kind, action, subject_kind, subject_id, subject_version, \
    ticket_id, details, mac, position, chain)";
const ACCOUNT_SESSIONS: &str = "account_sessions (id, token_hash, account_id, browser, created_at, seen_at, code_at, \
    expires_at, network)";
const LETTERS: &str = "letters (id, ticket_id, account_id, purpose, recipient, message_id, state, attempts, \
    created_at, state_at)";

/// An id like the program's own, older than all of them; `kind` is one or two digits of hex.
fn id(kind: &str, number: &str) -> String {
    let zeros = &"000000000000"[kind.len()..];
    let digits = zeros.len();
    format!(
        "('01900000-0000-7000-8000-{kind}' || substr('{zeros}' || {number}, length(CAST({number} AS TEXT)) + 1, {digits}))"
    )
}

/// What people call ticket number `number`, and the program would never draw.
pub fn reference(number: &str) -> String {
    let digit = |power: u32| {
        format!("substr('23456789ABCDEFGHJKMNPQRSTVWXYZ', ({number} / {}) % 30 + 1, 1)", 30_u32.pow(power))
    };
    format!(
        "('RK-ZZZ' || {} || '-' || {} || {} || {} || {})",
        digit(4),
        digit(3),
        digit(2),
        digit(1),
        digit(0)
    )
}
