//! A diagnosis in words: for the person one plain answer and, where it helps, the steps on their device;
//! for the agent where the codes were found.
//!
//! The rule to keep: whole sentences that anybody can follow, and nothing of the key. The person is told
//! the finding alone, never where a single code was found: that would help to guess the other.

use super::diagnosis::{Diagnosis, Facts, Finding, Match, Standing};

/// A kind of device that an authenticator app runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A phone or tablet with Android.
    Android,
    /// An iPhone or iPad.
    Iphone,
    /// A computer.
    Desktop,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Android, Self::Iphone, Self::Desktop];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Iphone => "iphone",
            Self::Desktop => "desktop",
        }
    }

    /// The name that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Android => "Android",
            Self::Iphone => "iPhone and iPad",
            Self::Desktop => "Computer",
        }
    }

    /// How to let the device set its own clock.
    #[must_use]
    pub const fn clock_steps(self) -> &'static str {
        match self {
            Self::Android => {
                "Open Settings, then System, then Date & time. Turn on \u{201c}Set time automatically\u{201d}. \
                 On Samsung phones it is under Settings, General management, Date and time."
            }
            Self::Iphone => {
                "Open Settings, then General, then Date & Time. Turn on \u{201c}Set Automatically\u{201d}. If it is \
                 on already, turn it off, wait ten seconds and turn it on again."
            }
            Self::Desktop => {
                "Windows: open Settings, Time & language, Date & time, turn on \u{201c}Set time automatically\u{201d} \
                 and press \u{201c}Sync now\u{201d}. Mac: open System Settings, General, Date & Time, and turn on \
                 \u{201c}Set time and date automatically\u{201d}. Linux: turn on automatic date and time in the \
                 settings, or run \u{201c}timedatectl set-ntp true\u{201d}."
            }
        }
    }
}

/// What the person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The answer and what to do.
    pub text: String,
    /// Whether the steps of each [`Platform`] for its clock belong below.
    pub is_about_clock: bool,
}

/// Puts a diagnosis into words. `entry` is the name that the entry has in the app: `Example (ada)`.
#[must_use]
pub fn advice(diagnosis: &Diagnosis, entry: &str) -> Advice {
    let text = match &diagnosis.finding {
        Finding::Works if is_pending(&diagnosis.facts) => {
            "Your codes are right: your app has the new key. Now make it live: wait for the next code and type it \
             where your ticket asks for it."
                .to_owned()
        }
        Finding::Works => {
            "Your codes are right. Sign in with the next one that your app shows: each code is good only once."
                .to_owned()
        }
        finding @ Finding::ClockOff { offset_seconds } if finding.is_zone() => format!(
            "Your app has the right key, but the clock of its device is about {} {}. Probably its time zone is wrong, \
             or summer time was set by hand. Set date, time and time zone to automatic, then try again with a new code.",
            duration(*offset_seconds),
            if *offset_seconds < 0 { "slow" } else { "fast" },
        ),
        Finding::ClockOff { offset_seconds } => format!(
            "Your app has the right key, but the clock of its device is about {} {}. Set the clock to automatic, \
             then try again with a new code.",
            duration(*offset_seconds),
            if *offset_seconds < 0 { "slow" } else { "fast" },
        ),
        Finding::OldEntry { .. } => format!(
            "Your app still uses a former key, which is no longer valid. If your app shows two entries named \
             \u{201c}{entry}\u{201d}, try the other one, and delete this one once the other works. If there is \
             only this one, the newer key was never added to the app: add it, or go on with your ticket."
        ),
        Finding::WrongSettings { algorithm, digits } => format!(
            "Your app has the right key, but it is set to {} and {} digits. Set the entry \u{201c}{entry}\u{201d} to \
             SHA-1, 6 digits and 30 seconds. If your app cannot change an entry, delete it and add the key again \
             as \u{201c}time based\u{201d} with these settings.",
            algorithm.label(),
            digits.get(),
        ),
        Finding::NoMatch if diagnosis.facts == Facts::Repeated => {
            "You typed the same code twice. Type the code that your app shows now, wait until it shows another, and \
             type that too."
                .to_owned()
        }
        Finding::NoMatch => {
            "We could not match these codes to the key of this account. We looked at clocks that are up to ten \
             minutes off, or in another time zone. Perhaps a code was mistyped, or they come from another entry in \
             your app. Type two codes that follow each other, of the entry for this account."
                .to_owned()
        }
    };
    Advice { text, is_about_clock: matches!(diagnosis.finding, Finding::ClockOff { .. }) }
}

/// Puts the facts that only agents see into words.
#[must_use]
pub fn facts(facts: &Facts) -> String {
    let key = |place: &Match| format!("the {} key", place.standing.as_str());
    match facts {
        Facts::Both(place) => format!(
            "Both codes belong to {}, with {} and {} digits, by a clock that is about {} {}.",
            key(place),
            place.algorithm.label(),
            place.digits.get(),
            duration(place.offset_seconds),
            if place.offset_seconds < 0 { "slow" } else { "fast" },
        ),
        Facts::Apart(place) => {
            format!(
                "Both codes belong to {}, but the second does not come right after the first.",
                key(place)
            )
        }
        Facts::One { place, is_second } => {
            let (found, other) = if *is_second { ("second", "first") } else { ("first", "second") };
            format!("Only the {found} code belongs to {}; the {other} was probably mistyped.", key(place))
        }
        Facts::Repeated => "The same code was typed twice.".to_owned(),
        Facts::None => {
            "Neither code matches a key of this account within ten minutes, nor both together in another \
                        time zone."
                .to_owned()
        }
    }
}

fn is_pending(facts: &Facts) -> bool {
    matches!(facts, Facts::Both(Match { standing: Standing::Pending, .. }))
}

/// `95 seconds`, `3 minutes`: seconds as long as they say something. From an hour on to the quarter: `5 hours and 30 minutes`.
fn duration(seconds: i64) -> String {
    const QUARTER: u64 = 15 * 60;
    match seconds.unsigned_abs() {
        1 => "1 second".to_owned(),
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds if seconds >= 4 * QUARTER - 120 => {
            let quarters = (seconds + QUARTER / 2) / QUARTER;
            let (hours, rest) = (quarters / 4, quarters % 4 * 15);
            let hours = if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") };
            if rest == 0 { hours } else { format!("{hours} and {rest} minutes") }
        }
        seconds => format!("{} minutes", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::authenticator::{Algorithm, Digits};
    use super::super::ids::AuthenticatorId;
    use super::*;

    fn told(finding: Finding, facts: Facts) -> Advice {
        advice(&Diagnosis { finding, facts, burn: None }, "Example (ada)")
    }

    fn place() -> Match {
        Match {
            authenticator: AuthenticatorId::new("0190-secret-id"),
            standing: Standing::Pending,
            algorithm: Algorithm::Sha1,
            digits: Digits::Six,
            offset_seconds: -95,
        }
    }

    #[test]
    fn platforms_have_the_words_that_the_api_and_people_use() {
        let words = Platform::ALL.map(|platform| (platform.as_str(), platform.label()));
        assert_eq!(words, [("android", "Android"), ("iphone", "iPhone and iPad"), ("desktop", "Computer")]);
    }

    #[test]
    fn times_are_told_in_seconds_below_two_minutes() {
        let told = [-1, 2, 119, 120, 149, 150, -3600, 3500, 900, 19_790, -50_400].map(duration);
        assert_eq!(
            told,
            [
                "1 second",
                "2 seconds",
                "119 seconds",
                "2 minutes",
                "2 minutes",
                "3 minutes",
                "1 hour",
                "1 hour",
                "15 minutes",
                "5 hours and 30 minutes",
                "14 hours"
            ]
        );
    }

    #[test]
    fn who_typed_one_code_twice_is_told_so_and_nobody_else_is() {
        assert!(told(Finding::NoMatch, Facts::Repeated).text.starts_with("You typed the same code twice."));
        assert!(told(Finding::NoMatch, Facts::None).text.starts_with("We could not match these codes"));
    }

    fn pending() -> Facts {
        Facts::Both(place())
    }

    #[test]
    fn agents_are_told_where_the_codes_were_found() {
        assert_eq!(
            facts(&pending()),
            "Both codes belong to the pending key, with SHA-1 and 6 digits, by a clock that is about 95 seconds slow."
        );
        let second = Facts::One { place: place(), is_second: true };
        assert_eq!(
            facts(&second),
            "Only the second code belongs to the pending key; the first was probably mistyped."
        );
        assert!(facts(&Facts::Apart(place())).contains("right after"));
        assert_ne!(facts(&Facts::Repeated), facts(&Facts::None));
        assert_eq!(told(Finding::NoMatch, second).text, told(Finding::NoMatch, Facts::None).text);
    }

    #[test]
    fn every_finding_has_its_own_words() {
        let texts = [
            told(Finding::Works, Facts::None).text,
            told(Finding::Works, pending()).text,
            told(Finding::ClockOff { offset_seconds: -95 }, pending()).text,
            told(Finding::OldEntry { authenticator: AuthenticatorId::new("0190-secret-id") }, pending()).text,
            told(Finding::WrongSettings { algorithm: Algorithm::Sha256, digits: Digits::Eight }, pending())
                .text,
            told(Finding::NoMatch, Facts::Repeated).text,
            told(Finding::NoMatch, Facts::None).text,
        ];
        for (n, text) in texts.iter().enumerate() {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains("0190"), "{text}");
            assert!(!texts[..n].contains(text), "{text}");
        }
    }

    #[test]
    fn a_clock_is_fast_or_slow_by_an_amount_that_people_can_read() {
        let text = |offset_seconds| told(Finding::ClockOff { offset_seconds }, Facts::None).text;
        assert!(text(-95).contains("about 95 seconds slow"));
        assert!(text(290).contains("about 5 minutes fast") && !text(290).contains("zone"));
        assert!(text(-19_800).contains("about 5 hours and 30 minutes slow. Probably its time zone is wrong"));
        assert!(told(Finding::ClockOff { offset_seconds: 60 }, Facts::None).is_about_clock);
        assert!(!told(Finding::NoMatch, Facts::None).is_about_clock);
    }

    #[test]
    fn settings_and_entries_are_named() {
        let settings = Finding::WrongSettings { algorithm: Algorithm::Sha256, digits: Digits::Eight };
        let text = told(settings, Facts::None).text;
        assert!(text.contains("SHA-256 and 8 digits") && text.contains("Example (ada)"));
    }

    #[test]
    fn every_platform_is_told_how() {
        for platform in Platform::ALL {
            assert!(platform.clock_steps().to_lowercase().contains("automatic"), "{}", platform.label());
            assert!(!platform.clock_steps().contains("  "), "{}", platform.as_str());
        }
    }
}
