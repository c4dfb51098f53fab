//! Finding the fault: two codes as an app shows them, tried against the keys of an account.
//!
//! The rule to keep: a finding needs both codes, at adjacent steps of one key with one setting. It
//! activates nothing and is no evidence; where sign-in would take one of the codes, that step is burnt.

use zeroize::Zeroizing;

use super::Time;
use super::authenticator::{Algorithm, Digits, Parameters};
use super::ids::AuthenticatorId;
use super::shared_secret::SharedSecret;
use super::totp::{Code, Step};

/// How many steps before and after the present one are tried: ten minutes each way.
pub const REACH: u64 = 20;
/// Zones lie at whole, half and quarter hours, up to 14 hours from UTC: a clock that was set by hand while its zone is
/// wrong is off by so many quarters of an hour.
const QUARTERS: i64 = 14 * 4;
/// By how much such a clock may be off besides: two minutes each way.
const BESIDES: u64 = 4;

/// What a tried key is to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It signs in.
    Active,
    /// It was sent and waits to be proven.
    Pending,
    /// It was revoked.
    Former,
}

impl Standing {
    /// The word that agents read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Former => "former",
        }
    }
}

/// A key to try. The caller picks them: the active one, the pending one once its letter was
/// accepted by the mail server and never before, and the last two that were revoked.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Which one it is.
    pub authenticator: &'a AuthenticatorId,
    /// Its key.
    pub secret: &'a SharedSecret,
    /// What the app should be set to.
    pub parameters: Parameters,
    /// What it is to the account.
    pub standing: Standing,
}

/// What is wrong, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Sign-in takes the app's present code.
    Works,
    /// The app's clock is off, and nothing else.
    ClockOff {
        /// By how many seconds, to within half a period; negative if the clock is slow.
        offset_seconds: i64,
    },
    /// The app uses a key that was revoked.
    OldEntry {
        /// Which one.
        authenticator: AuthenticatorId,
    },
    /// The app has the key, but computes its codes in another way.
    WrongSettings {
        /// The hash that the app is set to.
        algorithm: Algorithm,
        /// The length that the app is set to.
        digits: Digits,
    },
    /// The codes belong to no key that was tried.
    NoMatch,
}

impl Finding {
    /// The words of [`Finding::as_str`].
    pub const WORDS: [&'static str; 5] = ["works", "clock_off", "old_entry", "wrong_settings", "no_match"];

    /// Whether the clock is off by so much that its time zone is probably wrong: nothing else that far away is looked for.
    #[must_use]
    pub const fn is_zone(&self) -> bool {
        matches!(self, Self::ClockOff { offset_seconds } if offset_seconds.unsigned_abs() > 12 * 60)
    }

    /// The word of the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::ClockOff { .. } => "clock_off",
            Self::OldEntry { .. } => "old_entry",
            Self::WrongSettings { .. } => "wrong_settings",
            Self::NoMatch => "no_match",
        }
    }
}

/// Where both codes, or for agents one of them, were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The key.
    pub authenticator: AuthenticatorId,
    /// What that key is to the account.
    pub standing: Standing,
    /// The hash with which it matched.
    pub algorithm: Algorithm,
    /// The length with which it matched.
    pub digits: Digits,
    /// How far ahead the app's clock is, in seconds; negative if it is slow.
    pub offset_seconds: i64,
}

/// What an agent is told beside the finding, and the person is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// Both codes were found here.
    Both(Match),
    /// Both belong to one key as it should be set, but not one right after the other.
    Apart(Match),
    /// Only the first (`false`) or the second (`true`) was found: the other is probably mistyped.
    One {
        /// Where it was found.
        place: Match,
        /// Whether it is the second code.
        is_second: bool,
    },
    /// The same code was typed twice.
    Repeated,
    /// Nothing was found.
    None,
}

/// The answer, and what must be written down with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What the person is told.
    pub finding: Finding,
    /// What the agent is told beside it.
    pub facts: Facts,
    /// The step up to which the codes of this key are used up now. Raise the last accepted step to
    /// it, and never lower it.
    pub burn: Option<(AuthenticatorId, Step)>,
}

/// Tries two codes, in the order in which the app showed them, against the keys.
#[must_use]
pub fn diagnose(candidates: &[Candidate<'_>], codes: &[Code; 2], now: Time) -> Diagnosis {
    let [first, second] = codes;
    if first.digits() != second.digits() {
        // One setting shows codes of one length.
        return Diagnosis { finding: Finding::NoMatch, facts: Facts::None, burn: None };
    }
    let places: Vec<Place<'_>> = candidates.iter().flat_map(|key| places(*key, first, second, now)).collect();
    let zones: Vec<Place<'_>>;
    let mut pair = places.iter().filter(|place| place.is_adjacent()).min_by_key(|place| place.rank());
    if pair.is_none() {
        zones = candidates.iter().filter_map(|key| zone(*key, first, second, now)).collect();
        pair = zones.iter().min_by_key(|place| place.rank());
    }
    let burn = places.iter().filter_map(Place::burn).max_by_key(|(_, step)| *step);
    Diagnosis {
        finding: pair.map_or(Finding::NoMatch, Place::finding),
        facts: pair.map_or_else(|| closest(&places, codes), |place| Facts::Both(place.to_match())),
        burn: burn.map(|(authenticator, step)| (authenticator.clone(), step)),
    }
}

/// One key with one hash, and the steps at which it shows the codes.
struct Place<'a> {
    key: Candidate<'a>,
    algorithm: Algorithm,
    digits: Digits,
    now: Time,
    present: Step,
    first: Option<Step>,
    second: Option<Step>,
}

/// Every hash of a key that shows at least one of the codes, for one HMAC a step.
fn places<'a>(
    key: Candidate<'a>,
    first: &'a Code,
    second: &'a Code,
    now: Time,
) -> impl Iterator<Item = Place<'a>> {
    let present = Step::at(now, key.parameters.period());
    let digits = first.digits();
    Algorithm::ALL.into_iter().filter_map(move |algorithm| {
        let steps = present.around(REACH);
        let values: Zeroizing<Vec<u32>> = key.secret.truncated(algorithm, steps.clone().map(Step::get));
        let find = |code: &Code| -> Vec<Step> {
            let shown = steps.clone().zip(values.iter());
            shown.filter(|(_, value)| bool::from(code.is_of(**value))).map(|(step, _)| step).collect()
        };
        let (first, second) = nearest(&find(first), &find(second), present);
        (first.is_some() || second.is_some()).then_some(Place {
            key,
            algorithm,
            digits,
            now,
            present,
            first,
            second,
        })
    })
}

/// Where a key that signs in, set as it should be, shows both codes by a clock whose zone is wrong.
fn zone<'a>(key: Candidate<'a>, first: &Code, second: &Code, now: Time) -> Option<Place<'a>> {
    let (algorithm, digits, period) =
        (key.parameters.algorithm(), key.parameters.digits(), key.parameters.period());
    if key.standing == Standing::Former || digits != first.digits() {
        return None;
    }
    let quarters = (-QUARTERS..=QUARTERS).filter(|quarter| *quarter != 0);
    let middles = quarters.map(|quarter| Step::at(now + chrono::Duration::minutes(quarter * 15), period));
    let steps: Vec<Step> = middles.flat_map(|middle| middle.around(BESIDES)).collect();
    let values = key.secret.truncated(algorithm, steps.iter().map(|step| step.get()));
    let present = Step::at(now, period);
    let runs = steps.windows(2).zip(values.windows(2));
    let shown = runs.filter_map(|(steps, values)| match (steps, values) {
        ([before, step], [one, other])
            if step.follows(*before) && bool::from(first.is_of(*one) & second.is_of(*other)) =>
        {
            Some((*before, *step))
        }
        _ => None,
    });
    let (before, step) = shown.min_by_key(|(_, step)| step.get().abs_diff(present.get()))?;
    Some(Place { key, algorithm, digits, now, present, first: Some(before), second: Some(step) })
}

/// Of the steps that show the first and the second code: the two that are neighbours, else of each the
/// one nearest to the present.
fn nearest(first: &[Step], second: &[Step], present: Step) -> (Option<Step>, Option<Step>) {
    let distance = |step: &Step| step.get().abs_diff(present.get());
    let before = |step: Step| first.iter().copied().find(|it| step.follows(*it));
    let pair = second.iter().copied().filter(|step| before(*step).is_some()).min_by_key(distance);
    match pair {
        Some(step) => (before(step), Some(step)),
        None => (first.iter().copied().min_by_key(distance), second.iter().copied().min_by_key(distance)),
    }
}

impl Place<'_> {
    fn is_adjacent(&self) -> bool {
        matches!((self.first, self.second), (Some(first), Some(second)) if second.follows(first))
    }

    /// Whether the app computes as it should.
    fn is_set_right(&self) -> bool {
        self.algorithm == self.key.parameters.algorithm() && self.digits == self.key.parameters.digits()
    }

    fn is_current(&self) -> bool {
        self.key.standing != Standing::Former
    }

    fn finding(&self) -> Finding {
        match (self.is_current(), self.is_set_right()) {
            (true, true) if self.second.is_some_and(|step| self.present.accepts(step)) => Finding::Works,
            (true, true) => Finding::ClockOff { offset_seconds: self.offset_seconds() },
            (true, false) => Finding::WrongSettings { algorithm: self.algorithm, digits: self.digits },
            (false, _) => Finding::OldEntry { authenticator: self.key.authenticator.clone() },
        }
    }

    /// Which finding is told where the codes fit several places, by chance: the lowest.
    fn rank(&self) -> (u8, u64) {
        let rank = match self.finding() {
            Finding::Works => 0,
            Finding::ClockOff { .. } => 1,
            Finding::OldEntry { .. } if self.is_set_right() => 2,
            Finding::WrongSettings { .. } => 3,
            Finding::OldEntry { .. } | Finding::NoMatch => 4,
        };
        (rank, self.second.map_or(u64::MAX, |step| step.get().abs_diff(self.present.get())))
    }

    /// The last of the typed steps that sign-in would take now.
    fn burn(&self) -> Option<(&AuthenticatorId, Step)> {
        if !self.is_current() || !self.is_set_right() || !self.is_adjacent() {
            return None;
        }
        let usable =
            [self.second, self.first].into_iter().flatten().find(|step| self.present.accepts(*step))?;
        Some((self.key.authenticator, usable))
    }

    /// The middle of the step that the app shows, less the present time.
    fn offset_seconds(&self) -> i64 {
        let period = u64::from(self.key.parameters.period());
        let shown = self.second.or(self.first).map_or(0, Step::get).saturating_mul(period) + period / 2;
        i64::try_from(shown).unwrap_or(i64::MAX).saturating_sub(self.now.and_utc().timestamp())
    }

    fn to_match(&self) -> Match {
        Match {
            authenticator: self.key.authenticator.clone(),
            standing: self.key.standing,
            algorithm: self.algorithm,
            digits: self.digits,
            offset_seconds: self.offset_seconds(),
        }
    }
}

/// What comes nearest to a finding. Only keys as they should be set count here: one code alone fits
/// some setting of some key too easily.
fn closest(places: &[Place<'_>], codes: &[Code; 2]) -> Facts {
    let [first, second] = codes;
    if first.is_same(second) {
        return Facts::Repeated;
    }
    let known = || places.iter().filter(|place| place.is_set_right());
    let apart = known().find(|place| place.first.is_some() && place.second.is_some());
    match (apart, known().next()) {
        (Some(place), _) => Facts::Apart(place.to_match()),
        (None, Some(place)) => Facts::One { place: place.to_match(), is_second: place.second.is_some() },
        (None, None) => Facts::None,
    }
}

#[cfg(test)]
mod tests;
