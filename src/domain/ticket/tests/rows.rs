//! The road of product.md, pair by pair: what becomes of each command in each state, given by the right person at the
//! right time. The matches have no wildcard, so a new state or command does not build before it has its row.
#![expect(clippy::match_same_arms, reason = "each pair is written down by name")]

mod after_approval;
mod before_approval;
mod ended;

use crate::domain::ticket::{Command, State};

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is allowed, and the ticket then stands there.
    To(State),
    /// It is out of order.
    Refused,
}

/// What product.md says of the pair. An approval is of the standard tier in review, and the second of two later.
pub(super) fn expected(state: State, command: Command) -> Fate {
    match state {
        State::Unconfirmed => before_approval::unconfirmed(command),
        State::Open => before_approval::open(command),
        State::InReview => before_approval::in_review(command),
        State::Waiting => before_approval::waiting(command),
        State::AwaitingApproval => after_approval::awaiting_approval(command),
        State::Approved => after_approval::approved(command),
        State::KeySent => after_approval::key_sent(command),
        State::Completed => ended::completed(command),
        State::Closed => ended::closed(command),
        State::Frozen => ended::frozen(command),
    }
}
