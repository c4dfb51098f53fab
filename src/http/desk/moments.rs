//! What happened on a ticket, in sentences: its timeline, and what changed since somebody looked.

use super::times::When;
use super::words::{self, Say};
use crate::domain::Time;
use crate::domain::diagnosis::Finding;
use crate::domain::event::Action;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::ticket::{CloseReason, MessageKind, Problem};
use crate::workflow::desk::{Moment, Source};

/// One entry of the timeline.
pub(super) struct Shown {
    /// When.
    pub(super) when: When,
    /// How it is set: `from-them`, `from-desk`, `internal`, or nothing for an event.
    pub(super) class: &'static str,
    /// What happened, in a sentence without a full stop.
    pub(super) headline: String,
    /// What was written.
    pub(super) text: Option<String>,
}

/// The timeline, newest last. An event that only says that a message was written is left to the message.
pub(super) fn shown(moments: &[Moment], now: Time) -> Vec<Shown> {
    moments.iter().filter(|moment| !speaks_for_itself(moment)).map(|moment| show(moment, now)).collect()
}

/// What happened after a version of the ticket, in sentences.
pub(super) fn since(moments: &[Moment], version: i32) -> Vec<String> {
    let later = moments.iter().filter(|moment| moment.version.is_some_and(|after| after > version));
    later.map(event).collect()
}

fn speaks_for_itself(moment: &Moment) -> bool {
    let with_message = [Action::Asked, Action::Answered, Action::Replied, Action::Noted];
    moment.source == Source::Event
        && Action::parse(&moment.what).is_some_and(|what| with_message.contains(&what))
}

fn show(moment: &Moment, now: Time) -> Shown {
    let when = When::of(moment.at, now);
    match moment.source {
        Source::Event => {
            let mut words = ["note", "reason"].iter().filter_map(|name| detail(moment, name));
            // A word of the closed list is in the headline already.
            let text = words.find(|text| CloseReason::parse(text).is_none());
            Shown { when, class: "", headline: event(moment), text: text.map(str::to_owned) }
        }
        Source::Message => message(moment, when),
        Source::Letter => {
            let state = words::letter_state(detail(moment, "state").unwrap_or_default()).label;
            let to = detail(moment, "to").unwrap_or_default();
            let headline =
                format!("Letter to {to}: {} ({})", words::purpose(&moment.what), state.to_lowercase());
            Shown { when, class: "", headline, text: None }
        }
    }
}

fn message(moment: &Moment, when: When) -> Shown {
    let who = &moment.by;
    let (class, headline) = match MessageKind::parse(&moment.what) {
        Some(MessageKind::Request) => ("from-them", "The requester wrote with the request".to_owned()),
        Some(MessageKind::Answer) | None => ("from-them", "The requester wrote".to_owned()),
        Some(MessageKind::Question) => ("from-desk", format!("{who} asked the requester")),
        Some(MessageKind::Reply) => ("from-desk", format!("{who} wrote to the requester")),
        Some(MessageKind::Note) => ("internal", format!("{who} noted, for the staff only")),
    };
    Shown { when, class, headline, text: moment.text.clone() }
}

fn detail<'a>(moment: &'a Moment, name: &str) -> Option<&'a str> {
    moment.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What an event says.
fn event(moment: &Moment) -> String {
    let who = match &*moment.by {
        "requester" => "The requester",
        "machine" => "Rekey",
        "host" => "The application",
        "owner" => "The account's owner",
        "console" => "Somebody at the command line",
        name => name,
    };
    let Some(action) = Action::parse(&moment.what) else { return moment.what.clone() };
    match action {
        Action::Opened => format!("{who} opened the request: {}", problem(moment)),
        Action::Confirmed => format!("{who} confirmed it: {}", method(moment)),
        Action::Returned => format!("{who} came back with a new code; the former session ended"),
        Action::SecondRequest => "Another request for this account was confirmed".to_owned(),
        Action::RequestKept => format!("{who} recorded which request is the person's own"),
        Action::Claimed => format!("{who} took the ticket"),
        Action::TakenOver => format!("{who} took the ticket over"),
        Action::Released => format!("{who} gave the ticket back to the queue"),
        Action::Asked => format!("{who} asked the requester for something"),
        Action::Answered => format!("{who} answered"),
        Action::Resumed => format!("{who} went on without an answer"),
        Action::Replied => format!("{who} wrote to the requester"),
        Action::Noted => format!("{who} wrote an internal note"),
        Action::EvidenceRecorded => evidence(who, moment),
        Action::VouchAsked => format!("{who} asked the manager on file"),
        Action::PinMade => format!("{who} made a PIN"),
        Action::Flagged => format!("{who} noted urgency or coercion"),
        Action::Diagnosed => format!("{who} tried two codes: {}", finding(&moment.details)),
        Action::StaffShutOut => "Somebody who had a part in it was disabled, reset or demoted".to_owned(),
        Action::Approved => format!("{who} approved"),
        Action::ApprovalVoided => "Approvals were voided".to_owned(),
        Action::KeySent => "The new key was made and its letter queued".to_owned(),
        Action::KeyReissued => format!("{who} had another key made; the former is dead"),
        Action::KeyBounced => "The letter with the key came back; the key is dead".to_owned(),
        Action::Completed => format!("{who} proved the new key"),
        Action::Rejected => format!("{who} turned the request down"),
        Action::Withdrawn => format!("{who} withdrew the request"),
        Action::Closed => {
            format!("{who} closed the ticket: {}", detail(moment, "reason").unwrap_or_default())
        }
        Action::Expired => "The time ran out".to_owned(),
        Action::Frozen => format!("{who} froze the ticket"),
        Action::Thawed => format!("{who} thawed the ticket"),
        Action::AccountChanged => {
            format!("The account changed: {}", detail(moment, "what").unwrap_or_default().replace('_', " "))
        }
        other => format!("{who}: {}", other.as_str().replace('_', " ")),
    }
}

fn problem(moment: &Moment) -> String {
    let problem = detail(moment, "problem").and_then(Problem::parse);
    problem.map_or_else(String::new, |problem| problem.say().to_lowercase())
}

fn method(moment: &Moment) -> String {
    let method = detail(moment, "method").and_then(Method::parse);
    method.map_or_else(String::new, |method| method.say().to_lowercase())
}

fn evidence(who: &str, moment: &Moment) -> String {
    let outcome = detail(moment, "outcome").and_then(Outcome::parse);
    let what = if outcome == Some(Outcome::Failed) { "not recognised" } else { "recognised" };
    format!("{who}: {}, {what}", method(moment))
}

/// What trying codes has found, for the staff.
pub(super) fn finding(details: &[(String, String)]) -> String {
    let of = |name: &str| details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match of("finding").unwrap_or_default() {
        "works" => "the codes are right, and sign-in takes the next one; the ticket can be closed".to_owned(),
        "clock_off" => match of("offset_seconds") {
            Some(offset) => {
                let is_zone = |offset_seconds| Finding::ClockOff { offset_seconds }.is_zone();
                let is_zone = offset.parse().is_ok_and(is_zone);
                let zone = if is_zone { "; probably its time zone is wrong" } else { "" };
                format!("the key is right, but the phone's clock is off by {offset} s{zone}")
            }
            None => "the key is right, but the phone's clock is off".to_owned(),
        },
        "old_entry" => "the app still uses a former key".to_owned(),
        "wrong_settings" => "the key is right, but the app is set to another algorithm or length".to_owned(),
        _ => "no key of the account shows these codes, by a clock that is right, up to ten minutes off, or in another time zone".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn event_of(action: Action, by: &str, details: &[(&str, &str)], version: i32) -> Moment {
        Moment {
            at: NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 0).unwrap(),
            source: Source::Event,
            what: action.as_str().to_owned(),
            by: by.to_owned(),
            text: None,
            details: details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            version: Some(version),
        }
    }

    #[test]
    fn what_changed_since_a_version_is_told_with_who() {
        let moments = [
            event_of(Action::Claimed, "Agnes", &[], 3),
            event_of(Action::Noted, "Bert", &[], 4),
            event_of(Action::EvidenceRecorded, "Agnes", &[("method", "callback"), ("outcome", "failed")], 5),
        ];
        assert_eq!(
            since(&moments, 3),
            ["Bert wrote an internal note", "Agnes: call to the number on file, not recognised"]
        );
        assert!(since(&moments, 5).is_empty());
    }

    #[test]
    fn every_action_reads_as_a_sentence() {
        for action in Action::ALL {
            let sentence = event(&event_of(*action, "Agnes", &[], 1));
            assert!(!sentence.is_empty() && !sentence.contains('_'), "{sentence}");
        }
    }
}
