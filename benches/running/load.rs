//! Load by `wrk`: calls that differ, each sent once.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::Outcome;
use crate::table::Times;

/// What came of a round.
pub(crate) struct Load {
    pub(crate) calls: usize,
    /// Calls that were begun; a few may be under way when the time is over.
    pub(crate) begun: usize,
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Load {
    /// Of several at once: their calls together, the worst of their times.
    pub(crate) fn with(self, other: &Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            begun: self.begun + other.begun,
            rate: self.rate + other.rate,
            p50: self.p50.max(other.p50),
            p99: self.p99.max(other.p99),
        }
    }
}

/// Sends `calls` (path, space, body) over so many kept connections until they or the time are at an end.
pub(crate) fn wrk(
    url: &str,
    token: Option<&str>,
    calls: &[String],
    connections: usize,
    lasts: Duration,
) -> Outcome<Load> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(calls.join("\n").as_bytes())?;
    let mut command = Command::new("wrk");
    command.args([
        "-t1",
        "--timeout",
        "10s",
        "-s",
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/running/calls.lua"),
    ]);
    command.args([
        format!("-c{connections}"),
        format!("-d{}s", lasts.as_secs()),
        url.to_owned(),
        "--".to_owned(),
    ]);
    let output = command.arg(file.path()).args(token).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let figures: Vec<usize> = last.split(' ').map_while(|figure| figure.parse().ok()).collect();
    let &[calls, failures, begun, took, p50, p99] = figures.as_slice() else {
        return Err(format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)).into());
    };
    if failures > 0 || calls == 0 {
        return Err(format!("{failures} of {calls} calls failed").into());
    }
    let micros = |figure| Duration::from_micros(figure as u64);
    let rate = calls as f64 / micros(took).as_secs_f64();
    Ok(Load { calls, begun, rate, p50: micros(p50), p99: micros(p99) })
}

/// Rounds of one figure, and what it is measured against.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) rates: Vec<f64>,
    p50: Vec<Duration>,
    p99: Vec<Duration>,
}

impl Rounds {
    pub(crate) fn add(&mut self, load: &Load) {
        self.rates.push(load.rate);
        self.p50.push(load.p50);
        self.p99.push(load.p99);
    }

    /// The medians of the rounds.
    pub(crate) fn times(&self) -> (Duration, Duration) {
        (Times(self.p50.clone()).percentile(0.5), Times(self.p99.clone()).percentile(0.5))
    }
}
