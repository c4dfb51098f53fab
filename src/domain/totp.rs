//! Checking codes: which step of a key does a typed code belong to, and may that step still be used?
//!
//! The rule to keep: steps -1, 0 and +1 around the given time, each once, and never one that is not
//! after the last accepted one, whatever the server's clock does. An answer counts only once the
//! caller's compare-and-swap on the last accepted step has gone through.

use secrecy::SecretString;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::Time;
use super::authenticator::{Digits, Parameters};
use super::shared_secret::SharedSecret;

/// How many steps before and after the present one are accepted (RFC 6238 §5.2).
pub const SKEW: u64 = 1;

/// A counter of TOTP: seconds since 1970 divided by the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u64);

impl Step {
    /// Takes over a step as it was stored.
    #[must_use]
    pub const fn new(step: u64) -> Self {
        Self(step)
    }

    /// The step that `now` falls into; times before 1970 fall into step 0.
    #[must_use]
    pub fn at(now: Time, period: u32) -> Self {
        let seconds = u64::try_from(now.and_utc().timestamp()).unwrap_or(0);
        Self(seconds / u64::from(period.max(1)))
    }

    /// The step as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The steps up to `reach` away, the present one among them. Step 0 has nothing before it.
    pub(super) fn around(self, reach: u64) -> impl Iterator<Item = Self> + Clone {
        (self.0.saturating_sub(reach)..=self.0.saturating_add(reach)).map(Self)
    }

    /// Whether this step comes right after the other.
    pub(super) fn follows(self, other: Self) -> bool {
        other.0.checked_add(1) == Some(self.0)
    }

    /// Whether the step is one that sign-in accepts while `self` is the present one.
    pub(super) const fn accepts(self, step: Self) -> bool {
        self.0.abs_diff(step.0) <= SKEW
    }
}

/// A code as a person typed it. Wiped when dropped; no `Debug`, on purpose.
pub struct Code {
    value: u32,
    digits: Digits,
}

impl Code {
    /// Reads six or eight ASCII digits. Spaces, also the unbreakable ones that apps copy along, may stand
    /// anywhere, up to 64 characters in all; everything else, the digits of other scripts included, is no code.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.chars().nth(64).is_some() {
            return None;
        }
        let (mut value, mut count) = (0_u32, 0_u8);
        for character in typed.chars() {
            match character {
                ' ' | '\u{a0}' | '\u{202f}' => {}
                '0'..='9' if count < 8 => {
                    value = value * 10 + character.to_digit(10)?;
                    count += 1;
                }
                _ => return None,
            }
        }
        Some(Self { value, digits: Digits::new(count)? })
    }

    /// How long it is.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// The digits without spaces, leading zeros included: what a stored code is hashed from.
    #[must_use]
    pub fn text(&self) -> SecretString {
        SecretString::from(format!("{:0width$}", self.value, width = usize::from(self.digits.get())))
    }

    /// Whether this is the code of a truncated MAC, in constant time.
    pub(super) fn is_of(&self, truncated: u32) -> Choice {
        self.value.ct_eq(&(truncated % self.digits.modulus()))
    }

    /// Whether both were typed alike, in constant time.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        bool::from(self.value.ct_eq(&other.value)) && self.digits == other.digits
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right, and this is now the last accepted step.
    Accepted(Step),
    /// Right, but of a step that is not after the last accepted one.
    Used,
    /// Not a code of this key at this time. The only outcome that counts as a failed try.
    Wrong,
}

/// Checks one code against one key.
#[must_use]
pub fn matching_step(
    secret: &SharedSecret,
    parameters: Parameters,
    code: &Code,
    now: Time,
    last_step: Option<Step>,
) -> CodeOutcome {
    match_codes(secret, parameters, &[code], now, last_step)
}

/// Checks two codes that must belong to two adjacent steps, in the order in which they were shown.
/// Accepted is the second's step, which uses up the first's as well.
#[must_use]
pub fn matching_pair(
    secret: &SharedSecret,
    parameters: Parameters,
    codes: &[Code; 2],
    now: Time,
    last_step: Option<Step>,
) -> CodeOutcome {
    let [first, second] = codes;
    match_codes(secret, parameters, &[first, second], now, last_step)
}

fn match_codes(
    secret: &SharedSecret,
    parameters: Parameters,
    codes: &[&Code],
    now: Time,
    last_step: Option<Step>,
) -> CodeOutcome {
    if codes.is_empty() || codes.iter().any(|code| code.digits != parameters.digits()) {
        return CodeOutcome::Wrong;
    }
    let steps: Vec<Step> = Step::at(now, parameters.period()).around(SKEW).collect();
    let values: Zeroizing<Vec<u32>> =
        secret.truncated(parameters.algorithm(), steps.iter().map(|step| step.get()));
    let mut outcome = CodeOutcome::Wrong;
    // Every place is compared, found or not, so that the time taken tells nothing. Should a code fit two
    // steps, the later one is taken, or the same code would be good once more.
    for (run, values) in steps.windows(codes.len()).zip(values.windows(codes.len())) {
        let matches =
            codes.iter().zip(values).fold(Choice::from(1), |all, (code, value)| all & code.is_of(*value));
        let fresh = run.first().filter(|first| last_step.is_none_or(|last| **first > last));
        outcome = match (bool::from(matches), fresh, run.last(), outcome) {
            (true, Some(_), Some(last), _) => CodeOutcome::Accepted(*last),
            (true, None, _, CodeOutcome::Wrong) => CodeOutcome::Used,
            (_, _, _, outcome) => outcome,
        };
    }
    outcome
}

#[cfg(test)]
mod tests;
