//! Verifications a second, in turn with the bare database that runs the same statements for as many clients.

use crate::codes::{code, key, step};
use crate::load::{self, Load, Rounds};
use crate::program::{Program, count};
use crate::table::{Table, against, median, milliseconds, spread};
use crate::{Outcome, Scale, bare};

const LEVELS: [usize; 3] = [1, 8, 64];
/// Accounts that the bare database moves forward; their codes are used up for the program.
pub(crate) const BARE: usize = 1_000;
/// Later than any step of the program's.
pub(crate) const BARE_STEP: i64 = 100_000_000;
/// More than any round can verify a second.
const MOST: usize = 20_000;

/// Measures all levels; with several programs, the connections are shared out among them.
pub(crate) fn verify(
    programs: &[&Program],
    host: &str,
    next: &mut usize,
    scale: Scale,
    table: &mut Table,
) -> Outcome<f64> {
    let mut last = 0.0;
    let levels = if programs.len() > 1 { &LEVELS[2..] } else { &LEVELS[..] };
    for &clients in levels {
        let (mut rounds, mut bare, mut count) = (Rounds::default(), Vec::new(), 0);
        let before = programs[0].processor()?;
        let mut written = 0;
        for round in 0..scale.rounds {
            let so_far = programs[0].written()?;
            let load = run(programs, host, next, clients, scale)?;
            written += programs[0].written()? - so_far;
            count += load.calls;
            rounds.add(&load);
            if programs.len() == 1 {
                bare.push(bare::verifications(programs[0].database(), clients, scale.seconds, round)?);
            }
        }
        let (p50, p99) = rounds.times();
        let who = if programs.len() > 1 { ", two replicas" } else { "" };
        table.add(
            format!("codes verified a second, {clients} connections{who}"),
            format!("{}; p50 {}, p99 {}", spread(&rounds.rates), milliseconds(p50), milliseconds(p99)),
            against(&rounds.rates, &bare),
        );
        if programs.len() == 1 {
            let spent = programs[0].processor()?.saturating_sub(before).as_secs_f64() * 1e6 / count as f64;
            let bytes = written as f64 / count as f64 / 1024.0;
            table.add(
                format!("one verification at {clients} connections"),
                format!("{spent:.0} µs of processor time, {bytes:.1} KiB written"),
                "time of the program's own process; on PostgreSQL, bytes of the server's log",
            );
        }
        last = median(&rounds.rates);
    }
    Ok(last)
}

/// A round. Each answer must have its write: a code that was refused would move no step forward.
fn run(programs: &[&Program], host: &str, next: &mut usize, clients: usize, scale: Scale) -> Outcome<Load> {
    let most = scale.seconds.as_secs() as usize * MOST;
    let before = moved(programs[0].database())?;
    let mut loads = Vec::new();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for program in programs {
            let from = *next;
            *next += most / programs.len();
            let until = *next;
            threads.push(scope.spawn(move || {
                let calls: Vec<_> = (from..until).map(call).collect();
                load::wrk(&program.url, Some(host), &calls, clients / programs.len(), scale.seconds)
            }));
        }
        for thread in threads {
            loads.push(thread.join().map_err(|_| "the load failed")??);
        }
        Outcome::Ok(())
    })?;
    if programs.len() == 1 {
        *next = *next - most + loads[0].begun + 1;
    }
    let mut load = loads.pop().ok_or("no load")?;
    for other in &loads {
        load = load.with(other);
    }
    let accepted = usize::try_from(moved(programs[0].database())? - before)?;
    if accepted < load.calls || accepted > load.begun {
        return Err(format!("{} codes were answered and {accepted} accepted", load.calls).into());
    }
    Ok(load)
}

fn call(number: usize) -> String {
    let code = code(&key(number), step());
    format!(
        "/api/v1/accounts/p{number}/codes/verify {{\"code\": \"{code}\", \"first_factor\": \"password\"}}"
    )
}

/// Accounts whose step was moved forward by the program.
fn moved(database: &str) -> Outcome<i64> {
    count(
        database,
        &format!(
            "SELECT count(*) AS count FROM authenticators WHERE last_step < {BARE_STEP} AND last_step > 0"
        ),
    )
}
