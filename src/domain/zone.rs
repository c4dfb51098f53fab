//! The zone of the desk's clock: one of the IANA time zone database, or a fixed offset.
//!
//! The rule to keep: the offset is asked for each moment, never once for all, or half the year is an hour off.

use std::fmt;

use chrono::{FixedOffset, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::Time;

/// A zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `Europe/Berlin`, with its daylight saving.
    Named(Tz),
    /// The same offset from UTC all year.
    Fixed(FixedOffset),
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self::Named(Tz::UTC);

    /// What the clock on the wall shows at a moment.
    #[must_use]
    pub fn wall(self, at: Time) -> Time {
        at + self.offset(at)
    }

    /// The moment at which the clock on the wall shows this; the first of two. A time that the clock skips is taken as
    /// if it had not been put forward.
    #[must_use]
    pub fn moment(self, wall: Time) -> Time {
        let shown = match self {
            Self::Named(zone) => zone.from_local_datetime(&wall).map(|moment| moment.naive_utc()),
            Self::Fixed(zone) => zone.from_local_datetime(&wall).map(|moment| moment.naive_utc()),
        };
        match shown {
            MappedLocalTime::Single(moment) | MappedLocalTime::Ambiguous(moment, _) => moment,
            MappedLocalTime::None => wall - self.offset(wall - chrono::Duration::days(1)),
        }
    }

    /// Whether its clock is never put forward or back although those of most places are.
    #[must_use]
    pub fn is_fixed(self) -> bool {
        matches!(self, Self::Fixed(offset) if offset.local_minus_utc() != 0)
    }

    fn offset(self, at: Time) -> FixedOffset {
        match self {
            Self::Named(zone) => zone.offset_from_utc_datetime(&at).fix(),
            Self::Fixed(offset) => offset,
        }
    }
}

/// `UTC`, `UTC+01:00`, `Europe/Berlin`.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) if offset.local_minus_utc() == 0 => f.write_str("UTC"),
            Self::Fixed(offset) => write!(f, "UTC{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn the_offset_is_the_one_of_the_day() {
        let berlin = Zone::Named(Tz::Europe__Berlin);
        assert_eq!(berlin.wall(time("2027-01-13 08:30")), time("2027-01-13 09:30"));
        assert_eq!(berlin.wall(time("2027-07-01 07:30")), time("2027-07-01 09:30"));
        assert_eq!(berlin.moment(time("2027-07-01 09:30")), time("2027-07-01 07:30"));
    }

    #[test]
    fn what_the_clock_shows_twice_or_skips_has_a_moment() {
        let berlin = Zone::Named(Tz::Europe__Berlin);
        assert_eq!(berlin.moment(time("2027-10-31 02:30")), time("2027-10-31 00:30"), "shown twice");
        assert_eq!(berlin.moment(time("2027-03-28 02:30")), time("2027-03-28 01:30"), "skipped");
    }

    #[test]
    fn an_offset_is_the_same_all_year() {
        let east = Zone::Fixed(FixedOffset::east_opt(3600).unwrap());
        assert_eq!(east.wall(time("2027-07-01 07:30")), time("2027-07-01 08:30"));
        assert_eq!(east.moment(time("2027-07-01 08:30")), time("2027-07-01 07:30"));
        assert!(east.is_fixed() && !Zone::UTC.is_fixed() && !Zone::Named(Tz::Asia__Tokyo).is_fixed());
        assert_eq!(
            format!("{east} {} {}", Zone::UTC, Zone::Named(Tz::Asia__Tokyo)),
            "UTC+01:00 UTC Asia/Tokyo"
        );
    }
}
