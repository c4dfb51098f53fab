//! Freezing, thawing and closing.

use super::act::{perform, perform_but};
use super::seen::{refusal, seen};
use super::{admin, agent, noon, privileged, ticket};
use crate::domain::actor::Actor;
use crate::domain::event::Action;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, State, Ticket};

const BEFORE_COMPLETION: [State; 6] =
    [State::Open, State::InReview, State::Waiting, State::AwaitingApproval, State::Approved, State::KeySent];

#[test]
fn freezing_kills_the_key_and_voids_evidence_approvals_and_pin() {
    for state in BEFORE_COMPLETION {
        let after = seen(perform(privileged(state), Command::Freeze));
        assert_eq!(
            after.effects,
            ["kill key", "void approvals", "void evidence", "drop pin", "end sessions"],
            "{state}"
        );
        assert_eq!(after.ticket.frozen_from, Some(state));
        assert!(!after.ticket.pin_made);
        assert_eq!((after.ticket.approved_at, after.ticket.expires_at), (None, None));
        assert_eq!((after.ticket.due_at, after.ticket.due_left), (None, None));
        assert!(after.ticket.occupies_slot(), "a frozen ticket keeps the account's place");
    }
}

#[test]
fn freezing_after_completion_suspends_the_new_key_and_nothing_else() {
    let after = seen(perform(ticket(State::Completed), Command::Freeze));
    assert_eq!(after.effects, ["suspend key", "end sessions"]);
    assert_eq!(after.ticket.frozen_from, Some(State::Completed));
}

#[test]
fn freezing_what_is_frozen_is_noted_and_changes_nothing() {
    let before = Ticket { frozen_from: Some(State::Completed), ..ticket(State::Frozen) };
    let version = before.version;
    let after = seen(perform(before.clone(), Command::Freeze));
    assert_eq!(after.ticket, Ticket { version: version + 1, ..before });
    assert!(after.effects.is_empty() && after.mails.is_empty());
    assert_eq!(after.actions, [Action::Frozen]);
}

#[test]
fn freezing_wins_over_a_ticket_whose_time_is_over() {
    for state in [State::Waiting, State::AwaitingApproval, State::Approved, State::KeySent] {
        let late = ticket(state).expires_at.unwrap();
        assert!(ticket(state).freeze(Actor::Requester, "not me", late).is_ok(), "{state}");
    }
}

#[test]
fn only_one_who_took_no_part_thaws() {
    let result = perform_but(ticket(State::Frozen), Command::Thaw, |act| act.took_part = true);
    assert_eq!(refusal(result), Rejection::SamePerson);
}

#[test]
fn a_thawed_ticket_is_back_in_review_with_everything_to_be_established_anew() {
    let frozen = seen(perform(privileged(State::KeySent), Command::Freeze)).ticket;
    let after = seen(perform(frozen, Command::Thaw));
    assert_eq!((after.ticket.state, after.ticket.frozen_from), (State::InReview, None));
    assert_eq!((after.ticket.approved_at, after.ticket.pin_made), (None, false));
    assert_eq!(after.ticket.holder, Some(agent().id));
    assert!(after.ticket.due_at.is_some());
    assert!(after.effects.is_empty(), "what freezing killed stays dead");
}

#[test]
fn who_thaws_what_nobody_held_holds_it() {
    let after = perform(Ticket { holder: None, ..ticket(State::Frozen) }, Command::Thaw);
    assert_eq!(seen(after).ticket.holder, Some(admin().id));
}

#[test]
fn what_was_frozen_after_completion_is_completed_again_its_key_active() {
    let frozen = Ticket { frozen_from: Some(State::Completed), ..ticket(State::Frozen) };
    let after = seen(perform(frozen, Command::Thaw));
    assert_eq!((after.ticket.state, after.ticket.frozen_from), (State::Completed, None));
    assert_eq!(after.effects, ["restore key"]);
    assert_eq!(after.ticket.due_at, None);
}

#[test]
fn a_frozen_ticket_is_closed_by_an_admin_with_a_fresh_code() {
    let close =
        |stepped_up| perform_but(ticket(State::Frozen), Command::Close, |act| act.by.stepped_up = stepped_up);
    assert_eq!(refusal(close(false)), Rejection::StepUpRequired);
    assert!(close(true).is_ok());
}

#[test]
fn another_ticket_is_closed_without_a_fresh_code() {
    let result = perform_but(ticket(State::InReview), Command::Close, |act| act.by.stepped_up = false);
    assert!(result.is_ok());
}

#[test]
fn a_ticket_that_ends_takes_its_pin_and_its_deadlines_with_it() {
    for command in [Command::Reject, Command::Withdraw, Command::Close] {
        for state in [State::InReview, State::Waiting, State::Approved] {
            let after = seen(perform(Ticket { pin_made: true, ..ticket(state) }, command));
            assert!(!after.ticket.pin_made, "{command} {state}");
            assert_eq!(after.effects, ["drop pin"], "{command} {state}");
            assert_eq!((after.ticket.due_at, after.ticket.due_left), (None, None), "{command} {state}");
            assert_eq!(after.ticket.expires_at, None, "{command} {state}");
        }
    }
}

#[test]
fn nothing_expires_before_its_time() {
    for state in [State::Unconfirmed, State::Waiting, State::AwaitingApproval, State::KeySent] {
        let ends = ticket(state).expires_at.unwrap();
        let early = perform_but(ticket(state), Command::Expire, |act| act.now = ends - super::a_second());
        assert_eq!(refusal(early), Rejection::OutOfOrder, "{state}");
        assert!(perform_but(ticket(state), Command::Expire, |act| act.now = ends).is_ok(), "{state}");
    }
}

#[test]
fn the_place_of_an_account_is_taken_from_confirmation_to_the_end() {
    for state in State::ALL {
        let free = matches!(state, State::Unconfirmed | State::Completed | State::Closed);
        assert_eq!(ticket(*state).occupies_slot(), !free, "{state}");
    }
}

#[test]
fn who_withdraws_or_expires_is_named_in_the_log() {
    for (command, state, action, actor) in [
        (Command::Withdraw, State::Open, Action::Withdrawn, Actor::Requester),
        (Command::Reject, State::InReview, Action::Rejected, Actor::Staff(agent().id)),
        (Command::Close, State::InReview, Action::Closed, Actor::Staff(agent().id)),
        (Command::Expire, State::Waiting, Action::Expired, Actor::Machine),
        (Command::Issue, State::Approved, Action::KeySent, Actor::Machine),
        (Command::Bounce, State::KeySent, Action::KeyBounced, Actor::Machine),
        (Command::Thaw, State::Frozen, Action::Thawed, Actor::Staff(admin().id)),
    ] {
        let parts = perform(ticket(state), command).unwrap().into_parts();
        assert_eq!((parts.events[0].action, &parts.actor), (action, &actor), "{command}");
    }
    let parts = perform(ticket(State::Frozen), Command::Freeze).unwrap().into_parts();
    assert_eq!((parts.at, parts.from_version), (noon(), 7));
}

#[test]
fn a_removed_account_closes_what_can_be_withdrawn_and_its_key_dies() {
    for state in State::ALL {
        let removed = ticket(*state).account_removed(Actor::Machine, noon());
        let Ok(withdrawn) = perform(ticket(*state), Command::Withdraw) else {
            assert_eq!(refusal(removed), Rejection::OutOfOrder, "{state}");
            continue;
        };
        let (removed, withdrawn) = (seen(removed), seen(Ok(withdrawn)));
        assert_eq!(removed.ticket, withdrawn.ticket, "{state}");
        assert_eq!(removed.effects, withdrawn.effects, "{state}");
        assert!(removed.mails.is_empty(), "there is nobody left to tell");
    }
}
