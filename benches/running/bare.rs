//! The bare database: the statements of a call without the program around them, each call a commit of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::query_builder::BoxedSqlQuery;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use crate::Outcome;
use crate::verify::{BARE, BARE_STEP};

/// Verifications a second, over the accounts that are set apart for it.
pub(crate) fn verifications(database: &str, clients: usize, lasts: Duration, round: usize) -> Outcome<f64> {
    rate(database, clients, lasts, move |client, number| {
        let turn = BARE_STEP + i64::try_from(number + round).expect("few");
        client.verify(number % BARE, turn)
    })
}

/// Tickets opened a second, of the accounts from `first` on.
pub(crate) fn openings(database: &str, clients: usize, lasts: Duration, first: usize) -> Outcome<f64> {
    rate(database, clients, lasts, move |client, number| client.open(first + number))
}

fn rate(
    database: &str,
    clients: usize,
    lasts: Duration,
    call: impl Fn(&mut Client, usize) -> QueryResult<()> + Send + Clone + 'static,
) -> Outcome<f64> {
    let until = Instant::now() + lasts;
    let one = Arc::new(Mutex::new(()));
    let numbers = Arc::new(AtomicUsize::new(0));
    let mut threads = Vec::new();
    for _ in 0..clients {
        let (database, one, numbers) = (database.to_owned(), Arc::clone(&one), Arc::clone(&numbers));
        let call = call.clone();
        threads.push(std::thread::spawn(move || {
            let (mut client, mut count) = (Client::on(&database), 0_usize);
            while Instant::now() < until {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                // SQLite has one writer, so its clients take turns.
                let turn = client.is_sqlite().then(|| one.lock().unwrap_or_else(PoisonError::into_inner));
                let begin = if client.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN" };
                client.run(begin, &[], None).expect("it begins");
                call(&mut client, number).expect("the statements run");
                client.run("COMMIT", &[], None).expect("it commits");
                drop(turn);
                count += 1;
            }
            count
        }));
    }
    let mut sum = 0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a client failed")?;
    }
    Ok(sum as f64 / lasts.as_secs_f64())
}

enum Client {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

impl Client {
    fn on(database: &str) -> Self {
        if let Some(path) = database.strip_prefix("sqlite://") {
            let mut conn = SqliteConnection::establish(path).expect("the file opens");
            conn.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA synchronous = FULL").expect("pragmas");
            return Self::Sqlite(conn);
        }
        Self::Pg(PgConnection::establish(database).expect("the server answers"))
    }

    const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// One statement, whose values are texts and at last a number; the statements are prepared once.
    fn run(&mut self, statement: &str, texts: &[&str], number: Option<i64>) -> QueryResult<()> {
        if texts.is_empty() {
            return match self {
                Self::Pg(conn) => conn.batch_execute(statement),
                Self::Sqlite(conn) => conn.batch_execute(statement),
            };
        }
        match self {
            Self::Pg(conn) => {
                let query = diesel::sql_query(statement).into_boxed();
                let query = texts.iter().fold(query, |query, text| query.bind::<Text, _>(*text));
                number.into_iter().fold(query, BoxedSqlQuery::bind::<BigInt, _>).execute(conn)
            }
            Self::Sqlite(conn) => {
                let query = diesel::sql_query(statement.replace('$', "?")).into_boxed();
                let query = texts.iter().fold(query, |query, text| query.bind::<Text, _>(*text));
                number.into_iter().fold(query, BoxedSqlQuery::bind::<BigInt, _>).execute(conn)
            }
        }
        .map(drop)
    }

    /// The host, the account, its keys; then the step moves forward.
    fn verify(&mut self, number: usize, step: i64) -> QueryResult<()> {
        let (account, key) = ids(number);
        self.run(
            "SELECT id, name, scopes, public_keys, disabled_at FROM clients WHERE token_hash = $1",
            &["none"],
            None,
        )?;
        self.run(
            "SELECT id, client_id, email, name, two_factor, failures, locked_until, frozen_at, version FROM accounts \
             WHERE external_id = $1",
            &[&format!("p{number}")],
            None,
        )?;
        self.run(
            "SELECT id, account_id, state, secret, algorithm, digits, period, last_step, version FROM authenticators \
             WHERE state <> 'revoked' AND account_id = $1",
            &[&account],
            None,
        )?;
        self.run("UPDATE authenticators SET last_step = $2 WHERE id = $1", &[&key], Some(step))
    }

    /// The account, twice; the limits; the ticket, its entry, its message, its two tokens, its code and its letter.
    fn open(&mut self, number: usize) -> QueryResult<()> {
        let (account, _) = ids(number);
        let (id, mail) = (format!("b{number}"), format!("p{number}@example.com"));
        self.run(
            "SELECT id, name, tier, version FROM accounts WHERE email_folded = $1 AND removed_at IS NULL",
            &[&mail],
            None,
        )?;
        self.run("SELECT id, name, tier, version FROM accounts WHERE id = $1", &[&account], None)?;
        for limit in ["bare", "bare_account"] {
            self.run(
                "UPDATE throttles SET count = count + 1 WHERE subject = $1 AND name = $2",
                &[&id, limit],
                None,
            )?;
            self.run(
                "INSERT INTO throttles (subject, name, window_start, count) VALUES ($1, $2, '2026-01-01 00:00:00', 1)",
                &[&id, limit],
                None,
            )?;
        }
        self.run(
            "INSERT INTO tickets (id, account_id, address, reference, slot, state, problem, tier, opened_at, \
             state_since, expires_at, queue_at, pin_made, reissues, undecided, diagnoses, network, version) VALUES \
             ($1, $2, $3, $1, $2, 'open', 'lost_device', 'standard', '2026-01-01 00:00:00', '2026-01-01 00:00:00', \
             '2036-01-01 00:00:00', '2026-01-01 00:00:00', FALSE, 0, FALSE, 0, '127.0.0.1', 1)",
            &[&id, &account, &mail],
            None,
        )?;
        let thirty_two = if self.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        self.run(
            &format!(
                "INSERT INTO audit_entries (id, at, actor_kind, action, subject_kind, subject_id, subject_version, \
                 ticket_id, details, mac, position, chain) VALUES ($1, '2026-01-01 00:00:00', 'requester', 'opened', \
                 'ticket', $1, 1, $1, '{{\"problem\": \"lost_device\"}}', {thirty_two}, $2, {thirty_two})"
            ),
            &[&id],
            Some(700_000_000 + i64::try_from(number).expect("few")),
        )?;
        self.run(
            "INSERT INTO messages (id, ticket_id, kind, body, at) VALUES ($1, $1, 'request', 'My phone is gone.', \
             '2026-01-01 00:00:00')",
            &[&id],
            None,
        )?;
        for (kind, hash) in
            [("ticket", format!("bare ticket {number}")), ("stop", format!("bare stop {number}"))]
        {
            self.run(
                "INSERT INTO tokens (ticket_id, kind, hash) VALUES ($1, $2, $3)",
                &[&id, kind, &hash],
                None,
            )?;
        }
        self.run("SELECT digest, expires_at, tries FROM challenges WHERE ticket_id = $1", &[&id], None)?;
        self.run("DELETE FROM challenges WHERE ticket_id = $1", &[&id], None)?;
        self.run(
            "INSERT INTO challenges (ticket_id, digest, expires_at, tries) VALUES ($1, \
             'as long as a digest of thirty-two bytes', '2026-01-01 00:00:00', 0)",
            &[&id],
            None,
        )?;
        let sealed = "as much as a sealed letter ".repeat(16);
        self.run(
            "INSERT INTO letters (id, ticket_id, account_id, recipient, error, purpose, message_id, state, attempts, \
             created_at, state_at) VALUES ($1, $1, $2, $3, $4, 'mailbox_code', $1, 'accepted', 1, \
             '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
            &[&id, &account, &mail, &sealed],
            None,
        )
    }
}

/// Of the account, and of its authenticator.
fn ids(number: usize) -> (String, String) {
    (format!("01910000-0000-7000-8000-{number:012x}"), format!("01920000-0000-7000-8000-{number:012x}"))
}
