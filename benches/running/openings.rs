//! Tickets opened a second, beside the bare database that runs the same statements for as many clients.

use crate::load::{self, Rounds};
use crate::program::{Program, count};
use crate::table::{Table, against, milliseconds, spread};
use crate::{Outcome, Scale, bare};

const CLIENTS: usize = 8;
/// More than any round can open a second.
const MOST: usize = 5_000;

/// Opens `needed` tickets at least, each with a letter that waits.
pub(crate) async fn open(
    program: &mut Program,
    scale: Scale,
    needed: usize,
    table: &mut Table,
) -> Outcome<()> {
    let (mut rounds, mut bare, mut next) = (Rounds::default(), Vec::new(), 0);
    while rounds.rates.len() < scale.rounds || next < needed {
        let from = next;
        next += scale.seconds.as_secs() as usize * MOST;
        let calls: Vec<_> = (from..next.min(scale.accounts / 2)).map(call).collect();
        program.start().await?;
        let before = waiting(program.database())?;
        let load = load::wrk(&program.url, None, &calls, CLIENTS, scale.seconds)?;
        if waiting(program.database())? - before < i64::try_from(load.calls)? {
            return Err("a ticket was opened and its letter does not wait".into());
        }
        program.stop();
        next = from + load.begun + 1;
        rounds.add(&load);
        let first = scale.accounts / 2 + rounds.rates.len() * scale.seconds.as_secs() as usize * MOST;
        bare.push(bare::openings(program.database(), CLIENTS, scale.seconds, first)?);
    }
    let (p50, p99) = rounds.times();
    table.add(
        format!("tickets opened a second, {CLIENTS} connections"),
        format!("{}; p50 {}, p99 {}", spread(&rounds.rates), milliseconds(p50), milliseconds(p99)),
        against(&rounds.rates, &bare),
    );
    Ok(())
}

/// Letters that no server has taken yet.
pub(crate) fn waiting(database: &str) -> Outcome<i64> {
    count(database, "SELECT count(*) AS count FROM letters WHERE payload IS NOT NULL")
}

fn call(number: usize) -> String {
    format!(
        "/api/v1/tickets {{\"account\": \"p{number}@example.com\", \"problem\": \"lost_device\", \
         \"message\": \"My phone is gone.\"}}"
    )
}
