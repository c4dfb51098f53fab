//! What happens next, in one plain sentence a state: for requesters, in the API and on the pages alike.

use crate::domain::proof::Proof;
use crate::domain::ticket::{CloseReason, State};
use crate::workflow::requester::Status;

/// What the requester has to do or to wait for.
#[must_use]
pub fn next(status: &Status) -> &'static str {
    match status.state {
        State::Unconfirmed => "Type the six digits that we sent to the address on file.",
        State::Open => "Wait: your request is in the queue, and somebody will look at it.",
        State::InReview | State::AwaitingApproval => {
            "Wait: we are checking that it is really you, and may call the number on file."
        }
        State::Waiting => "Answer our question, so that we can go on.",
        State::Approved => {
            "Wait: your request is approved, and the letter with the key follows when the hold is over."
        }
        State::KeySent => key_sent(status.proof),
        State::Completed => "Nothing: your new key works. Keep your recovery codes in a safe place.",
        State::Closed => closed(status.reason),
        State::Frozen => "Nothing works on this request until we have spoken to you: please contact us.",
    }
}

fn key_sent(proof: Option<Proof>) -> &'static str {
    match proof {
        Some(Proof::Pin) => {
            "Add the key from our letter to your app, then type the code that it shows and the PIN that you were given."
        }
        Some(Proof::PinAndPassword) => {
            "Add the key from our letter to your app, then type two codes in a row, the PIN that you were given and \
             your password."
        }
        Some(Proof::PasswordOrRecoveryCode) | None => {
            "Add the key from our letter to your app, then type the code that it shows with your password or a \
             recovery code."
        }
    }
}

fn closed(reason: Option<CloseReason>) -> &'static str {
    match reason {
        Some(CloseReason::Solved) => "Nothing: your request was solved without a new key.",
        Some(CloseReason::NotMe) => "Nothing: somebody said that this request was not theirs.",
        Some(CloseReason::Rejected) => "We could not confirm that it was you; please contact us.",
        Some(CloseReason::Withdrawn) => "Nothing: you withdrew this request.",
        Some(CloseReason::Expired) => {
            "The time for this request is over; open a new one if you still need help."
        }
        Some(CloseReason::Duplicate | CloseReason::Spam) | None => {
            "This request is closed; open a new one if you still need help."
        }
    }
}
