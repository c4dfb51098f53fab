//! Who may act: ranks, one's own ticket, those who outrank, holders, and in which order one is refused.

use super::act::{Act, of_tier, perform, perform_but};
use super::seen::{refusal, seen};
use super::{admin, agent, approver, auditor, other_agent, owner, privileged, staff, ticket};
use crate::domain::actor::{Owner, Rank};
use crate::domain::ids::StaffId;
use crate::domain::policy::{Missing, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, State};

/// What staff do, and the least rank that may, apart from second approvals and the closing of frozen tickets.
const STAFF: [(Command, Rank); 17] = [
    (Command::Claim, Rank::Agent),
    (Command::TakeOver, Rank::Approver),
    (Command::Release, Rank::Agent),
    (Command::Ask, Rank::Agent),
    (Command::Resume, Rank::Agent),
    (Command::Reply, Rank::Agent),
    (Command::Note, Rank::Agent),
    (Command::Evidence, Rank::Agent),
    (Command::AskVouch, Rank::Agent),
    (Command::MakePin, Rank::Agent),
    (Command::Flag, Rank::Agent),
    (Command::KeepRequest, Rank::Agent),
    (Command::Approve, Rank::Agent),
    (Command::Reissue, Rank::Agent),
    (Command::Reject, Rank::Agent),
    (Command::Close, Rank::Agent),
    (Command::Thaw, Rank::Admin),
];

fn needed(command: Command, least: Rank, state: State) -> Rank {
    match (command, state) {
        (Command::Approve, State::AwaitingApproval) => Rank::Approver,
        (Command::Close, State::Frozen) => Rank::Admin,
        _ => least,
    }
}

fn everywhere() -> impl Iterator<Item = (State, Command, Rank)> {
    State::ALL.iter().flat_map(|state| {
        STAFF.iter().map(|(command, least)| (*state, *command, needed(*command, *least, *state)))
    })
}

#[test]
fn too_low_a_role_is_refused_before_any_state_is_looked_at() {
    for (state, command, needed) in everywhere() {
        for rank in [Rank::None, Rank::Agent, Rank::Approver].into_iter().filter(|rank| *rank < needed) {
            let result = perform_but(ticket(state), command, |act| act.by = staff("agent", rank));
            assert_eq!(refusal(result), Rejection::RoleTooLow, "{state} {command} {rank:?}");
        }
    }
}

#[test]
fn the_role_that_a_command_needs_is_enough() {
    for (state, command, needed) in everywhere() {
        let result = perform_but(ticket(state), command, |act| act.by = staff("somebody", needed));
        assert_ne!(result.err(), Some(Rejection::RoleTooLow), "{state} {command}");
    }
}

#[test]
fn nobody_acts_on_their_own_ticket_in_any_state() {
    for (state, command, _) in everywhere() {
        let result = perform_but(ticket(state), command, |act| {
            act.by.rank = Rank::Admin;
            act.owner = Some(owner(&act.by));
        });
        assert_eq!(refusal(result), Rejection::OwnTicket, "{state} {command}");
    }
}

#[test]
fn on_an_account_of_staff_only_the_same_or_a_higher_rank_acts() {
    let boss = |rank| Some(Owner { ids: vec![StaffId::new("boss")], rank });
    for (state, command, needed) in everywhere() {
        for owner in [Rank::None, Rank::Agent, Rank::Approver, Rank::Admin] {
            let result = perform_but(ticket(state), command, |act| {
                act.by.rank = needed;
                act.owner = boss(owner);
            });
            let outranked = result.err() == Some(Rejection::Outranked);
            assert_eq!(outranked, owner > needed, "{state} {command} on the account of {owner:?}");
        }
    }
}

#[test]
fn an_auditor_does_nothing_at_all() {
    for (state, command, _) in everywhere() {
        let result = perform_but(ticket(state), command, |act| act.by = auditor());
        assert_eq!(refusal(result), Rejection::RoleTooLow, "{state} {command}");
    }
}

#[test]
fn only_the_holder_asks_resumes_records_makes_pins_vouches_keeps_approves_first_and_reissues() {
    for (command, state) in [
        (Command::Ask, State::InReview),
        (Command::Resume, State::Waiting),
        (Command::Evidence, State::InReview),
        (Command::Evidence, State::Approved),
        (Command::AskVouch, State::InReview),
        (Command::MakePin, State::InReview),
        (Command::KeepRequest, State::InReview),
        (Command::Approve, State::InReview),
        (Command::Reissue, State::KeySent),
    ] {
        for stranger in [other_agent(), approver(), admin()] {
            let result = perform_but(ticket(state), command, |act| act.by = stranger);
            assert_eq!(refusal(result), Rejection::NotHolder, "{command} {state}");
        }
        assert!(perform(ticket(state), command).is_ok(), "{command} {state}");
    }
}

#[test]
fn the_holder_or_an_approver_releases_rejects_and_closes() {
    for command in [Command::Release, Command::Reject, Command::Close] {
        let by = |actor| perform_but(ticket(State::InReview), command, |act| act.by = actor);
        assert_eq!(refusal(by(other_agent())), Rejection::NotHolder, "{command}");
        assert!(by(agent()).is_ok() && by(approver()).is_ok() && by(admin()).is_ok(), "{command}");
    }
}

#[test]
fn any_agent_rejects_or_closes_what_nobody_holds() {
    for command in [Command::Reject, Command::Close] {
        let result = perform_but(ticket(State::Open), command, |act| act.by = other_agent());
        assert!(result.is_ok(), "{command}");
    }
}

#[test]
fn any_agent_replies_notes_and_flags() {
    for command in [Command::Reply, Command::Note, Command::Flag] {
        let result = perform_but(ticket(State::InReview), command, |act| act.by = other_agent());
        assert!(result.is_ok(), "{command}");
    }
}

#[test]
fn who_takes_over_saw_the_present_version_and_holds_it_then() {
    for off in [-1, 1] {
        let before = ticket(State::Waiting);
        let from = Some(before.version + off);
        let result = perform_but(before, Command::TakeOver, |act| act.from = from);
        assert_eq!(refusal(result), Rejection::Outdated);
    }
    let after = seen(perform(ticket(State::Waiting), Command::TakeOver)).ticket;
    assert_eq!(after.holder, Some(approver().id));
}

#[test]
fn who_claims_holds_and_who_releases_holds_no_more() {
    let claimed = perform_but(ticket(State::Open), Command::Claim, |act| act.by = other_agent());
    assert_eq!(seen(claimed).ticket.holder, Some(other_agent().id));
    assert_eq!(seen(perform(ticket(State::Waiting), Command::Release)).ticket.holder, None);
}

/// Everything wrong at once; each reason in turn is taken away, and the next one shows.
fn refused_in_order(state: State, tier: Tier, command: Command) {
    let before = of_tier(tier, state);
    let elsewhere = of_tier(tier, State::Open);
    let mut act = Act::perfect(&before, command);
    let right = act.by.id.clone();
    act.by = staff("stranger", Rank::None);
    act.by.stepped_up = false;
    act.owner = Some(Owner { ids: vec![StaffId::new("stranger")], rank: Rank::Admin });
    act.evidence.clear();
    let give =
        |act: &Act, ticket: &crate::domain::ticket::Ticket| refusal(act.perform(ticket.clone(), command));
    assert_eq!(give(&act, &elsewhere), Rejection::RoleTooLow);
    act.by.rank = if state == State::AwaitingApproval { Rank::Approver } else { Rank::Agent };
    assert_eq!(give(&act, &elsewhere), Rejection::OwnTicket);
    act.owner = Some(Owner { ids: vec![StaffId::new("boss")], rank: Rank::Admin });
    assert_eq!(give(&act, &elsewhere), Rejection::Outranked);
    act.owner = None;
    assert_eq!(give(&act, &elsewhere), Rejection::OutOfOrder);
    if state != State::AwaitingApproval {
        assert_eq!(give(&act, &before), Rejection::NotHolder);
    }
    act.by.id = right;
    assert!(matches!(give(&act, &before), Rejection::PolicyNotMet(_)));
    act.evidence = super::enough(tier);
    assert_eq!(give(&act, &before), Rejection::StepUpRequired);
    act.by.stepped_up = true;
    assert!(act.perform(before, command).is_ok());
}

#[test]
fn refusals_come_as_forbidden_then_conflict_then_policy_then_step_up() {
    refused_in_order(State::InReview, Tier::Standard, Command::Approve);
    refused_in_order(State::InReview, Tier::Privileged, Command::Approve);
    refused_in_order(State::AwaitingApproval, Tier::Privileged, Command::Approve);
    refused_in_order(State::KeySent, Tier::Standard, Command::Reissue);
}

#[test]
fn the_same_person_is_refused_before_evidence_and_step_up_are_looked_at() {
    let result = perform_but(privileged(State::AwaitingApproval), Command::Approve, |act| {
        act.by.stepped_up = false;
        act.evidence.clear();
        act.given = vec![act.by.id.clone()];
    });
    assert_eq!(refusal(result), Rejection::SamePerson);
}

#[test]
fn a_pin_wants_the_evidence_of_the_tier() {
    let result = perform_but(ticket(State::InReview), Command::MakePin, |act| act.evidence.clear());
    assert_eq!(refusal(result), Rejection::PolicyNotMet(vec![Missing::Independent]));
}
