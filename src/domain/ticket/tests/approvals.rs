//! Approvals: how many, whose, on what, and what makes them void.

use std::collections::BTreeSet;

use super::act::{of_tier, perform, perform_but};
use super::seen::{refusal, seen};
use super::{a_second, admin, agent, approver, enough, hours, noon, other_agent, passed, privileged, ticket};
use crate::domain::event::Action;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::policy::{Missing, ProofRule, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, Problem, State, Ticket};

fn approve(ticket: Ticket) -> Result<crate::domain::ticket::Transition, Rejection> {
    perform(ticket, Command::Approve)
}

#[test]
fn standard_is_approved_by_the_one_agent_who_verified_and_holds_for_no_time() {
    let after = seen(approve(ticket(State::InReview)));
    assert_eq!((after.ticket.state, after.ticket.approved_at), (State::Approved, Some(noon())));
    assert_eq!(after.ticket.expires_at, Some(noon()));
    assert_eq!(after.effects, ["add approval"]);
    assert_eq!(after.actions, [Action::Approved]);
}

#[test]
fn privileged_waits_for_a_second_approval_for_8_hours() {
    let after = seen(approve(privileged(State::InReview)));
    assert_eq!((after.ticket.state, after.ticket.approved_at), (State::AwaitingApproval, None));
    assert_eq!(after.ticket.expires_at, Some(noon() + hours(8)));
    assert_eq!(after.effects, ["add approval"]);
}

#[test]
fn the_second_approval_begins_the_hold_of_24_hours() {
    let after = seen(approve(privileged(State::AwaitingApproval)));
    assert_eq!((after.ticket.state, after.ticket.approved_at), (State::Approved, Some(noon())));
    assert_eq!(after.ticket.expires_at, Some(noon() + hours(24)));
}

#[test]
fn an_agent_does_not_give_the_second_approval() {
    let second = |by| perform_but(privileged(State::AwaitingApproval), Command::Approve, |act| act.by = by);
    assert_eq!(refusal(second(other_agent())), Rejection::RoleTooLow);
    assert_eq!(refusal(second(agent())), Rejection::RoleTooLow);
    assert!(second(admin()).is_ok());
}

#[test]
fn one_person_does_not_approve_twice_whatever_they_are_meanwhile() {
    for by in [approver(), admin()] {
        let given = vec![by.id.clone()];
        let result = perform_but(privileged(State::AwaitingApproval), Command::Approve, |act| {
            act.by = by;
            act.given = given;
        });
        assert_eq!(refusal(result), Rejection::SamePerson);
    }
}

#[test]
fn a_first_approval_is_void_after_8_hours_even_before_it_was_put_back() {
    let ends = privileged(State::AwaitingApproval).expires_at.unwrap();
    let at = |now| perform_but(privileged(State::AwaitingApproval), Command::Approve, |act| act.now = now);
    assert!(at(ends - a_second()).is_ok());
    assert_eq!(refusal(at(ends)), Rejection::OutOfOrder);
    let lapsed = seen(perform(privileged(State::AwaitingApproval), Command::Expire));
    assert_eq!(lapsed.ticket.state, State::InReview);
    assert_eq!(lapsed.effects, ["void approvals"]);
    assert_eq!(lapsed.actions, [Action::Expired, Action::ApprovalVoided]);
}

#[test]
fn any_change_of_evidence_tier_account_or_requests_voids_the_approvals() {
    for state in [State::AwaitingApproval, State::Approved] {
        for command in [Command::Evidence, Command::Flag, Command::AccountChange, Command::SecondRequest] {
            let after = seen(perform(privileged(state), command));
            assert_eq!((after.ticket.state, after.ticket.approved_at), (State::InReview, None), "{command}");
            assert!(after.effects.contains(&"void approvals"), "{command}");
            assert!(!after.effects.contains(&"kill key"), "{command}");
            assert_eq!(after.actions[1..], [Action::ApprovalVoided], "{command}");
            assert_eq!(after.ticket.expires_at, None, "{command}");
            assert_eq!(after.ticket.holder, Some(agent().id), "{command}");
        }
    }
}

#[test]
fn failed_evidence_voids_the_approvals_too() {
    for state in [State::AwaitingApproval, State::Approved] {
        let result = perform_but(privileged(state), Command::Evidence, |act| act.outcome = Outcome::Failed);
        let after = seen(result);
        assert_eq!(after.ticket.state, State::InReview);
        assert!(after.effects.contains(&"void approvals"));
    }
}

#[test]
fn what_changes_before_an_approval_voids_none() {
    for state in [State::InReview, State::Waiting, State::Open] {
        for command in [Command::Flag, Command::AccountChange, Command::SecondRequest] {
            let after = seen(perform(ticket(state), command));
            assert_eq!(after.ticket.state, state);
            assert!(!after.effects.contains(&"void approvals") && !after.effects.contains(&"kill key"));
            assert_eq!(after.actions.len(), 1);
        }
    }
}

#[test]
fn without_evidence_that_satisfies_the_tier_there_is_no_approval() {
    use Method::{Callback, CurrentCode, HostSession, InPerson, MailboxCode, ManagerVouch, RecoveryCode};
    let (independent, strong) = (Missing::Independent, Missing::Strong);
    for (tier, methods, missing) in [
        (Tier::Standard, vec![], vec![independent]),
        (Tier::Standard, vec![MailboxCode, HostSession], vec![independent]),
        (Tier::Standard, vec![RecoveryCode], vec![]),
        (Tier::Privileged, vec![], vec![independent, strong]),
        (Tier::Privileged, vec![InPerson, MailboxCode, HostSession], vec![independent]),
        (Tier::Privileged, vec![InPerson, InPerson], vec![independent]),
        (Tier::Privileged, vec![Callback, RecoveryCode, CurrentCode], vec![strong]),
        (Tier::Privileged, vec![CurrentCode, ManagerVouch], vec![]),
    ] {
        let result = perform_but(of_tier(tier, State::InReview), Command::Approve, |act| {
            act.evidence = methods.iter().map(|method| passed(*method)).collect();
        });
        if missing.is_empty() {
            assert!(result.is_ok(), "{tier} {methods:?}");
        } else {
            assert_eq!(refusal(result), Rejection::PolicyNotMet(missing), "{tier} {methods:?}");
        }
    }
}

#[test]
fn the_second_approver_s_evidence_is_judged_anew() {
    let result = perform_but(privileged(State::AwaitingApproval), Command::Approve, |act| {
        act.evidence = enough(Tier::Standard);
    });
    let missing = vec![Missing::Independent, Missing::Strong];
    assert_eq!(refusal(result), Rejection::PolicyNotMet(missing));
}

#[test]
fn a_second_request_blocks_the_approval_until_the_holder_recorded_whose_it_is() {
    let blocked = Ticket { undecided: true, ..ticket(State::InReview) };
    let missing = vec![Missing::RequestDecision];
    assert_eq!(refusal(approve(blocked.clone())), Rejection::PolicyNotMet(missing));
    let decided = seen(perform(blocked, Command::KeepRequest)).ticket;
    assert!(approve(decided).is_ok());
}

#[test]
fn privileged_is_not_approved_before_its_pin_was_made() {
    let without = Ticket { pin_made: false, ..privileged(State::InReview) };
    assert_eq!(refusal(approve(without)), Rejection::PolicyNotMet(vec![Missing::Pin]));
    assert!(approve(ticket(State::InReview)).is_ok(), "standard needs none");
}

#[test]
fn a_standard_tier_that_asks_for_a_pin_is_not_approved_without_one_either() {
    let result = perform_but(ticket(State::InReview), Command::Approve, |act| {
        act.policy.standard.proof = ProofRule::PinAndPassword;
    });
    assert_eq!(refusal(result), Rejection::PolicyNotMet(vec![Missing::Pin]));
}

#[test]
fn an_approval_needs_a_fresh_code() {
    let result = perform_but(ticket(State::InReview), Command::Approve, |act| act.by.stepped_up = false);
    assert_eq!(refusal(result), Rejection::StepUpRequired);
}

#[test]
fn a_policy_may_want_two_persons_for_standard_and_one_with_a_long_hold_for_privileged() {
    let two = perform_but(ticket(State::InReview), Command::Approve, |act| act.policy.standard.people = 2);
    assert_eq!(seen(two).ticket.state, State::AwaitingApproval);
    let one = perform_but(privileged(State::InReview), Command::Approve, |act| {
        act.policy.privileged.people = 1;
        act.policy.privileged.hold = hours(72);
    });
    let after = seen(one).ticket;
    assert_eq!((after.state, after.expires_at), (State::Approved, Some(noon() + hours(72))));
}

#[test]
fn methods_that_the_policy_does_not_name_do_not_count() {
    let result = perform_but(ticket(State::InReview), Command::Approve, |act| {
        act.policy.standard.methods = BTreeSet::from([Method::InPerson]);
    });
    assert_eq!(refusal(result), Rejection::PolicyNotMet(vec![Missing::Independent]));
}

#[test]
fn a_stolen_device_is_suspended_at_once_when_the_approval_is_complete() {
    let stolen = |ticket| Ticket { problem: Problem::StolenDevice, ..ticket };
    let one = seen(approve(stolen(ticket(State::InReview))));
    assert_eq!(one.effects, ["add approval", "suspend former", "end sessions"]);
    let first = seen(approve(stolen(privileged(State::InReview))));
    assert_eq!(first.effects, ["add approval"], "half an approval suspends nothing");
    let second = seen(approve(stolen(privileged(State::AwaitingApproval))));
    assert_eq!(second.effects, ["add approval", "suspend former", "end sessions"]);
}

#[test]
fn a_device_that_is_not_stolen_keeps_working_until_the_new_key_is_proven() {
    for problem in Problem::ALL.iter().filter(|problem| **problem != Problem::StolenDevice) {
        let after = seen(approve(Ticket { problem: *problem, ..ticket(State::InReview) }));
        assert!(!after.effects.contains(&"suspend former"), "{problem}");
    }
}

#[test]
fn the_entry_of_an_approval_says_which_it_is_in_which_tier_and_why() {
    for (before, number) in [(privileged(State::InReview), "1"), (privileged(State::AwaitingApproval), "2")] {
        let parts = approve(before).unwrap().into_parts();
        let said: Vec<_> =
            parts.events[0].details.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            said,
            [
                ("tier", "privileged"),
                ("approval", number),
                ("address", "ada@example.com"),
                ("reason", "known by voice")
            ]
        );
    }
}
