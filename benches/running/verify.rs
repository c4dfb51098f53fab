//! Verifications a second, in turn with the bare database that runs the same statements for as many clients.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use serde_json::json;

use crate::codes::{code, key, step};
use crate::program::Program;
use crate::table::{Table, Times, median, milliseconds, spread};
use crate::{Outcome, Scale};

const LEVELS: [usize; 3] = [1, 8, 64];
/// Accounts that the bare database moves forward; their codes are used up for the program.
pub(crate) const BARE: usize = 1_000;

/// Measures all levels; with several programs, the connections are shared out among them.
pub(crate) async fn verify(
    programs: &[&Program],
    host: &str,
    next: &mut usize,
    scale: Scale,
    table: &mut Table,
) -> Outcome<f64> {
    let mut last = 0.0;
    let levels = if programs.len() > 1 { &LEVELS[2..] } else { &LEVELS[..] };
    for &clients in levels {
        let (mut rates, mut bare, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let before = programs[0].processor()?;
        let written = programs[0].written()?;
        for round in 0..scale.rounds {
            let (rate, of_round) = run(programs, host, next, clients, scale).await?;
            rates.push(rate);
            times.extend(of_round.0);
            if programs.len() == 1 {
                let (database, seconds) = (programs[0].database().to_owned(), scale.seconds);
                bare.push(
                    tokio::task::spawn_blocking(move || raw(&database, clients, seconds, round)).await??,
                );
            }
        }
        let count = times.len() as f64;
        let times = Times(times);
        let who = if programs.len() > 1 { ", two replicas" } else { "" };
        let against = match bare.as_slice() {
            [] => String::new(),
            bare => format!("{} bare: {:.2}", spread(bare), median(&rates) / median(bare)),
        };
        table.add(
            format!("codes verified a second, {clients} connections{who}"),
            format!(
                "{}; p50 {}, p99 {}",
                spread(&rates),
                milliseconds(times.percentile(0.5)),
                milliseconds(times.percentile(0.99))
            ),
            against,
        );
        if programs.len() == 1 {
            let spent = programs[0].processor()?.saturating_sub(before).as_secs_f64() * 1e6 / count;
            let bytes = (programs[0].written()? - written) as f64 / count / 1024.0;
            table.add(
                format!("one verification at {clients} connections"),
                format!("{spent:.0} µs of processor time, {bytes:.1} KiB written"),
                "the program's own process alone",
            );
        }
        last = median(&rates);
    }
    Ok(last)
}

async fn run(
    programs: &[&Program],
    host: &str,
    next: &mut usize,
    clients: usize,
    scale: Scale,
) -> Outcome<(f64, Times)> {
    let numbers = Arc::new(AtomicUsize::new(*next));
    let started = Instant::now();
    let until = started + scale.seconds;
    let mut tasks = Vec::new();
    for client in 0..clients {
        let program = programs[client % programs.len()];
        let (http, url, host) = (program.client.clone(), program.url.clone(), host.to_owned());
        let numbers = Arc::clone(&numbers);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                assert!(number < scale.accounts, "more accounts are needed");
                let body = json!({"code": code(&key(number), step()), "first_factor": "password"});
                let begun = Instant::now();
                let call = http.post(format!("{url}/api/v1/accounts/p{number}/codes/verify"));
                let answer = call.bearer_auth(&host).json(&body).send().await.expect("an answer");
                let text = answer.text().await.expect("a body");
                assert!(text.contains("\"accepted\""), "p{number}: {text}");
                times.push(begun.elapsed());
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?);
    }
    *next = numbers.load(Ordering::Relaxed);
    Ok((times.len() as f64 / started.elapsed().as_secs_f64(), Times(times)))
}

/// What one verification asks of the database: the host, the account, its keys; then the step moves forward.
const READS: [&str; 3] = [
    "SELECT id, name, scopes, public_keys, disabled_at FROM clients WHERE token_hash = ",
    "SELECT id, client_id, email, name, two_factor, failures, locked_until, frozen_at, version FROM accounts \
     WHERE external_id = ",
    "SELECT id, account_id, state, secret, algorithm, digits, period, last_step, version FROM authenticators \
     WHERE state <> 'revoked' AND account_id = ",
];

/// The same statements without the program, each verification a commit of its own.
fn raw(database: &str, clients: usize, lasts: Duration, round: usize) -> Outcome<f64> {
    let until = Instant::now() + lasts;
    let one = Arc::new(Mutex::new(()));
    let numbers = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (database, one, numbers) = (database.to_owned(), Arc::clone(&one), Arc::clone(&numbers));
            std::thread::spawn(move || {
                let mut count = 0_usize;
                let mut client = Client::on(&database);
                while Instant::now() < until {
                    let number = numbers.fetch_add(1, Ordering::Relaxed) % BARE;
                    let turn = i64::try_from(count + round).expect("few") + 100_000_000;
                    client.verify(number, turn, &one).expect("the statements run");
                    count += 1;
                }
                count
            })
        })
        .collect();
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

    /// SQLite has one writer, so its clients take turns.
    fn verify(&mut self, number: usize, step: i64, one: &Mutex<()>) -> QueryResult<()> {
        let account = format!("01910000-0000-7000-8000-{number:012x}");
        let id = format!("01920000-0000-7000-8000-{number:012x}");
        match self {
            Self::Pg(conn) => {
                conn.batch_execute("BEGIN")?;
                for (read, value) in READS.into_iter().zip(["none", &format!("p{number}"), &account]) {
                    diesel::sql_query(format!("{read}$1")).bind::<Text, _>(value).execute(conn)?;
                }
                diesel::sql_query("UPDATE authenticators SET last_step = $1 WHERE id = $2")
                    .bind::<BigInt, _>(step)
                    .bind::<Text, _>(&id)
                    .execute(conn)?;
                conn.batch_execute("COMMIT")
            }
            Self::Sqlite(conn) => {
                let _turn = one.lock().unwrap_or_else(PoisonError::into_inner);
                conn.batch_execute("BEGIN IMMEDIATE")?;
                for (read, value) in READS.into_iter().zip(["none", &format!("p{number}"), &account]) {
                    diesel::sql_query(format!("{read}?")).bind::<Text, _>(value).execute(conn)?;
                }
                diesel::sql_query("UPDATE authenticators SET last_step = ? WHERE id = ?")
                    .bind::<BigInt, _>(step)
                    .bind::<Text, _>(&id)
                    .execute(conn)?;
                conn.batch_execute("COMMIT")
            }
        }
    }
}
