//! A member of the staff is shut out: what rests on them goes, what others did stays.

use super::act::{perform, perform_but};
use super::seen::{Seen, seen};
use super::{agent, approver, noon, policy, privileged, ticket};
use crate::domain::event::Action;
use crate::domain::ids::StaffId;
use crate::domain::risk::Risk;
use crate::domain::ticket::{Command, Effect, Part, State, Ticket};

const NO_PART: Part = Part { approved: false, verified: false, knows_pin: false };

fn without(ticket: Ticket, who: &StaffId, part: Part) -> Seen {
    seen(ticket.staff_shut_out(who, part, &policy(), noon()))
}

#[test]
fn what_they_had_is_back_in_the_queue_whatever_rests_on_them() {
    for state in [State::Open, State::InReview, State::Waiting] {
        for part in [NO_PART, Part { verified: true, ..NO_PART }] {
            let after = without(ticket(state), &agent().id, part);
            assert_eq!((after.ticket.state, &after.ticket.holder), (State::Open, &None), "{state}");
            assert!(after.ticket.due_at.is_some() && after.ticket.expires_at.is_none(), "{state}");
            assert!(!after.effects.contains(&"void approvals"), "{state}");
        }
    }
}

#[test]
fn what_others_have_stays_with_them_without_what_rests_on_whoever_is_shut_out() {
    for part in [
        Part { approved: true, ..NO_PART },
        Part { verified: true, ..NO_PART },
        Part { knows_pin: true, ..NO_PART },
    ] {
        for state in [State::AwaitingApproval, State::Approved, State::KeySent] {
            let after = without(privileged(state), &approver().id, part);
            assert_eq!((after.ticket.state, after.ticket.approved_at), (State::InReview, None), "{state}");
            assert_eq!(after.ticket.holder, Some(agent().id), "{state}");
            assert_eq!(after.ticket.pin_made, part.approved, "{state}");
            assert_eq!(after.effects.contains(&"drop pin"), !part.approved, "{state}");
            assert!(after.effects.contains(&"void approvals"), "{state}");
            assert_eq!(after.effects.contains(&"kill key"), state == State::KeySent, "{state}");
            assert_eq!(after.actions, [Action::StaffShutOut, Action::ApprovalVoided], "{state}");
        }
    }
}

#[test]
fn what_does_not_rest_on_them_goes_on_and_comes_back_to_nobody() {
    for state in [State::AwaitingApproval, State::Approved, State::KeySent] {
        let before = privileged(state);
        let after = without(before.clone(), &agent().id, NO_PART).ticket;
        assert_eq!((after.state, &after.holder, after.expires_at), (state, &None, before.expires_at));
        assert!(after.pin_made);
        let undone = seen(perform(after, Command::Flag)).ticket;
        assert_eq!((undone.state, undone.holder), (State::Open, None), "{state}");
    }
    let by_another = without(privileged(State::Approved), &approver().id, NO_PART).ticket;
    assert_eq!((by_another.state, by_another.holder), (State::Approved, Some(agent().id)));
}

#[test]
fn their_evidence_is_void_the_signal_is_shown_and_raises_nothing() {
    let after = without(ticket(State::InReview), &agent().id, Part { verified: true, ..NO_PART });
    let voids = |effect: &Effect| matches!(effect, Effect::VoidEvidenceOf(who) if *who == agent().id);
    assert!(after.raw.iter().any(voids));
    assert!(after.raw.iter().any(|effect| matches!(effect, Effect::AddRisk(Risk::StaffShutOut))));
    assert_eq!(after.ticket.tier, ticket(State::InReview).tier);
    assert!(!Risk::StaffShutOut.raises());
}

#[test]
fn a_frozen_ticket_of_theirs_goes_to_whoever_lets_it_go_on() {
    let frozen = without(ticket(State::Frozen), &agent().id, NO_PART).ticket;
    assert_eq!((frozen.state, &frozen.holder), (State::Frozen, &None));
    let thawed = perform_but(frozen, Command::Thaw, |act| act.took_part = false);
    assert_eq!(seen(thawed).ticket.state, State::InReview);
}
