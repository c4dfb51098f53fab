//! The only place that reads the clock. Everything else is given the time, so that a test, or
//! a replay, decides what hour it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::domain::Time;

/// Tells the time: the system's, the system's shifted, or one that was set.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Seconds from the system's time, shared by all clones.
    Shifted(Arc<AtomicI64>),
    /// Unix seconds, shared by all clones.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The system's clock with a shift, at first none: it runs on by itself, and can be set and advanced. For the demo.
    #[must_use]
    pub fn shifted() -> Self {
        Self(Source::Shifted(Arc::default()))
    }

    /// A clock that stands at `time` until it is set or advanced; its clones follow.
    #[must_use]
    pub fn set_to(time: Time) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(time.and_utc().timestamp()))))
    }

    /// The time in UTC, in whole seconds.
    #[must_use]
    pub fn now(&self) -> Time {
        let seconds = match &self.0 {
            Source::System => system_seconds(),
            Source::Shifted(shift) => system_seconds().saturating_add(shift.load(Ordering::SeqCst)),
            Source::Set(seconds) => seconds.load(Ordering::SeqCst),
        };
        chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc()
    }

    /// How far the clock is from the system's, in seconds; ahead is positive.
    #[must_use]
    pub fn shift(&self) -> i64 {
        match &self.0 {
            Source::System => 0,
            Source::Shifted(shift) => shift.load(Ordering::SeqCst),
            Source::Set(seconds) => seconds.load(Ordering::SeqCst) - system_seconds(),
        }
    }

    /// Moves a set or shifted clock to `time`, which may be earlier. The system's clock is not ours to move.
    pub fn set(&self, time: Time) {
        let seconds = time.and_utc().timestamp();
        match &self.0 {
            Source::System => {}
            Source::Shifted(shift) => shift.store(seconds - system_seconds(), Ordering::SeqCst),
            Source::Set(set) => set.store(seconds, Ordering::SeqCst),
        }
    }

    /// Moves a set or shifted clock forward by whole seconds. The system's clock is not ours to move.
    pub fn advance(&self, by: Duration) {
        if let Source::Shifted(seconds) | Source::Set(seconds) = &self.0 {
            seconds.fetch_add(i64::try_from(by.as_secs()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn system_seconds() -> i64 {
    chrono::Utc::now().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Time {
        chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 0).unwrap()
    }

    #[test]
    fn a_set_clock_moves_only_when_told_and_with_all_its_clones() {
        let clock = Clock::set_to(noon());
        let other = clock.clone();
        assert_eq!(other.now(), noon());
        clock.advance(Duration::from_millis(90_900));
        assert_eq!(other.now(), noon() + chrono::TimeDelta::seconds(90));
        other.set(noon() - chrono::TimeDelta::hours(1));
        assert_eq!(clock.now(), noon() - chrono::TimeDelta::hours(1));
    }

    #[test]
    fn a_shifted_clock_runs_on_from_where_it_was_moved() {
        let clock = Clock::shifted();
        assert!(clock.now() - Clock::system().now() < chrono::TimeDelta::seconds(60));
        clock.advance(Duration::from_hours(24));
        let other = clock.clone();
        assert_eq!((other.shift(), Clock::system().shift()), (86_400, 0));
        assert!(other.now() - Clock::system().now() > chrono::TimeDelta::hours(23));
        clock.set(noon());
        assert!(other.now() >= noon() && other.now() - noon() < chrono::TimeDelta::seconds(60));
    }

    #[test]
    fn the_system_clock_tells_whole_seconds_and_cannot_be_moved() {
        let clock = Clock::system();
        let before = clock.now();
        clock.set(noon() - chrono::TimeDelta::weeks(5200));
        clock.advance(Duration::from_secs(1_000_000));
        let after = clock.now();
        assert!(before <= after && after - before < chrono::TimeDelta::seconds(60));
        assert_eq!(after.and_utc().timestamp_subsec_nanos(), 0);
    }
}
