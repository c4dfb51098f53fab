//! The figures, as the document shows them.

use std::time::Duration;

/// Figures of one database.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 3]>);

impl Table {
    /// One line: what, how much, and what it is measured against.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        figure: impl Into<String>,
        against: impl Into<String>,
    ) {
        let line = [what.into(), figure.into(), against.into()];
        eprintln!("  {} | {} | {}", line[0], line[1], line[2]);
        self.0.push(line);
    }

    pub(crate) fn print(&self, heading: &str) {
        println!("\n## {heading}\n\n| what | figure | against |\n| --- | --- | --- |");
        for [what, figure, against] in &self.0 {
            println!("| {what} | {figure} | {against} |");
        }
    }
}

/// Times of many requests.
#[derive(Clone)]
pub(crate) struct Times(pub(crate) Vec<Duration>);

impl Times {
    pub(crate) fn percentile(&self, of: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[((sorted.len() - 1) as f64 * of) as usize]
    }
}

/// `3.2 ms`
pub(crate) fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// The median of rounds, with the least and the most.
pub(crate) fn spread(rounds: &[f64]) -> String {
    let mut sorted = rounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
    format!("{:.0} ({least:.0} to {most:.0})", median(rounds))
}

pub(crate) fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// What the bare database did in the same rounds, and how much of that these did.
pub(crate) fn against(rounds: &[f64], bare: &[f64]) -> String {
    if bare.is_empty() {
        return String::new();
    }
    format!("{} bare: {:.2}", spread(bare), median(rounds) / median(bare))
}
