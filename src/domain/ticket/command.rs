//! The table of the road: which command is allowed in which state.

use super::State;
use crate::domain::words::words;

words! {
    /// Everything that can be asked of a ticket.
    Command {
        /// The requester types the mailbox code.
        Confirm = "confirm",
        /// The requester comes back with a new mailbox code and gets a new token.
        Return = "return",
        /// Another request for the account is confirmed.
        SecondRequest = "second_request",
        /// An agent takes it.
        Claim = "claim",
        /// An approver or admin takes it from another holder.
        TakeOver = "take_over",
        /// It goes back to the queue.
        Release = "release",
        /// The requester is asked for something.
        Ask = "ask",
        /// The requester writes.
        Answer = "answer",
        /// The agent goes on without an answer.
        Resume = "resume",
        /// The staff write to the requester.
        Reply = "reply",
        /// An internal note.
        Note = "note",
        /// The holder records a verification.
        Evidence = "evidence",
        /// The requester proves something that the machine records.
        Prove = "prove",
        /// The manager on file is asked.
        AskVouch = "ask_vouch",
        /// The manager's answer.
        Vouch = "vouch",
        /// The holder makes a PIN.
        MakePin = "make_pin",
        /// Urgency or coercion is noted.
        Flag = "flag",
        /// The holder records which request is the person's own.
        KeepRequest = "keep_request",
        /// Codes are tried to find the fault.
        Diagnose = "diagnose",
        /// An approval, first or second.
        Approve = "approve",
        /// The hold is over: the key is generated.
        Issue = "issue",
        /// The key is generated anew.
        Reissue = "reissue",
        /// The key is proven.
        Activate = "activate",
        /// The letter with the key came back.
        Bounce = "bounce",
        /// The account's address or tier changed.
        AccountChange = "account_change",
        /// The address on file changed.
        AddressChange = "address_change",
        /// A member of the staff was disabled, reset or demoted.
        ShutOut = "shut_out",
        /// Turned down.
        Reject = "reject",
        /// Withdrawn by the requester.
        Withdraw = "withdraw",
        /// Closed by the staff.
        Close = "close",
        /// "This wasn't me."
        Freeze = "freeze",
        /// An admin lets it go on.
        Thaw = "thaw",
        /// The state's time ran out.
        Expire = "expire",
    }
}

impl Command {
    /// The states in which the command is allowed.
    #[must_use]
    pub const fn states(self) -> &'static [State] {
        use State::{
            Approved, AwaitingApproval, Completed, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting,
        };
        match self {
            Self::Confirm => &[Unconfirmed, Open, InReview, Waiting],
            Self::Return | Self::AddressChange => &[
                Unconfirmed,
                Open,
                InReview,
                Waiting,
                AwaitingApproval,
                Approved,
                KeySent,
                Completed,
                Frozen,
            ],
            Self::Answer | Self::Diagnose => &[Open, InReview, Waiting, AwaitingApproval, Approved, KeySent],
            Self::SecondRequest | Self::AccountChange | Self::ShutOut | Self::Reply => {
                &[Open, InReview, Waiting, AwaitingApproval, Approved, KeySent, Frozen]
            }
            Self::Claim => &[Unconfirmed, Open],
            Self::TakeOver => &[InReview, Waiting, AwaitingApproval, Approved, KeySent],
            Self::Release | Self::KeepRequest => &[InReview, Waiting],
            Self::Ask | Self::AskVouch | Self::MakePin => &[InReview],
            Self::Resume => &[Waiting],
            Self::Note => State::ALL,
            Self::Evidence => &[InReview, AwaitingApproval, Approved, KeySent],
            Self::Prove | Self::Vouch => &[Open, InReview, Waiting],
            Self::Flag | Self::Reject | Self::Withdraw => {
                &[Unconfirmed, Open, InReview, Waiting, AwaitingApproval, Approved, KeySent]
            }
            Self::Approve => &[InReview, AwaitingApproval],
            Self::Issue => &[Approved],
            Self::Reissue | Self::Activate | Self::Bounce => &[KeySent],
            Self::Close => &[Unconfirmed, Open, InReview, Waiting, AwaitingApproval, Approved, Frozen],
            Self::Freeze => {
                &[Open, InReview, Waiting, AwaitingApproval, Approved, KeySent, Completed, Frozen]
            }
            Self::Thaw => &[Frozen],
            Self::Expire => &[Unconfirmed, Waiting, AwaitingApproval, KeySent],
        }
    }
}
