//! The one counter of failed codes of an account, over all its keys and all its ways in.
//!
//! The rule to keep: only wrong codes count, and nothing but a right code or a completed ticket takes
//! them back. Locked or off means that codes are refused, never that the password alone gets in.

use chrono::TimeDelta;

use super::Time;

/// How many failures in a row lock sign-in by code, and how many more lock it again for twice as long.
pub const FAILURES_A_LOCK: i32 = 10;
/// How many failures in a row switch sign-in by code off (NIST SP 800-63B-4 §3.2.2).
pub const FAILURES_UNTIL_OFF: i32 = 100;
const FIRST_LOCK: TimeDelta = TimeDelta::minutes(1);
const LONGEST_LOCK: TimeDelta = TimeDelta::hours(1);

/// Failures since the last right code. At 10, 20, 30, ... in a row sign-in by code is locked for 1, 2, 4, ...
/// minutes, at most an hour; at 100 it is off until a ticket completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Wrong codes in a row.
    pub failures: i32,
    /// When the present or the former lock ends.
    pub locked_until: Option<Time>,
}

/// Whether codes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockoutState {
    /// They are.
    Open,
    /// They are refused until then.
    Locked {
        /// The first moment at which they are looked at again.
        until: Time,
    },
    /// They are refused until a ticket completes.
    Off,
}

impl Lockout {
    /// Whether a code is looked at now. Ask before checking one: while locked or off nothing is
    /// checked, so that nothing can be learnt and nothing more is counted.
    #[must_use]
    pub fn state(self, now: Time) -> LockoutState {
        match self.locked_until {
            _ if self.is_off() => LockoutState::Off,
            Some(until) if until > now => LockoutState::Locked { until },
            _ => LockoutState::Open,
        }
    }

    /// Whether only a completed ticket helps.
    #[must_use]
    pub const fn is_off(self) -> bool {
        self.failures >= FAILURES_UNTIL_OFF
    }

    /// After one more wrong code.
    #[must_use]
    pub fn after_wrong(self, now: Time) -> Self {
        let failures = self.failures.saturating_add(1).clamp(1, FAILURES_UNTIL_OFF);
        let ends = if failures % FAILURES_A_LOCK == 0 {
            now.checked_add_signed(lock_time(failures / FAILURES_A_LOCK))
        } else {
            None
        };
        // `max`: no lock that still runs is cut short.
        Self { failures, locked_until: self.locked_until.max(ends) }
    }

    /// After one more wrong password for a name. It locks as codes do, but is never off for good: with names alone
    /// anybody could lock anybody out.
    #[must_use]
    pub fn after_wrong_password(self, now: Time) -> Self {
        let next = self.after_wrong(now);
        if next.is_off() { Self { failures: next.failures - FAILURES_A_LOCK, ..next } } else { next }
    }

    /// After a right code. What is off stays off: there only a completed ticket helps.
    #[must_use]
    pub fn after_right(self) -> Self {
        if self.is_off() { self } else { Self::default() }
    }

    /// After a ticket of the account has completed.
    #[must_use]
    pub fn after_ticket_completed(self) -> Self {
        Self::default()
    }
}

/// The n-th lock in a row: a minute, doubled each time, at most an hour.
fn lock_time(nth: i32) -> TimeDelta {
    let doublings = u32::try_from(nth.saturating_sub(1)).unwrap_or(0).min(6);
    (FIRST_LOCK * 2_i32.pow(doublings)).min(LONGEST_LOCK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon() -> Time {
        chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(12, 0, 0).unwrap()
    }

    fn failed(times: i32) -> Lockout {
        (0..times).fold(Lockout::default(), |lockout, _| lockout.after_wrong(noon()))
    }

    #[test]
    fn nine_failures_leave_it_open_and_the_tenth_locks_for_a_minute() {
        assert_eq!(failed(9).state(noon()), LockoutState::Open);
        let until = noon() + TimeDelta::minutes(1);
        assert_eq!(failed(10).state(noon()), LockoutState::Locked { until });
        assert_eq!(failed(10).state(until - TimeDelta::seconds(1)), LockoutState::Locked { until });
        assert_eq!(failed(10).state(until), LockoutState::Open);
    }

    #[test]
    fn each_further_ten_double_the_lock_up_to_an_hour() {
        let minutes: Vec<i64> =
            (1..10).map(|tens| (failed(tens * 10).locked_until.unwrap() - noon()).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_hundred_switch_it_off_for_good() {
        let much_later = noon() + TimeDelta::days(1000);
        assert_eq!(failed(99).state(much_later), LockoutState::Open);
        assert_eq!(failed(100).state(much_later), LockoutState::Off);
        assert_eq!(failed(250).failures, 100);
        assert_eq!(failed(100).after_right().state(much_later), LockoutState::Off);
        assert_eq!(failed(100).after_ticket_completed().state(noon()), LockoutState::Open);
    }

    #[test]
    fn wrong_passwords_lock_as_long_and_never_for_good() {
        let many = (0..1000).fold(Lockout::default(), |lockout, _| lockout.after_wrong_password(noon()));
        let until = noon() + TimeDelta::hours(1);
        assert_eq!(many.state(noon()), LockoutState::Locked { until });
        assert_eq!(many.state(until), LockoutState::Open);
    }

    #[test]
    fn after_a_hundred_wrong_passwords_ten_more_still_lock_for_an_hour() {
        let hundred = (0..100).fold(Lockout::default(), |lockout, _| lockout.after_wrong_password(noon()));
        let later = noon() + TimeDelta::hours(2);
        let more = (0..10).fold(hundred, |lockout, _| lockout.after_wrong_password(later));
        assert_eq!(more.state(later), LockoutState::Locked { until: later + TimeDelta::hours(1) });
    }

    #[test]
    fn a_right_code_begins_anew() {
        assert_eq!(failed(99).after_right(), Lockout::default());
        assert_eq!(failed(10).after_right().after_wrong(noon()).failures, 1);
    }

    #[test]
    fn a_clock_that_steps_back_shortens_no_lock() {
        let locked = failed(10);
        assert_eq!(
            locked.state(noon() - TimeDelta::hours(1)),
            LockoutState::Locked { until: noon() + TimeDelta::minutes(1) }
        );
        assert_eq!(locked.after_wrong(noon() - TimeDelta::hours(1)).locked_until, locked.locked_until);
    }

    proptest! {
        #[test]
        fn failures_never_unlock(failures in any::<i32>(), ahead in proptest::option::of(-9000_i64..9000)) {
            let lockout = Lockout { failures, locked_until: ahead.map(|s| noon() + TimeDelta::seconds(s)) };
            let next = lockout.after_wrong(noon());
            prop_assert!(next.failures >= 1 && next.failures <= 100);
            prop_assert!(next.locked_until >= lockout.locked_until);
            prop_assert!(!lockout.is_off() || next.is_off());
        }
    }
}
