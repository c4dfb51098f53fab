//! What owners read about codes, here and at the demo's host application.
//!
//! The rule: a sentence says what to do; each of them keeps the person out.

use crate::domain::rejection::Rejection;
use crate::domain::sign_in::Refusal;
use crate::error::Error;
use crate::http::problem::Problem;

/// What was typed can be no code.
pub(crate) const NO_CODE: &str = "Type the six digits that the app shows, or one of your recovery codes";

/// The code of a sent key is right, and the password was typed too long ago.
pub(crate) const STALE: &str = "The code is right, but your password was typed more than five minutes ago. \
    Sign in again, and type the next code then";

/// Why a code at sign-in is refused.
pub(crate) fn refusal(reason: Refusal) -> &'static str {
    match reason {
        Refusal::Wrong => "This code is not right. Wait for the next one, and type that",
        Refusal::Used => "This code was used already. Wait for the next one, and type that",
        Refusal::Locked => "Codes are refused for now: too many were wrong, or somebody stopped the account",
        Refusal::Off => "Every code is refused until the help desk has made a new key",
        Refusal::Inactive => {
            "The code is right, but this key goes live only on the page that its letter names. Finish there first"
        }
    }
}

/// What to do about a code that was not taken elsewhere.
///
/// # Errors
/// Whatever has nothing to do with the code.
pub(crate) fn refused(error: Error) -> Result<&'static str, Problem> {
    match error {
        Error::Rejected(Rejection::WrongCode) => {
            Ok("This code is not right, or was used already. Wait for the next one, and type that")
        }
        Error::Rejected(Rejection::Invalid(_)) => Ok("Type the six digits that the app shows"),
        Error::Rejected(Rejection::ProofRequired | Rejection::TooManyTries(_)) => {
            Ok("Codes are refused for now: too many were wrong, or somebody stopped the account")
        }
        error => Err(error.into()),
    }
}

/// A key in groups of four, to be typed.
pub(crate) fn groups(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn a_key_is_shown_in_groups_of_four() {
        assert_eq!(groups("JBSWY3DPEHPK3PXP"), ["JBSW", "Y3DP", "EHPK", "3PXP"]);
    }
}
