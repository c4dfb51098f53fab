//! A ticket in one line: as the desk shows it, and as the reference tells it.

use chrono::TimeDelta;
use rekey::domain::Time;
use serde_json::Value;

use super::command::Who;
use super::reference::Reference;
use crate::support::client::text;

/// What the desk shows of a ticket, in one line. Evidence that was passed a day ago counts no more, shown or not.
pub fn shown(seen: &Value, now: Time) -> String {
    let until = (now - TimeDelta::hours(24)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let counts = |one: &&Value| one["outcome"] != "passed" || one["at"].as_str().unwrap() > &*until;
    let list = |field: &str, parts: &[&str]| {
        let one = |one: &Value| {
            parts.iter().map(|part| one[*part].as_str().unwrap_or("-")).collect::<Vec<_>>().join(" ")
        };
        let mut all: Vec<String> = seen[field].as_array().unwrap().iter().filter(counts).map(one).collect();
        all.sort();
        all.join(", ")
    };
    let missing: Vec<_> =
        seen["policy"]["missing"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    format!(
        "{} {} {} held by {}; pin {}; undecided {}; reissues {}; evidence [{}]; approvals [{}]; missing {missing:?}",
        text(seen, "status"),
        seen["reason"].as_str().unwrap_or("-"),
        text(seen, "tier"),
        seen["holder"].as_str().unwrap_or("-"),
        seen["pin_made"],
        seen["undecided"],
        seen["reissues"],
        list("evidence", &["method", "outcome", "by"]),
        list("approvals", &["by"]),
    )
}

/// The same by the reference.
pub fn told(reference: &Reference, number: usize) -> String {
    let one = &reference.tickets[number];
    let name = |who: Who| who.name();
    let mut evidence: Vec<String> = one
        .evidence
        .iter()
        .filter(|one| !one.passed || reference.now < one.at + TimeDelta::hours(24))
        .map(|one| {
            let outcome = if one.passed { "passed" } else { "failed" };
            format!("{} {outcome} {}", one.method, one.by.map_or_else(|| "-".to_owned(), name))
        })
        .collect();
    evidence.sort();
    let mut approvals: Vec<String> = one.approvals.iter().map(|who| name(*who)).collect();
    approvals.sort();
    format!(
        "{} {} {} held by {}; pin {}; undecided {}; reissues {}; evidence [{}]; approvals [{}]; missing {:?}",
        one.state.word(),
        one.reason.unwrap_or("-"),
        if one.privileged { "privileged" } else { "standard" },
        one.holder.map_or_else(|| "-".to_owned(), name),
        one.pin,
        one.undecided,
        one.reissues,
        evidence.join(", "),
        approvals.join(", "),
        reference.missing(number),
    )
}
