//! How the desk does, for those who lead it: requests, how long a decision takes, how tickets end, freezes.
//!
//! The rule: sums alone. No account, ticket or member of the staff can be told from them, and the number of queries is
//! the same whatever happened.

use chrono::{Days, NaiveDate, TimeDelta};

use crate::db::overview::{self, Ended, Opened, Times};
use crate::domain::Time;
use crate::domain::actor::Rank;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{CloseReason, State};
use crate::domain::zone::Zone;
use crate::error::Error;
use crate::workflow::Context;
use crate::workflow::session::StaffSession;

/// The most decisions that times are taken from: the newest.
const MOST_DECISIONS: i64 = 20_000;

/// How far back one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Seven days, by the day.
    Week,
    /// Four weeks, by the day.
    #[default]
    Month,
    /// Thirteen weeks, by the week.
    Quarter,
}

impl Reach {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// How many days.
    #[must_use]
    pub const fn days(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 28,
            Self::Quarter => 91,
        }
    }

    /// How many days make one step of a chart.
    #[must_use]
    pub const fn step(self) -> u16 {
        match self {
            Self::Week | Self::Month => 1,
            Self::Quarter => 7,
        }
    }
}

/// How a confirmed ticket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a new key that the person proved.
    NewKey,
    /// The fault was found; the key stayed.
    Solved,
    /// The staff turned it down.
    Rejected,
    /// Somebody said "this wasn't me".
    NotMe,
    /// The requester withdrew, or let it expire.
    Left,
    /// A duplicate, or no request at all.
    NoRequest,
}

impl Outcome {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] =
        [Self::NewKey, Self::Solved, Self::Rejected, Self::NotMe, Self::Left, Self::NoRequest];

    const fn of(state: State, reason: Option<CloseReason>) -> Self {
        match (state, reason) {
            (_, Some(CloseReason::Solved)) => Self::Solved,
            (_, Some(CloseReason::Rejected)) => Self::Rejected,
            (_, Some(CloseReason::NotMe)) => Self::NotMe,
            (_, Some(CloseReason::Withdrawn | CloseReason::Expired)) => Self::Left,
            (_, Some(CloseReason::Duplicate | CloseReason::Spam)) => Self::NoRequest,
            (_, None) => Self::NewKey,
        }
    }
}

/// What happened in some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests that came and were confirmed.
    pub confirmed: i64,
    /// Requests that came and were not, or not yet.
    pub unconfirmed: i64,
    /// Tickets and accounts that were frozen.
    pub frozen: i64,
    /// From confirmed to decided, in seconds, ascending.
    waits: Vec<i64>,
    outcomes: [i64; Outcome::ALL.len()],
}

impl Sums {
    /// How many confirmed tickets ended so.
    #[must_use]
    pub fn ended_as(&self, outcome: Outcome) -> i64 {
        Outcome::ALL.iter().zip(self.outcomes).find(|(one, _)| **one == outcome).map_or(0, |(_, count)| count)
    }

    /// How many confirmed tickets ended.
    #[must_use]
    pub fn ended(&self) -> i64 {
        self.outcomes.iter().sum()
    }

    /// How many in a hundred ended so; nothing where none ended.
    #[must_use]
    pub fn share(&self, outcome: Outcome) -> Option<i64> {
        let ended = self.ended();
        (ended > 0).then(|| (200 * self.ended_as(outcome) + ended) / (2 * ended))
    }

    /// The time within which so many of a hundred decisions fell (nearest rank), in seconds.
    #[must_use]
    pub fn wait(&self, percent: usize) -> Option<i64> {
        let rank = (self.waits.len() * percent).div_ceil(100);
        self.waits.get(rank.saturating_sub(1)).copied()
    }

    /// How many tickets were decided.
    #[must_use]
    pub fn decided(&self) -> usize {
        self.waits.len()
    }

    fn end(&mut self, ended: &Ended) {
        let outcome = Outcome::of(ended.state, ended.reason);
        for (one, count) in Outcome::ALL.iter().zip(&mut self.outcomes) {
            if *one == outcome {
                *count += ended.count;
            }
        }
    }
}

/// One step of the charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its first day, in the desk's zone.
    pub first: NaiveDate,
    /// Its last day.
    pub last: NaiveDate,
    /// What happened.
    pub sums: Sums,
}

/// How the desk did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The steps, oldest first; the last one ends today.
    pub steps: Vec<Step>,
    /// All of them together.
    pub now: Sums,
    /// As many days before them.
    pub before: Sums,
    /// Whether there were more decisions than times were taken from.
    pub is_cut: bool,
}

/// How the desk did.
///
/// # Errors
/// `RoleTooLow` for all but approvers, admins and auditors.
pub async fn overview(ctx: &Context, who: &StaffSession, reach: Reach) -> Result<Overview, Error> {
    if who.actor.rank < Rank::Approver && !who.roles.may_read_audit() {
        return Err(Rejection::RoleTooLow.into());
    }
    let zone = ctx.config.desk.zone;
    let calendar = Calendar { zone, today: day(zone, ctx.now()), reach };
    let since = calendar.since();
    let (opened, ended, decided, frozen) = ctx
        .db
        .read(move |conn| {
            Ok::<_, Error>((
                overview::opened(conn, since)?,
                overview::ended(conn, since)?,
                overview::decided(conn, since, MOST_DECISIONS)?,
                overview::frozen(conn, since)?,
            ))
        })
        .await?;
    Ok(calendar.sum(&opened, &ended, &decided, &frozen))
}

fn day(zone: Zone, at: Time) -> NaiveDate {
    zone.wall(at).date()
}

struct Calendar {
    zone: Zone,
    today: NaiveDate,
    reach: Reach,
}

impl Calendar {
    fn before(&self, days: u16) -> NaiveDate {
        self.today.checked_sub_days(Days::new(days.into())).unwrap_or(self.today)
    }

    fn first(&self) -> NaiveDate {
        self.before(self.reach.days() - 1)
    }

    /// Where the days before begin.
    fn since(&self) -> Time {
        let first = self.before(2 * self.reach.days() - 1);
        self.zone.moment(first.and_time(chrono::NaiveTime::MIN))
    }

    fn empty(&self) -> Overview {
        let length = TimeDelta::days(i64::from(self.reach.step()));
        let step = |first: NaiveDate| Step {
            first,
            last: first + length - TimeDelta::days(1),
            sums: Sums::default(),
        };
        let first = |number: i32| self.first() + length * number;
        let count = i32::from(self.reach.days() / self.reach.step());
        Overview {
            steps: (0..count).map(first).map(step).collect(),
            now: Sums::default(),
            before: Sums::default(),
            is_cut: false,
        }
    }

    fn sum(&self, opened: &[Opened], ended: &[Ended], decided: &[Times], frozen: &[(Time, i64)]) -> Overview {
        let mut sums = self.empty();
        for one in opened {
            self.add(&mut sums, one.hour, |sums| {
                sums.confirmed += one.confirmed;
                sums.unconfirmed += one.all - one.confirmed;
            });
        }
        for one in ended {
            self.add(&mut sums, one.hour, |sums| sums.end(one));
        }
        for (hour, count) in frozen {
            self.add(&mut sums, *hour, |sums| sums.frozen += count);
        }
        for one in decided {
            let wait = one.approved_at.unwrap_or(one.ended_at) - one.confirmed_at;
            self.add(&mut sums, one.ended_at, |sums| sums.waits.push(wait.num_seconds()));
        }
        sums.now.waits.sort_unstable();
        sums.before.waits.sort_unstable();
        sums.steps.iter_mut().for_each(|step| step.sums.waits.sort_unstable());
        sums.is_cut = i64::try_from(decided.len()).is_ok_and(|count| count >= MOST_DECISIONS);
        sums
    }

    /// Counts something that happened at a time: in its step and in all of them, or in the days before.
    fn add(&self, to: &mut Overview, at: Time, count: impl Fn(&mut Sums)) {
        let day = day(self.zone, at);
        let Ok(after) = u64::try_from((day - self.first()).num_days()) else { return count(&mut to.before) };
        count(&mut to.now);
        let step = usize::try_from(after / u64::from(self.reach.step())).unwrap_or(usize::MAX);
        if let Some(step) = to.steps.get_mut(step) {
            count(&mut step.sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, FixedOffset, NaiveDate};

    use super::*;

    fn at(day: u32, hour: u32) -> Time {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(hour, 0, 0).unwrap()
    }

    fn calendar(east: i32) -> Calendar {
        let zone = Zone::Fixed(FixedOffset::east_opt(east * 3600).unwrap());
        Calendar { zone, today: at(20, 0).date(), reach: Reach::Week }
    }

    #[test]
    fn days_are_those_of_the_desk() {
        let evening = Opened { hour: at(19, 23), all: 3, confirmed: 2 };
        for (east, step) in [(0, 5), (1, 6), (-1, 5)] {
            let seen = calendar(east).sum(&[evening], &[], &[], &[(at(19, 23), 4)]);
            let days: Vec<_> = seen.steps.iter().map(|one| one.sums.confirmed).collect();
            assert_eq!(days.iter().position(|count| *count == 2), Some(step), "{days:?}");
            assert_eq!((seen.now.confirmed, seen.now.unconfirmed, seen.now.frozen), (2, 1, 4));
            assert_eq!(seen.before, Sums::default());
        }
        assert_eq!(calendar(0).since(), at(7, 0));
        assert_eq!(calendar(2).since(), at(6, 22));
    }

    #[test]
    fn what_was_before_is_told_apart() {
        let ended = |day, reason, count| Ended { hour: at(day, 12), state: State::Closed, reason, count };
        let all = [ended(13, Some(CloseReason::Solved), 5), ended(14, Some(CloseReason::Rejected), 2)];
        let seen = calendar(0).sum(&[], &all, &[], &[]);
        assert_eq!((seen.before.ended(), seen.before.share(Outcome::Solved)), (5, Some(100)));
        assert_eq!((seen.now.ended(), seen.now.ended_as(Outcome::Rejected)), (2, 2));
        assert_eq!(
            seen.steps.iter().map(|step| step.sums.ended()).collect::<Vec<_>>(),
            [2, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(Sums::default().share(Outcome::Solved), None);
    }

    #[test]
    fn waits_are_by_nearest_rank_and_end_with_the_approval() {
        let decided = |hours: i64| Times {
            confirmed_at: at(18, 0),
            approved_at: (hours < 5).then(|| at(18, 0) + Duration::hours(hours)),
            ended_at: at(18, 9),
        };
        let seen = calendar(0).sum(&[], &[], &[decided(3), decided(1), decided(2), decided(9)], &[]);
        assert_eq!(seen.now.decided(), 4);
        assert_eq!((seen.now.wait(50), seen.now.wait(90)), (Some(2 * 3600), Some(9 * 3600)));
        assert_eq!(seen.before.wait(50), None);
        assert!(!seen.is_cut);
    }

    #[test]
    fn a_quarter_goes_by_weeks() {
        let calendar = Calendar { reach: Reach::Quarter, ..calendar(0) };
        let empty = calendar.empty();
        assert_eq!(empty.steps.len(), 13);
        assert_eq!(empty.steps.last().map(|step| step.last), Some(calendar.today));
    }
}
