//! Evidence: who records what, how long it counts, and what a failure does.

use super::act::{perform, perform_but};
use super::seen::{refusal, seen};
use super::{a_second, agent, approver, hours, noon, other_agent, passed, privileged, recorded, ticket};
use crate::domain::event::Action;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::EvidenceId;
use crate::domain::policy::{Missing, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, Effect, State, Ticket, Transition};

fn record(ticket: Ticket, method: Method, outcome: Outcome) -> Result<Transition, Rejection> {
    perform_but(ticket, Command::Evidence, |act| {
        act.method = method;
        act.outcome = outcome;
    })
}

#[test]
fn staff_record_callback_video_and_counter_and_the_machine_the_others() {
    for method in Method::ALL {
        let result = record(ticket(State::InReview), *method, Outcome::Passed);
        let theirs = matches!(method, Method::Callback | Method::VideoWithId | Method::InPerson);
        if theirs {
            assert_eq!(seen(result).evidence(), [(*method, Outcome::Passed)]);
        } else {
            assert!(matches!(refusal(result), Rejection::Invalid(_)), "{method}");
        }
    }
}

#[test]
fn evidence_is_recorded_with_its_agent_its_note_and_its_time() {
    let after = seen(record(ticket(State::InReview), Method::Callback, Outcome::Passed));
    let Some(Effect::RecordEvidence(evidence, note)) = after.raw.first() else { panic!("none recorded") };
    assert_eq!((&evidence.by, evidence.at, note.as_str()), (&Some(agent().id), noon(), "a note"));
    assert_eq!(after.actions, [Action::EvidenceRecorded]);
}

#[test]
fn what_the_machine_records_has_no_agent() {
    for command in [Command::Confirm, Command::Prove, Command::Vouch] {
        let after = seen(perform(ticket(State::InReview), command));
        let Some(Effect::RecordEvidence(evidence, _)) = after.raw.first() else { panic!("none recorded") };
        assert_eq!((&evidence.by, evidence.at, evidence.outcome), (&None, noon(), Outcome::Passed));
    }
}

#[test]
fn the_manager_s_word_and_the_requester_s_proofs_are_told_apart() {
    let prove = |method| ticket(State::Open).proven(method, EvidenceId::new("e"), noon());
    for method in [Method::RecoveryCode, Method::CurrentCode, Method::ManagerVouch] {
        assert_eq!(seen(prove(method)).evidence(), [(method, Outcome::Passed)]);
    }
}

#[test]
fn a_failure_raises_the_tier_and_is_shown() {
    let after = seen(record(ticket(State::InReview), Method::Callback, Outcome::Failed));
    assert_eq!(after.ticket.tier, Tier::Privileged);
    assert_eq!(after.effects, ["record evidence", "add risk", "drop pin"]);
    let passed = seen(record(ticket(State::InReview), Method::Callback, Outcome::Passed));
    assert_eq!(passed.ticket.tier, Tier::Standard);
    assert_eq!(passed.effects, ["record evidence"]);
}

#[test]
fn a_failure_kills_a_key_that_was_sent() {
    let after = seen(record(ticket(State::KeySent), Method::Callback, Outcome::Failed));
    assert_eq!((after.ticket.state, after.ticket.approved_at), (State::InReview, None));
    assert!(after.effects.contains(&"kill key") && after.effects.contains(&"void approvals"));
}

#[test]
fn a_pass_after_the_key_was_sent_leaves_the_key_alone() {
    let after = seen(record(ticket(State::KeySent), Method::Callback, Outcome::Passed));
    assert_eq!(after.ticket.state, State::KeySent);
    assert_eq!(after.effects, ["record evidence"]);
}

#[test]
fn a_failure_kills_the_pin_since_the_wrong_person_may_have_been_told_it() {
    let with_pin = Ticket { pin_made: true, ..ticket(State::InReview) };
    assert!(!seen(record(with_pin.clone(), Method::Callback, Outcome::Failed)).ticket.pin_made);
    assert!(seen(record(with_pin, Method::Callback, Outcome::Passed)).ticket.pin_made);
}

#[test]
fn who_saw_a_method_fail_cannot_pass_it_later_but_somebody_else_can() {
    let failed = vec![recorded(Method::Callback, Outcome::Failed, &agent(), noon() - hours(1))];
    let again = |by, holder, method, outcome| {
        let held = Ticket { holder: Some(holder), ..ticket(State::InReview) };
        perform_but(held, Command::Evidence, |act| {
            act.by = by;
            act.evidence.clone_from(&failed);
            act.method = method;
            act.outcome = outcome;
        })
    };
    let own = again(agent(), agent().id, Method::Callback, Outcome::Passed);
    assert_eq!(refusal(own), Rejection::FailedBefore);
    assert!(again(agent(), agent().id, Method::Callback, Outcome::Failed).is_ok());
    assert!(again(agent(), agent().id, Method::InPerson, Outcome::Passed).is_ok());
    assert!(again(other_agent(), other_agent().id, Method::Callback, Outcome::Passed).is_ok());
    assert!(again(approver(), approver().id, Method::Callback, Outcome::Passed).is_ok());
}

#[test]
fn who_passed_a_method_may_record_it_again() {
    let result = perform_but(ticket(State::InReview), Command::Evidence, |act| {
        act.evidence = vec![recorded(Method::Callback, Outcome::Passed, &agent(), noon() - hours(1))];
        act.method = Method::Callback;
    });
    assert!(result.is_ok());
}

#[test]
fn a_failure_takes_back_what_passed_before_it_by_the_same_method() {
    let missing = |evidence: &[Evidence]| ticket(State::InReview).missing(&super::policy(), evidence, noon());
    let one = |outcome, ago| recorded(Method::Callback, outcome, &agent(), noon() - ago);
    let fail = one(Outcome::Failed, hours(1));
    assert_eq!(missing(&[one(Outcome::Passed, hours(2)), fail.clone()]), [Missing::Independent]);
    assert_eq!(missing(&[one(Outcome::Passed, hours(1)), fail.clone()]), [Missing::Independent], "at once");
    assert_eq!(missing(&[fail.clone(), one(Outcome::Passed, hours(1) - a_second())]), []);
    assert_eq!(missing(&[passed(Method::InPerson), fail]), [], "other methods stand");
}

#[test]
fn a_failure_takes_back_what_passed_before_it_though_the_clock_was_put_back() {
    let pass = recorded(Method::Callback, Outcome::Passed, &other_agent(), noon() + hours(3));
    let failed = perform_but(ticket(State::InReview), Command::Evidence, |act| {
        (act.method, act.outcome, act.evidence) = (Method::Callback, Outcome::Failed, vec![pass.clone()]);
    });
    let recorded = failed.unwrap().into_parts().effects.into_iter().find_map(|effect| match effect {
        Effect::RecordEvidence(evidence, _) => Some(evidence),
        _ => None,
    });
    let missing = ticket(State::InReview).missing(&super::policy(), &[pass, recorded.unwrap()], noon());
    assert_eq!(missing, [Missing::Independent]);
}

#[test]
fn evidence_counts_for_24_hours() {
    let approve = |age| {
        perform_but(ticket(State::InReview), Command::Approve, |act| {
            act.evidence = vec![recorded(Method::Callback, Outcome::Passed, &agent(), noon() - age)];
        })
    };
    assert!(approve(hours(24) - a_second()).is_ok());
    let old = refusal(approve(hours(24)));
    assert_eq!(old, Rejection::PolicyNotMet(vec![Missing::Independent]));
}

#[test]
fn old_evidence_makes_no_pin() {
    let pin = |age| {
        perform_but(ticket(State::InReview), Command::MakePin, |act| {
            act.evidence = vec![recorded(Method::Callback, Outcome::Passed, &agent(), noon() - age)];
        })
    };
    assert!(pin(hours(24) - a_second()).is_ok());
    assert_eq!(refusal(pin(hours(24))), Rejection::PolicyNotMet(vec![Missing::Independent]));
}

#[test]
fn a_pin_takes_the_place_of_the_former_and_is_remembered() {
    let after = seen(perform(ticket(State::InReview), Command::MakePin));
    assert!(after.ticket.pin_made);
    assert_eq!(after.effects, ["set pin"]);
    assert_eq!(after.actions, [Action::PinMade]);
}

#[test]
fn a_pin_of_a_privileged_ticket_wants_privileged_evidence() {
    let fresh = Ticket { pin_made: false, ..privileged(State::InReview) };
    let result = perform_but(fresh, Command::MakePin, |act| act.evidence = super::enough(Tier::Standard));
    let missing = vec![Missing::Independent, Missing::Strong];
    assert_eq!(refusal(result), Rejection::PolicyNotMet(missing));
}

#[test]
fn the_tier_is_raised_by_flags_failures_and_changes_and_by_nothing_else_and_never_lowered() {
    for state in State::ALL {
        for command in Command::ALL {
            for tier in Tier::ALL {
                let before = super::act::of_tier(*tier, *state);
                let Ok(after) = perform(before, *command) else { continue };
                let ended = matches!(state, State::Unconfirmed | State::Completed | State::Closed);
                let raises = matches!(command, Command::Flag | Command::AccountChange)
                    || (*command == Command::AddressChange && !ended);
                let expected = if raises { Tier::Privileged } else { *tier };
                assert_eq!(seen(Ok(after)).ticket.tier, expected, "{state} {command}");
            }
        }
    }
}

#[test]
fn a_change_that_raises_nothing_still_undoes_the_approval() {
    let result = perform_but(ticket(State::Approved), Command::AccountChange, |act| act.raise = false);
    let after = seen(result).ticket;
    assert_eq!((after.tier, after.state), (Tier::Standard, State::InReview));
}
