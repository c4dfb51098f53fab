//! Measures the pure parts that every code goes through: checking one at sign-in, and finding the fault of two.
//!
//! The limit is written beside the figure: whoever misses it says so and ends with an error.

#![expect(clippy::expect_used, reason = "a measuring that fails says so and ends")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use chrono::DateTime;
use rekey::domain::authenticator::Parameters;
use rekey::domain::diagnosis::{Candidate, Standing, diagnose};
use rekey::domain::ids::AuthenticatorId;
use rekey::domain::shared_secret::SharedSecret;
use rekey::domain::totp::{Code, matching_step};

const NOW: i64 = 1_800_000_010;

/// The median and the slowest of a hundredth of many runs.
fn measure(name: &str, limit: Duration, mut run: impl FnMut()) -> bool {
    let mut times: Vec<Duration> = (0..2_000)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let (median, p99) = (at(50), at(99));
    println!("{name}: median {median:?}, p99 {p99:?}, limit {limit:?}");
    median < limit
}

fn main() -> ExitCode {
    let now = DateTime::from_timestamp(NOW, 0).expect("a time").naive_utc();
    let secrets: Vec<SharedSecret> =
        (1..=4_u8).map(|seed| SharedSecret::new(&[seed; 20]).expect("twenty bytes")).collect();
    let standings = [Standing::Active, Standing::Pending, Standing::Former, Standing::Former];
    let ids: Vec<AuthenticatorId> = (1..=4).map(|n| AuthenticatorId::new(format!("{n}"))).collect();
    let keys: Vec<Candidate<'_>> = ids
        .iter()
        .zip(&secrets)
        .zip(standings)
        .map(|((authenticator, secret), standing)| Candidate {
            authenticator,
            secret,
            parameters: Parameters::STANDARD,
            standing,
        })
        .collect();
    let code = |typed: &str| Code::parse(typed).expect("a code");
    // Codes of no key: everything is tried, which takes longest.
    let six = [code("123456"), code("654321")];
    let eight = [code("12345678"), code("87654321")];
    let secret = secrets.first().expect("four of them");

    let checked = measure("a code checked at sign-in, one key", Duration::from_millis(1), || {
        black_box(matching_step(secret, Parameters::STANDARD, black_box(&code("123456")), now, None));
    });
    let found = measure(
        "two codes tried, 4 keys x 41 steps x 3 hashes x 6 and 8 digits",
        Duration::from_millis(5),
        || {
            black_box(diagnose(&keys, black_box(&six), now));
            black_box(diagnose(&keys, black_box(&eight), now));
        },
    );
    if checked && found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
