//! The key: generated when it is sent, reissued thrice at most, live once it is proven.

use super::act::{perform, perform_but};
use super::seen::{Seen, refusal, seen};
use super::{a_second, enough, hours, noon, policy, privileged, ticket};
use crate::domain::Time;
use crate::domain::event::Action;
use crate::domain::letter::CodesAsked;
use crate::domain::policy::{Missing, ProofRule, Tier};
use crate::domain::proof::Proof;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, Effect, State, Ticket, Transition};

fn at(ticket: Ticket, command: Command, now: Time) -> Result<Transition, Rejection> {
    perform_but(ticket, command, |act| act.now = now)
}

fn issued_until(seen: &Seen) -> Time {
    let issued = |effect: &Effect| match effect {
        Effect::IssueKey(key) => Some(key.expires_at),
        _ => None,
    };
    seen.raw.iter().find_map(issued).unwrap()
}

#[test]
fn no_key_is_generated_while_the_hold_runs() {
    let ends = ticket(State::Approved).expires_at.unwrap();
    let early = at(ticket(State::Approved), Command::Issue, ends - a_second());
    assert_eq!(refusal(early), Rejection::OutOfOrder);
    assert!(at(ticket(State::Approved), Command::Issue, ends).is_ok());
}

#[test]
fn no_command_but_issue_and_reissue_makes_a_key() {
    for state in State::ALL {
        for command in Command::ALL {
            let Ok(after) = perform(ticket(*state), *command) else { continue };
            let makes = seen(Ok(after)).effects.contains(&"issue key");
            assert_eq!(makes, matches!(command, Command::Issue | Command::Reissue), "{state} {command}");
        }
    }
}

#[test]
fn a_key_that_is_sent_lives_for_24_hours() {
    let after = seen(perform(ticket(State::Approved), Command::Issue));
    assert_eq!(after.ticket.expires_at, Some(noon() + hours(24)));
    assert_eq!(issued_until(&after), noon() + hours(24));
    assert_eq!(after.setup_key().expires_at, noon() + hours(24));
    assert_eq!(after.effects, ["kill key", "issue key"]);
    assert_eq!(after.actions, [Action::KeySent]);
    assert_eq!((after.ticket.due_at, after.ticket.due_left), (None, None), "nothing is left to answer");
}

#[test]
fn while_a_second_request_is_undecided_nothing_is_issued() {
    let undecided = Ticket { undecided: true, ..ticket(State::Approved) };
    assert_eq!(refusal(perform(undecided, Command::Issue)), Rejection::OutOfOrder);
}

#[test]
fn a_reissue_kills_the_former_key_and_counts() {
    let after = seen(perform(ticket(State::KeySent), Command::Reissue));
    assert_eq!(after.effects, ["kill key", "issue key"]);
    assert_eq!(after.ticket.reissues, 1);
    assert_eq!(after.actions, [Action::KeyReissued]);
    assert_eq!(after.ticket.expires_at, Some(noon() + hours(24)));
}

#[test]
fn a_key_is_reissued_three_times_at_most() {
    let after = |reissues| perform(Ticket { reissues, ..ticket(State::KeySent) }, Command::Reissue);
    assert!(after(2).is_ok());
    assert_eq!(refusal(after(3)), Rejection::TooManyTries(None));
    assert_eq!(refusal(after(4)), Rejection::TooManyTries(None));
}

#[test]
fn no_reissue_and_no_reissued_key_goes_past_72_hours_after_the_approval() {
    let approved_at = noon() - hours(60);
    let sent = || Ticket { approved_at: Some(approved_at), ..ticket(State::KeySent) };
    let after = seen(perform(sent(), Command::Reissue));
    assert_eq!(issued_until(&after), approved_at + hours(72));
    assert_eq!(after.ticket.expires_at, Some(approved_at + hours(72)));
    for (age, allowed) in [(hours(72) - a_second(), true), (hours(72), false)] {
        let late = Ticket { approved_at: Some(noon() - age), ..ticket(State::KeySent) };
        assert_eq!(perform(late, Command::Reissue).is_ok(), allowed);
    }
}

#[test]
fn a_reissue_meets_the_policy_anew_with_a_fresh_code() {
    let without = perform_but(ticket(State::KeySent), Command::Reissue, |act| act.evidence.clear());
    assert_eq!(refusal(without), Rejection::PolicyNotMet(vec![Missing::Independent]));
    let stale = perform_but(ticket(State::KeySent), Command::Reissue, |act| act.by.stepped_up = false);
    assert_eq!(refusal(stale), Rejection::StepUpRequired);
    let standard = perform_but(privileged(State::KeySent), Command::Reissue, |act| {
        act.evidence = enough(Tier::Standard);
    });
    assert!(matches!(refusal(standard), Rejection::PolicyNotMet(_)));
}

#[test]
fn a_key_whose_time_is_over_is_neither_proven_nor_reissued() {
    let ends = ticket(State::KeySent).expires_at.unwrap();
    for command in [Command::Activate, Command::Reissue] {
        let sent = || Ticket { approved_at: Some(ends - hours(24)), ..ticket(State::KeySent) };
        let give = |now| {
            perform_but(sent(), command, |act| {
                act.now = now;
                for one in &mut act.evidence {
                    one.at = now - hours(1);
                }
            })
        };
        assert!(give(ends - a_second()).is_ok(), "{command}");
        assert_eq!(refusal(give(ends)), Rejection::OutOfOrder, "{command}");
    }
}

#[test]
fn proving_the_key_completes_the_ticket_with_the_step_that_was_accepted() {
    let after = seen(perform(ticket(State::KeySent), Command::Activate));
    assert_eq!(after.effects, ["activate key", "end sessions", "drop pin"]);
    assert!(matches!(after.raw.first(), Some(Effect::ActivateKey { step: 77 })));
    assert_eq!(after.actions, [Action::Completed]);
    assert_eq!(after.ticket.expires_at, None);
}

#[test]
fn whatever_ends_or_undoes_a_sent_key_kills_it() {
    for command in [
        Command::Bounce,
        Command::AccountChange,
        Command::ShutOut,
        Command::Flag,
        Command::SecondRequest,
        Command::Reject,
        Command::Withdraw,
        Command::Freeze,
        Command::Expire,
    ] {
        let after = seen(perform(ticket(State::KeySent), command));
        assert!(after.effects.contains(&"kill key"), "{command}");
        assert_eq!(after.ticket.expires_at, None, "{command}");
        if matches!(after.ticket.state, State::InReview | State::Open) {
            assert!(after.effects.contains(&"void approvals"), "{command}");
            assert_eq!(after.ticket.approved_at, None, "{command}");
        }
    }
}

#[test]
fn whatever_leaves_the_ticket_with_its_key_leaves_the_key_alone() {
    for command in [Command::Evidence, Command::Note, Command::Reply, Command::TakeOver, Command::Return] {
        let after = seen(perform(ticket(State::KeySent), command));
        assert_eq!(after.ticket.state, State::KeySent, "{command}");
        assert!(!after.effects.contains(&"kill key"), "{command}");
    }
}

#[test]
fn a_pin_where_one_was_made_and_then_nothing_else_will_do() {
    let with = |pin_made| Ticket { pin_made, ..ticket(State::KeySent) };
    assert_eq!(with(true).proof(&policy()), Proof::Pin);
    assert_eq!(with(false).proof(&policy()), Proof::PasswordOrRecoveryCode);
    assert_eq!(privileged(State::KeySent).proof(&policy()), Proof::PinAndPassword);
}

#[test]
fn a_key_goes_live_at_sign_in_only_for_standard_tickets_without_a_pin() {
    let asks = |ticket: &Ticket| ticket.activates_at_sign_in(&policy());
    assert!(asks(&ticket(State::KeySent)));
    assert!(!asks(&Ticket { pin_made: true, ..ticket(State::KeySent) }));
    assert!(!asks(&privileged(State::KeySent)));
    assert!(!asks(&Ticket { pin_made: false, ..privileged(State::KeySent) }));
}

#[test]
fn a_privileged_key_never_goes_live_at_sign_in_however_lax_the_policy() {
    let mut lax = policy();
    lax.privileged = lax.standard.clone();
    let without = Ticket { pin_made: false, ..privileged(State::KeySent) };
    assert!(!without.activates_at_sign_in(&lax));
}

#[test]
fn a_standard_tier_that_wants_two_codes_or_a_pin_does_not_go_live_at_sign_in() {
    let mut two = policy();
    two.standard.codes = 2;
    assert!(!ticket(State::KeySent).activates_at_sign_in(&two));
    let mut both = policy();
    both.standard.proof = ProofRule::PinAndPassword;
    assert!(!ticket(State::KeySent).activates_at_sign_in(&both));
}

#[test]
fn the_letter_says_what_activation_will_ask_for() {
    let standard = seen(perform(ticket(State::Approved), Command::Issue));
    let facts = standard.setup_key();
    assert_eq!((facts.proof, facts.codes), (Proof::PasswordOrRecoveryCode, CodesAsked::One));
    assert!(facts.sign_in_activates);
    let privileged = seen(perform(privileged(State::Approved), Command::Issue));
    let facts = privileged.setup_key();
    assert_eq!((facts.proof, facts.codes), (Proof::PinAndPassword, CodesAsked::Two));
    assert!(!facts.sign_in_activates);
}
