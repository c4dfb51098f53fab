//! Moments as the desk reads them: how far away, and when exactly.

use crate::domain::Time;
use crate::http::pages::machine_time;

/// A moment, seen from now.
pub(super) struct When {
    /// `in 2 h 10 min`, `3 days ago`.
    pub(super) relative: String,
    /// `24 Nov, 14:05 UTC`.
    pub(super) short: String,
    /// For `<time datetime>`.
    pub(super) machine: String,
    /// Whether it has passed.
    pub(super) is_past: bool,
}

impl When {
    pub(super) fn of(at: Time, now: Time) -> Self {
        let seconds = (at - now).num_seconds();
        let away = span(seconds.abs());
        let relative = match (away, seconds) {
            (None, _) => "just now".to_owned(),
            (Some(away), 0..) => format!("in {away}"),
            (Some(away), _) => format!("{away} ago"),
        };
        Self { relative, short: at.short(), machine: at.machine(), is_past: seconds < 0 }
    }
}

/// A moment for people and for machines.
pub(super) trait Told {
    /// `24 Nov, 14:05 UTC`.
    fn short(&self) -> String;
    /// For `<time datetime>`.
    fn machine(&self) -> String;
}

impl Told for Time {
    fn short(&self) -> String {
        self.format("%-d %b, %H:%M UTC").to_string()
    }

    fn machine(&self) -> String {
        machine_time(*self)
    }
}

/// `10 min`, `2 h 10 min`, `3 days`; nothing for less than a minute.
pub(super) fn span(seconds: i64) -> Option<String> {
    let minutes = seconds / 60;
    Some(match minutes {
        ..=0 => return None,
        1..=59 => format!("{minutes} min"),
        60..=2879 if minutes % 60 == 0 || minutes >= 600 => format!("{} h", minutes / 60),
        60..=2879 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1440),
    })
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, NaiveDate};

    use super::When;

    #[test]
    fn a_moment_is_told_from_now() {
        let now = NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 0).unwrap();
        for (minutes, words) in [
            (0, "just now"),
            (1, "in 1 min"),
            (130, "in 2 h 10 min"),
            (120, "in 2 h"),
            (-59, "59 min ago"),
            (-1500, "25 h ago"),
            (4320, "in 3 days"),
        ] {
            assert_eq!(When::of(now + Duration::minutes(minutes), now).relative, words);
        }
        let when = When::of(now, now);
        assert_eq!((&*when.short, &*when.machine), ("2 Nov, 12:00 UTC", "2026-11-02T12:00:00Z"));
    }
}
