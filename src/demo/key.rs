//! What an authenticator app does with a key: reads it as it is typed, and shows codes.
//!
//! The rule: it is written against another's arithmetic than the product's own, as the apps out there are.

use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::domain::Time;

/// How long a code is shown, in seconds.
pub(super) const PERIOD: i64 = 30;
/// Characters of Base32 that make 16 bytes; apps call less too short.
const SHORTEST: usize = 26;
const LONGEST: usize = 103;

/// A key in an app. No `Debug`, on purpose.
pub(super) struct Key(Totp);

/// What an app shows of a key at one moment.
pub(super) struct Shown {
    /// `123 456`
    pub(super) now: String,
    /// The code that comes after it.
    pub(super) next: String,
}

impl Key {
    /// Reads a key as people type it: small letters, spaces and dashes do not matter.
    pub(super) fn read(typed: &str) -> Result<Self, &'static str> {
        let ignored = |c: &char| !c.is_whitespace() && *c != '-' && *c != '=';
        let clean: Zeroizing<String> =
            Zeroizing::new(typed.chars().filter(ignored).map(|c| c.to_ascii_uppercase()).collect());
        if clean.is_empty() {
            return Err("Type the key from the letter");
        }
        if !clean.chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7')) {
            return Err("A key has the letters A to Z and the digits 2 to 7 only: there is no 0, 1, 8 or 9");
        }
        if clean.len() < SHORTEST {
            return Err("The key is too short: it has 32 letters and digits");
        }
        if clean.len() > LONGEST {
            return Err("The key is too long: it has 32 letters and digits");
        }
        let secret = Secret::try_from_base32(&*clean).map_err(|_| "This is no key")?;
        Ok(Self(Builder::new().with_secret(secret).build_noncompliant()))
    }

    /// The six digits at that moment.
    pub(super) fn code(&self, at: Time) -> String {
        self.0.generate(u64::try_from(at.and_utc().timestamp()).unwrap_or(0)).to_string()
    }

    /// The same, as a secret for the product's workflows.
    pub(super) fn secret_code(&self, at: Time) -> SecretString {
        SecretString::from(self.code(at))
    }

    /// The codes as an app shows them.
    pub(super) fn shown(&self, at: Time) -> Shown {
        let next = at + chrono::TimeDelta::seconds(PERIOD);
        Shown { now: in_two(&self.code(at)), next: in_two(&self.code(next)) }
    }
}

impl TryFrom<&SecretString> for Key {
    type Error = &'static str;

    fn try_from(secret: &SecretString) -> Result<Self, &'static str> {
        Self::read(secret.expose_secret())
    }
}

/// How many seconds the code of that moment is still shown.
pub(super) fn left(at: Time) -> i64 {
    PERIOD - at.and_utc().timestamp().rem_euclid(PERIOD)
}

fn in_two(code: &str) -> String {
    match code.split_at_checked(3) {
        Some((first, second)) => format!("{first} {second}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc()
    }

    #[test]
    fn a_key_is_read_as_it_is_typed() {
        // RFC 6238, Appendix B: the last six of 94287082 and 07081804.
        for typed in ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", " gezd gnbv gy3t qojq-gezd gnbv gy3t qojq "] {
            let key = Key::read(typed).ok().unwrap();
            assert_eq!(
                (key.code(at(59)).as_str(), key.code(at(1_111_111_109)).as_str()),
                ("287082", "081804")
            );
            assert_eq!(key.shown(at(29)).next, "287 082");
        }
    }

    #[test]
    fn what_is_no_key_is_told_why() {
        for (typed, why) in [("", "Type"), ("GEZDGNBVGY3TQ0JQ", "no 0"), ("GEZDGNBVGY3TQOJQ", "too short")] {
            assert!(Key::read(typed).err().unwrap().contains(why), "{typed}");
        }
        assert!(Key::read(&"A".repeat(104)).err().unwrap().contains("too long"));
    }

    #[test]
    fn a_code_is_shown_for_half_a_minute() {
        assert_eq!([left(at(60)), left(at(89)), left(at(90))], [30, 1, 30]);
    }
}
