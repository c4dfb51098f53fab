//! A ticket in plain words: what is wrong, the five steps, and what happened.
//!
//! The rule: words for people who are worried and in a hurry. No state has a name of ours in it.

use crate::config::DeskSettings;
use crate::domain::ticket::{CloseReason, Problem, State};
use crate::http::pages::{machine_time, moment};
use crate::workflow::requester::{Moment, Status};

/// A problem to choose.
pub(in crate::http) struct Choice {
    pub(in crate::http) problem: Problem,
    pub(in crate::http) label: &'static str,
    pub(in crate::http) hint: &'static str,
}

impl Choice {
    /// Whether this one was chosen.
    pub(in crate::http) fn is_in(&self, chosen: &[Problem]) -> bool {
        chosen.contains(&self.problem)
    }
}

/// What people choose from.
pub(in crate::http) const CHOICES: &[Choice] = &[
    Choice {
        problem: Problem::NotSetUpCorrectly,
        label: "My codes are refused",
        hint: "Two-factor authentication is not set up correctly",
    },
    Choice {
        problem: Problem::NewDevice,
        label: "I have a new phone",
        hint: "The app is empty, or its entries did not come along",
    },
    Choice { problem: Problem::LostDevice, label: "I lost my phone", hint: "Or it is broken, or was erased" },
    Choice {
        problem: Problem::StolenDevice,
        label: "My phone was stolen",
        hint: "The old codes stop working as soon as your request is approved",
    },
    Choice { problem: Problem::Other, label: "Something else", hint: "You can tell us in your own words" },
];

/// A problem as it was chosen.
pub(super) fn trouble(problem: Problem) -> &'static str {
    CHOICES.iter().find(|choice| choice.problem == problem).map_or("Something else", |choice| choice.label)
}

/// One of the five steps.
pub(super) struct Step {
    pub(super) label: &'static str,
    pub(super) class: &'static str,
    /// Said to those who do not see the class.
    pub(super) spoken: &'static str,
}

/// The road of a request in five words; none where it has left the road.
pub(super) fn steps(status: &Status) -> Vec<Step> {
    let at = match status.state {
        State::Unconfirmed | State::Open => 0,
        State::InReview | State::AwaitingApproval => 1,
        State::Waiting => 2,
        State::Approved | State::KeySent => 3,
        State::Completed => 4,
        State::Closed | State::Frozen => return Vec::new(),
    };
    let was_asked = status.timeline.iter().any(|moment| moment.kind == "question");
    let key = if status.state == State::Approved { "Approved: key follows" } else { "Approved: key sent" };
    ["Received", "Being checked", "We need something from you", key, "Done"]
        .into_iter()
        .enumerate()
        .map(|(n, label)| {
            let (class, spoken) = match n {
                n if n == at && at == 4 => ("done", "done"),
                n if n == at => ("now", "now"),
                n if n > at => ("ahead", "still to come"),
                2 if !was_asked => ("passed", "was not needed"),
                _ => ("done", "done"),
            };
            Step { label, class, spoken }
        })
        .collect()
}

/// Where a request stands, as a tag: its class and its words.
pub(super) fn tag(status: &Status) -> (&'static str, &'static str) {
    match (status.state, status.reason) {
        (State::Unconfirmed, _) => ("warn", "Waiting for your code"),
        (State::Open, _) => ("busy", "Received"),
        (State::InReview | State::AwaitingApproval, _) => ("busy", "Being checked"),
        (State::Waiting, _) => ("warn", "We need something from you"),
        (State::Approved, _) => ("busy", "Approved"),
        (State::KeySent, _) => ("warn", "Key sent: your turn"),
        (State::Completed, _) => ("good", "Done"),
        (State::Closed, Some(CloseReason::Solved)) => ("good", "Solved"),
        (State::Closed, _) => ("", "Closed"),
        (State::Frozen, _) => ("bad", "Stopped"),
    }
}

/// By when the requester has to act, and what happens otherwise; or when we act.
pub(super) fn end(status: &Status) -> Option<String> {
    let at = moment(status.ends_at?);
    match status.state {
        State::Unconfirmed | State::Waiting => {
            Some(format!("You have until {at}. After that the request is closed by itself."))
        }
        State::KeySent => {
            Some(format!("You have until {at}. After that the key is dead, and we have to make another one."))
        }
        State::Approved => Some(format!(
            "The letter with the key leaves on {at}, unless somebody says “this wasn’t me” first."
        )),
        _ => None,
    }
}

/// A line of the timeline.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) machine: String,
    pub(super) what: &'static str,
    pub(super) text: Option<String>,
    /// Whether the desk wrote it.
    pub(super) is_from_desk: bool,
}

/// The timeline, newest first.
pub(super) fn timeline(moments: &[Moment]) -> Vec<Line> {
    moments
        .iter()
        .rev()
        .map(|one| Line {
            at: moment(one.at),
            machine: machine_time(one.at),
            what: happened(one.kind),
            text: one.text.clone(),
            is_from_desk: matches!(one.kind, "question" | "reply"),
        })
        .collect()
}

fn happened(kind: &str) -> &'static str {
    match kind {
        "opened" => "The request was opened",
        "confirmed" => "The request was confirmed, and is in the queue",
        "returned" => "Opened in another browser, with a new code from the mailbox",
        "claimed" => "One of us took it, and is checking",
        "resumed" => "We went on checking",
        "key_sent" => "Approved: the letter with the new key was sent",
        "key_reissued" => "A letter with another key was sent; the former key is dead",
        "completed" => "The new key went live, and the former one ended",
        "rejected" => "We turned the request down",
        "withdrawn" => "The request was withdrawn",
        "closed" => "The request was closed",
        "expired" => "Time ran out",
        "frozen" => "Somebody said “this wasn’t me”, and everything was stopped",
        "thawed" => "We looked into it, and the request goes on",
        "request" | "answer" => "You wrote",
        "question" => "We asked you",
        "reply" => "We wrote",
        _ => "Something changed",
    }
}

/// How soon somebody looks at it: `within 4 opening hours (Monday to Friday, 09:00 to 17:00 UTC)`.
pub(super) fn usual_time(desk: &DeskSettings) -> String {
    let hours = desk.response_hours;
    let unit = if hours == 1 { "hour" } else { "hours" };
    let days: Vec<String> = desk.days.iter().map(|day| name(*day).to_owned()).collect();
    let days = match days.as_slice() {
        [first, .., last] if is_run(desk) => format!("{first} to {last}"),
        days => days.join(", "),
    };
    let (opens, closes) = (desk.opens.format("%H:%M"), desk.closes.format("%H:%M"));
    format!("within {hours} opening {unit} ({days}, {opens} to {closes} {})", desk.zone)
}

/// Whether the days follow each other.
fn is_run(desk: &DeskSettings) -> bool {
    desk.days.len() > 2
        && desk.days.iter().zip(desk.days.iter().skip(1)).all(|(day, next)| day.succ() == *next)
}

fn name(day: chrono::Weekday) -> &'static str {
    use chrono::Weekday as Day;
    match day {
        Day::Mon => "Monday",
        Day::Tue => "Tuesday",
        Day::Wed => "Wednesday",
        Day::Thu => "Thursday",
        Day::Fri => "Friday",
        Day::Sat => "Saturday",
        Day::Sun => "Sunday",
    }
}
