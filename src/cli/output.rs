//! Results on standard output: for people, or as JSON for machines.

use std::io::Write;

use serde_json::Value;

/// How results are printed.
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: the JSON value, or the lines.
    pub(super) fn print(&self, json: &Value, text: &str) {
        let printed = if self.json { json.to_string() } else { text.to_owned() };
        let mut out = std::io::stdout().lock();
        // Whoever closed our output does not want to know.
        let _ = writeln!(out, "{printed}");
    }

    /// Prints a line for people alone.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// Columns side by side, as wide as they need to be.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A time as people and machines read it: RFC 3339 in UTC.
pub(super) fn time(at: crate::domain::Time) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
