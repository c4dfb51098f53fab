//! What becomes of a letter after a try: over, or tried again with growing pauses.

use chrono::Duration;

use crate::db::letters::Row;
use crate::domain::Time;
use crate::mail::{self, Verdict};

/// How often a letter is sent that the server may have taken already.
const DOUBTS: i32 = 3;
/// How long a letter without a time of its own is tried.
const PATIENCE: Duration = Duration::days(3);
/// The pause after the first failed try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::seconds(30);
const LONGEST_PAUSE: Duration = Duration::hours(1);

/// What becomes of a letter after a try.
pub(super) struct Fated {
    pub(super) state: &'static str,
    pub(super) next_at: Option<Time>,
    pub(super) error: Option<String>,
    pub(super) in_doubt: bool,
    /// The server takes no letter of ours, whichever it is.
    pub(super) refuses_us: bool,
}

impl Fated {
    fn over(state: &'static str, error: Option<String>) -> Self {
        Self { state, next_at: None, error, in_doubt: false, refuses_us: false }
    }

    /// It waits for the key that it is sealed under, no longer than for a mail server.
    pub(super) fn for_want_of_a_key(row: &Row, now: Time) -> Self {
        let next_at = now + pause(row.attempts);
        if next_at > row.created_at + PATIENCE {
            return Self::dead("its key is not on the key ring");
        }
        Self {
            next_at: Some(next_at),
            ..Self::over("deferred", Some("its key is not on the key ring".to_owned()))
        }
    }

    pub(super) fn dead(why: &str) -> Self {
        Self::over("dead", Some(why.to_owned()))
    }
}

/// What follows from what the mail server said.
pub(super) fn fate(row: &Row, verdict: Verdict, now: Time) -> Fated {
    match verdict {
        Verdict::Accepted => Fated::over("accepted", None),
        Verdict::Bounced(reason) => Fated::over("bounced", Some(words(&reason))),
        Verdict::Deferred(reason) => {
            if reason.is_ours {
                tracing::error!(reason = reason.text, "the mail server cannot be used as configured");
            }
            let next_at = now + pause(row.attempts);
            let given_up =
                next_at > row.created_at + PATIENCE || (reason.may_have_arrived && row.doubts + 1 >= DOUBTS);
            Fated {
                state: if given_up { "dead" } else { "deferred" },
                next_at: (!given_up).then_some(next_at),
                error: Some(words(&reason)),
                in_doubt: reason.may_have_arrived,
                refuses_us: reason.is_ours,
            }
        }
    }
}

fn words(reason: &mail::Reason) -> String {
    match reason.code {
        Some(code) => format!("{code} {}", reason.text),
        None => reason.text.clone(),
    }
}

fn pause(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(10);
    (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}
