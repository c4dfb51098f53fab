//! What a host hears when it asks about a code.
//!
//! The rule to keep: hosts refuse the sign-in on every one of these; none of them means that the password is enough.

use super::words::words;

words! {
    /// Why a code is refused.
    Refusal {
        /// It is no code of the account; counted.
        Wrong = "wrong",
        /// It was right, and is used up.
        Used = "used",
        /// Every code is refused for now: too many were wrong, or the account is frozen or its key suspended.
        Locked = "locked",
        /// Nothing was ever proven, or every code is refused until a ticket completes.
        Off = "off",
        /// It is right, of a key that was sent and does not go live here.
        Inactive = "inactive",
    }
}
