//! Risk signals: facts about a ticket, each named with its reason. They only ever raise the tier.

use super::words::words;

words! {
    /// A signal.
    Risk {
        /// An address was added or changed lately.
        AddressChanged = "address_changed",
        /// The phone number was added or changed lately.
        PhoneChanged = "phone_changed",
        /// The manager was added or changed lately.
        ManagerChanged = "manager_changed",
        /// The account was removed and put again, or moved to another application, lately.
        AccountPutAgain = "account_put_again",
        /// A ticket of the account was rejected, frozen or had failed evidence lately, or the account is frozen.
        TroubleBefore = "trouble_before",
        /// An agent flagged urgency or coercion.
        Flagged = "flagged",
        /// Evidence failed on this ticket.
        FailedEvidence = "failed_evidence",
        /// The account belongs to a member of the staff.
        StaffAccount = "staff_account",
        /// Somebody who verified, approved or had it was disabled, reset or demoted.
        StaffShutOut = "staff_shut_out",
        /// Another recent ticket of the account.
        RecentTicket = "recent_ticket",
        /// A second request for the same account.
        SecondRequest = "second_request",
        /// A network that was not seen for the account before.
        NewNetwork = "new_network",
        /// Several tickets from one network.
        BusyNetwork = "busy_network",
    }
}

impl Risk {
    /// Whether the signal raises the ticket to `privileged`; the others are shown and raise nothing.
    #[must_use]
    pub const fn raises(self) -> bool {
        !matches!(
            self,
            Self::StaffShutOut
                | Self::RecentTicket
                | Self::SecondRequest
                | Self::NewNetwork
                | Self::BusyNetwork
        )
    }

    /// What staff read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AddressChanged => "An address of the account was added or changed in the last 30 days.",
            Self::PhoneChanged => "The phone number was added or changed in the last 30 days.",
            Self::ManagerChanged => "The manager was added or changed in the last 30 days.",
            Self::AccountPutAgain => {
                "The account was removed and put again, or came from another application, in the last 30 days."
            }
            Self::TroubleBefore => {
                "A ticket of this account was rejected, frozen or had failed evidence in the last 7 days, or the account was stopped."
            }
            Self::Flagged => "An agent noted urgency or coercion.",
            Self::FailedEvidence => "A verification failed on this ticket.",
            Self::StaffAccount => "The account belongs to a member of the staff.",
            Self::StaffShutOut => {
                "Somebody who had a part in this ticket was disabled, reset or demoted; what they did no longer counts."
            }
            Self::RecentTicket => "The account had another ticket in the last 7 days.",
            Self::SecondRequest => "There is a second request for this account.",
            Self::NewNetwork => "The request came from a network that this account was not seen in before.",
            Self::BusyNetwork => "Several tickets came from this network in the last hour.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_signals_raise_the_tier_and_the_others_are_only_shown() {
        let shown: Vec<Risk> = Risk::ALL.iter().copied().filter(|risk| !risk.raises()).collect();
        assert_eq!(
            shown,
            [
                Risk::StaffShutOut,
                Risk::RecentTicket,
                Risk::SecondRequest,
                Risk::NewNetwork,
                Risk::BusyNetwork
            ]
        );
        assert_eq!(Risk::ALL.len() - shown.len(), 8);
    }

    #[test]
    fn each_signal_is_a_sentence_of_its_own() {
        let sentences: std::collections::BTreeSet<_> = Risk::ALL.iter().map(|risk| risk.sentence()).collect();
        assert_eq!(sentences.len(), Risk::ALL.len());
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
    }
}
