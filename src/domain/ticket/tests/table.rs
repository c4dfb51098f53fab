//! Every state × every command, executed: A8 of security.md, at its root.

use super::act::perform;
use super::rows::{Fate, expected};
use super::seen::{refusal, seen};
use super::{noon, ticket};
use crate::domain::evidence::Method;
use crate::domain::ids::TicketId;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{CloseReason, Command, State, Ticket};

/// What the tests give commands to: the standard tier, but for the state that only two approvers know.
fn standing(state: State) -> Ticket {
    if state == State::AwaitingApproval { super::privileged(state) } else { ticket(state) }
}

fn pairs() -> impl Iterator<Item = (State, Command)> {
    State::ALL.iter().flat_map(|state| Command::ALL.iter().map(|command| (*state, *command)))
}

#[test]
fn every_state_and_command_is_allowed_or_refused_as_the_road_says() {
    let mut tried = 0;
    for (state, command) in pairs() {
        let before = standing(state);
        let result = perform(before.clone(), command);
        match expected(state, command) {
            Fate::Refused => assert_eq!(result.err(), Some(Rejection::OutOfOrder), "{state} {command}"),
            Fate::To(next) => {
                assert!(result.is_ok(), "{state} {command}: {:?}", result.err());
                let after = seen(result).ticket;
                assert_eq!(after.state, next, "{state} {command}");
                assert!(after.version > before.version);
                assert_eq!(
                    (&after.id, &after.account, after.opened_at),
                    (&before.id, &before.account, before.opened_at),
                    "{state} {command} touches what never changes"
                );
                let moves = command == Command::AddressChange;
                assert_eq!(after.address != before.address, moves, "{state} {command}");
            }
        }
        tried += 1;
    }
    assert_eq!(tried, 330);
}

#[test]
fn what_the_pages_offer_is_what_the_road_allows() {
    for (state, command) in pairs() {
        let offered = standing(state).require(command).is_ok();
        assert_eq!(offered, expected(state, command) != Fate::Refused, "{state} {command}");
    }
}

#[test]
fn a_closed_ticket_is_never_anything_else_and_a_completed_one_can_only_be_frozen() {
    for command in Command::ALL {
        let ended = |state| match expected(state, *command) {
            Fate::To(next) => next,
            Fate::Refused => state,
        };
        assert_eq!(ended(State::Closed), State::Closed);
        let frozen = *command == Command::Freeze;
        assert_eq!(ended(State::Completed), if frozen { State::Frozen } else { State::Completed });
    }
}

#[test]
fn a_state_that_is_entered_begins_now_and_one_that_is_kept_goes_on() {
    for (state, command) in pairs() {
        let Fate::To(next) = expected(state, command) else { continue };
        let before = standing(state);
        let now = super::act::Act::perfect(&before, command).now;
        let since = before.state_since;
        let after = seen(perform(before, command)).ticket;
        assert_eq!(after.state_since, if next == state { since } else { now }, "{state} {command}");
    }
}

#[test]
fn only_an_unconfirmed_ticket_is_closed_as_a_duplicate() {
    for state in State::ALL {
        let result = ticket(*state).confirm_as_duplicate(Method::MailboxCode, TicketId::new("first"), noon());
        if *state == State::Unconfirmed {
            let after = seen(result).ticket;
            assert_eq!((after.state, after.reason), (State::Closed, Some(CloseReason::Duplicate)));
            assert_eq!(after.duplicate_of, Some(TicketId::new("first")));
            assert_eq!((after.confirmed_at, after.expires_at), (Some(noon()), None));
        } else {
            assert_eq!(refusal(result), Rejection::OutOfOrder);
        }
    }
}

#[test]
fn only_an_unconfirmed_ticket_is_closed_by_its_stop_link_alone() {
    for state in State::ALL {
        let result = ticket(*state).disown(noon());
        if *state == State::Unconfirmed {
            let after = seen(result).ticket;
            assert_eq!((after.state, after.reason), (State::Closed, Some(CloseReason::NotMe)));
        } else {
            assert_eq!(refusal(result), Rejection::OutOfOrder);
        }
    }
}

#[test]
fn each_way_to_close_leaves_its_reason() {
    for (command, state, reason) in [
        (Command::Reject, State::InReview, CloseReason::Rejected),
        (Command::Withdraw, State::KeySent, CloseReason::Withdrawn),
        (Command::Close, State::Open, CloseReason::Solved),
        (Command::Expire, State::Unconfirmed, CloseReason::Expired),
        (Command::Expire, State::Waiting, CloseReason::Expired),
        (Command::Expire, State::KeySent, CloseReason::Expired),
    ] {
        assert_eq!(seen(perform(ticket(state), command)).ticket.reason, Some(reason), "{command}");
    }
}
