//! The service level: by when a ticket should be answered, counted in the desk's business hours.

use chrono::{Datelike, Days, Duration, NaiveDate, NaiveTime, Weekday};

use super::Time;
use super::zone::Zone;

/// When the desk is staffed, and how much of that time it takes to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLevel {
    /// The days on which it is open; none means around the clock.
    pub days: Vec<Weekday>,
    /// The zone of its clock.
    pub zone: Zone,
    /// Opens at.
    pub opens: NaiveTime,
    /// Closes at, later the same day.
    pub closes: NaiveTime,
    /// Business time until a ticket should be answered.
    pub target: Duration,
}

/// Further ahead than any deadline is looked for.
const HORIZON_DAYS: u64 = 400;

impl ServiceLevel {
    /// The deadline of a ticket that comes in at that time.
    #[must_use]
    pub fn due(&self, from: Time) -> Time {
        self.after(from, self.target)
    }

    /// The moment at which so much business time has passed.
    #[must_use]
    pub fn after(&self, from: Time, work: Duration) -> Time {
        if self.is_around_the_clock() {
            return from + work;
        }
        let mut left = work;
        for (opens, closes) in self.windows(from) {
            let start = opens.max(from);
            if closes - start >= left {
                return start + left;
            }
            left -= (closes - start).max(Duration::zero());
        }
        from + work
    }

    /// The business time between two moments; zero if the second is not later.
    #[must_use]
    pub fn between(&self, from: Time, until: Time) -> Duration {
        if self.is_around_the_clock() {
            return (until - from).max(Duration::zero());
        }
        self.windows(from)
            .take_while(|(opens, _)| *opens < until)
            .map(|(opens, closes)| (closes.min(until) - opens.max(from)).max(Duration::zero()))
            .sum()
    }

    fn is_around_the_clock(&self) -> bool {
        self.days.is_empty() || self.opens >= self.closes
    }

    fn windows(&self, from: Time) -> impl Iterator<Item = (Time, Time)> {
        let today = self.zone.wall(from).date();
        let moment = |date: NaiveDate, time| self.zone.moment(date.and_time(time));
        (0..HORIZON_DAYS)
            .filter_map(move |day| today.checked_add_days(Days::new(day)))
            .filter(|date| self.days.contains(&date.weekday()))
            .map(move |date| (moment(date, self.opens), moment(date, self.closes)))
            .filter(move |(_, closes)| *closes > from)
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;
    use chrono_tz::Tz;

    use super::*;

    fn time(text: &str) -> Time {
        Time::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn office() -> ServiceLevel {
        ServiceLevel {
            days: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
            zone: Zone::UTC,
            opens: NaiveTime::from_hms_opt(9, 0, 0).unwrap(),
            closes: NaiveTime::from_hms_opt(17, 0, 0).unwrap(),
            target: Duration::hours(4),
        }
    }

    #[test]
    fn a_ticket_of_friday_afternoon_is_due_on_monday() {
        assert_eq!(office().due(time("2026-11-20 15:00")), time("2026-11-23 11:00"));
    }

    #[test]
    fn a_ticket_of_the_night_is_counted_from_the_morning() {
        assert_eq!(office().due(time("2026-11-24 03:00")), time("2026-11-24 13:00"));
    }

    #[test]
    fn time_between_and_time_after_are_each_others_inverse() {
        let level = office();
        for minutes in (0..6000).step_by(37) {
            let from = time("2026-11-19 08:11");
            let work = Duration::minutes(minutes);
            assert_eq!(level.between(from, level.after(from, work)), work);
        }
    }

    #[test]
    fn the_desk_s_own_clock_counts() {
        let level = ServiceLevel { zone: Zone::Fixed(FixedOffset::east_opt(-5 * 3600).unwrap()), ..office() };
        assert_eq!(level.due(time("2026-11-24 03:00")), time("2026-11-24 18:00"));
    }

    #[test]
    fn business_hours_follow_daylight_saving() {
        let berlin = ServiceLevel { zone: Zone::Named(Tz::Europe__Berlin), ..office() };
        assert_eq!(berlin.due(time("2027-01-13 08:30")), time("2027-01-13 12:30"));
        assert_eq!(berlin.due(time("2027-07-01 07:30")), time("2027-07-01 11:30"));
        // The clocks are put forward on Sunday between.
        assert_eq!(berlin.due(time("2027-03-26 14:00")), time("2027-03-29 09:00"));
        assert_eq!(berlin.between(time("2027-03-26 14:00"), time("2027-03-29 09:00")), Duration::hours(4));
    }

    #[test]
    fn without_days_the_clock_never_stops() {
        let level = ServiceLevel { days: Vec::new(), ..office() };
        assert_eq!(level.due(time("2026-11-21 23:00")), time("2026-11-22 03:00"));
    }

    #[test]
    fn without_days_all_time_between_counts() {
        let level = ServiceLevel { days: Vec::new(), ..office() };
        assert_eq!(level.between(time("2026-11-21 23:00"), time("2026-11-22 03:00")), Duration::hours(4));
    }

    #[test]
    fn the_day_is_the_one_on_the_desk_s_clock() {
        let level = ServiceLevel { zone: Zone::Fixed(FixedOffset::east_opt(-5 * 3600).unwrap()), ..office() };
        assert_eq!(level.due(time("2026-11-24 20:00")), time("2026-11-25 16:00"));
    }

    #[test]
    fn at_closing_time_the_next_moment_is_the_next_opening() {
        assert_eq!(office().after(time("2026-11-24 17:00"), Duration::zero()), time("2026-11-25 09:00"));
    }

    #[test]
    fn more_work_than_the_desk_has_hours_is_counted_around_the_clock() {
        let seldom = ServiceLevel { days: vec![Weekday::Mon], ..office() };
        let (from, work) = (time("2026-11-24 03:00"), Duration::hours(1000));
        assert_eq!(seldom.after(from, work), from + work);
    }
}
