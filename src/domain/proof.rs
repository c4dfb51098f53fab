//! The proof: what activation needs beside the code, so that whoever reads the mail has nothing.

use chrono::TimeDelta;

use super::policy::ProofRule;
use super::words::words;

/// How long after it was typed a password still counts as fresh.
pub const FRESH_PASSWORD: TimeDelta = TimeDelta::minutes(5);

words! {
    /// What a ticket asks for at activation.
    Proof {
        /// The PIN that was made on the verified call, and nothing else.
        Pin = "pin",
        /// A fresh password, or a recovery code.
        PasswordOrRecoveryCode = "password_or_recovery_code",
        /// Both PIN and fresh password.
        PinAndPassword = "pin_and_password",
    }
}

words! {
    /// How a person signed in at the host before the code, in the host's word.
    FirstFactor {
        /// With the password.
        Password = "password",
        /// With a passkey.
        Passkey = "passkey",
    }
}

/// What came with an activation; whether each is right is found out afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presented {
    /// A PIN was typed.
    pub pin: bool,
    /// A password was typed, or the host vouches for a fresh one.
    pub password: bool,
    /// A recovery code was typed.
    pub recovery_code: bool,
}

impl Proof {
    /// The proof that a rule asks for, given whether a PIN was made.
    #[must_use]
    pub const fn required(rule: ProofRule, pin_made: bool) -> Self {
        match (rule, pin_made) {
            (ProofRule::PinAndPassword, _) => Self::PinAndPassword,
            (ProofRule::PinOrFresh, true) => Self::Pin,
            (ProofRule::PinOrFresh, false) => Self::PasswordOrRecoveryCode,
        }
    }

    /// Whether what came is enough, provided that it is right.
    #[must_use]
    pub const fn is_covered_by(self, presented: Presented) -> bool {
        match self {
            Self::Pin => presented.pin,
            Self::PasswordOrRecoveryCode => presented.password || presented.recovery_code,
            Self::PinAndPassword => presented.pin && presented.password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sixteen combinations: PIN made or not, and each of the three proofs presented or not.
    #[test]
    fn each_combination_of_proofs_is_decided_as_the_policy_says() {
        for bits in 0..16_u8 {
            let made = bits & 8 != 0;
            let presented =
                Presented { pin: bits & 4 != 0, password: bits & 2 != 0, recovery_code: bits & 1 != 0 };
            let standard = Proof::required(ProofRule::PinOrFresh, made).is_covered_by(presented);
            let expected = if made { bits & 4 != 0 } else { bits & 3 != 0 };
            assert_eq!(standard, expected, "standard {bits:04b}");
            let privileged = Proof::required(ProofRule::PinAndPassword, made).is_covered_by(presented);
            assert_eq!(privileged, bits & 6 == 6, "privileged {bits:04b}");
        }
    }
}
