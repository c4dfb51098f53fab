//! How long answers take, with passwords hashed at full cost: measured, and therefore not told with the other stories.

use std::time::{Duration, Instant};

use rekey::crypto::Passwords;

use super::prober::{CALLS, Prober, stage};
use crate::support::app::TestApp;
use crate::support::database::Backend;

/// Pairs of samples a call.
const PAIRS: usize = 300;
/// The bound that is usual for leaks by time: beyond it chance is no explanation.
const BOUND: f64 = 4.5;

/// Asks in pairs, the known and the unknown account by turns first, and compares. Prints a line a call.
async fn compare(backend: Backend) {
    let settings =
        [("REKEY__LIMITS__TICKETS_PER_HOUR", "100000"), ("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::start_hashing(backend, &settings, Passwords::new()).await;
    stage(&app).await;
    let (mut known, mut unknown) = (Prober::new(&app, "ada"), Prober::new(&app, "eve"));
    let mut pairs = vec![Vec::with_capacity(PAIRS); CALLS.len()];
    for round in 0..PAIRS + 10 {
        // Every limit of an hour is over, and no name is locked: each answer does its whole work.
        app.ctx.clock.advance(Duration::from_mins(61));
        for (at, call) in CALLS.iter().enumerate() {
            let mut times = [0.0; 2];
            for turn in 0..2 {
                let is_known = (round + turn) % 2 == 0;
                let prober = if is_known { &mut known } else { &mut unknown };
                let start = Instant::now();
                prober.call(call).await;
                times[usize::from(!is_known)] = start.elapsed().as_secs_f64() * 1e6;
            }
            if round >= 10 {
                pairs[at].push((times[0], times[1]));
            }
        }
    }
    println!("{backend:?}: {PAIRS} pairs a call, microseconds");
    println!("{:<22} {:>10} {:>10} {:>10} {:>7}", "call", "known", "unknown", "difference", "z");
    let mut worst = 0.0_f64;
    for (call, pairs) in CALLS.iter().zip(&pairs) {
        let (known, unknown) = (median(pairs.iter().map(|one| one.0)), median(pairs.iter().map(|one| one.1)));
        let (difference, z) = (median(pairs.iter().map(|one| one.0 - one.1)), signed_ranks(pairs));
        println!("{call:<22} {known:>10.0} {unknown:>10.0} {difference:>10.1} {z:>7.2}");
        worst = worst.max(z.abs());
    }
    assert!(worst < BOUND, "told apart by time: |z| = {worst:.2}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// How far Wilcoxon's signed ranks of the differences are from chance, in standard deviations. Ranks do not mind that
/// the machine did something else in some of the pairs.
#[expect(clippy::cast_precision_loss, reason = "a few hundred pairs")]
fn signed_ranks(pairs: &[(f64, f64)]) -> f64 {
    let mut differences: Vec<f64> = pairs.iter().map(|one| one.0 - one.1).collect();
    differences.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let ranked = differences.iter().enumerate();
    let sum: f64 = ranked.filter(|(_, one)| **one > 0.0).map(|(at, _)| at as f64 + 1.0).sum();
    let count = differences.len() as f64;
    let deviation = (count * (count + 1.0) * (2.0 * count + 1.0) / 24.0).sqrt();
    (sum - count * (count + 1.0) / 4.0) / deviation
}

#[tokio::test]
#[ignore = "measures for minutes, and wants the machine for itself"]
async fn times_of_known_and_unknown_accounts_on_sqlite() {
    compare(Backend::Sqlite).await;
}

#[tokio::test]
#[ignore = "measures for minutes, and wants the machine for itself"]
async fn times_of_known_and_unknown_accounts_on_postgres() {
    compare(Backend::Postgres).await;
}
