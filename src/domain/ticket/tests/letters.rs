//! The letters of each transition, and to whom: all others send none.

use super::act::{perform, perform_but};
use super::seen::seen;
use super::{hours, noon, privileged, ticket};
use crate::domain::evidence::Method;
use crate::domain::ids::TicketId;
use crate::domain::letter::{Content, Lapsed, Purpose};
use crate::domain::ticket::Recipients::{self, Everyone, Others, Ticket as OnFile};
use crate::domain::ticket::{Command, State, Ticket};

/// What product.md has sent to whom; every pair of state and command that is not here sends nothing.
const LETTERS: [(Command, State, Recipients, Purpose); 19] = [
    (Command::Confirm, State::Unconfirmed, Everyone, Purpose::TicketOpened),
    (Command::Claim, State::Unconfirmed, Everyone, Purpose::TicketOpened),
    (Command::Ask, State::InReview, OnFile, Purpose::NeedsAnswer),
    (Command::Issue, State::Approved, OnFile, Purpose::SetupKey),
    (Command::Reissue, State::KeySent, OnFile, Purpose::SetupKey),
    (Command::Activate, State::KeySent, Everyone, Purpose::Completed),
    (Command::Reject, State::Open, Everyone, Purpose::Rejected),
    (Command::Reject, State::InReview, Everyone, Purpose::Rejected),
    (Command::Reject, State::Waiting, Everyone, Purpose::Rejected),
    (Command::Reject, State::AwaitingApproval, Everyone, Purpose::Rejected),
    (Command::Reject, State::Approved, Everyone, Purpose::Rejected),
    (Command::Reject, State::KeySent, Everyone, Purpose::Rejected),
    (Command::Expire, State::Waiting, OnFile, Purpose::Expired),
    (Command::Expire, State::KeySent, OnFile, Purpose::Expired),
    (Command::Freeze, State::Completed, Everyone, Purpose::Frozen),
    (Command::Freeze, State::Open, Everyone, Purpose::Frozen),
    (Command::Freeze, State::InReview, Everyone, Purpose::Frozen),
    (Command::Freeze, State::KeySent, Everyone, Purpose::Frozen),
    (Command::Freeze, State::Waiting, Everyone, Purpose::Frozen),
];

#[test]
fn each_transition_sends_its_letters_and_no_others() {
    for state in State::ALL {
        for command in Command::ALL {
            let Ok(after) = perform(ticket(*state), *command) else { continue };
            let mut expected: Vec<_> = LETTERS
                .iter()
                .filter(|(when, from, ..)| (when, from) == (command, state))
                .map(|(.., to, what)| (*to, *what))
                .collect();
            match (command, state) {
                (Command::Reply, _) => expected.push((OnFile, Purpose::StaffReply)),
                (Command::AddressChange, State::Unconfirmed | State::Completed) => {}
                (Command::AddressChange, _) => expected.push((Others, Purpose::AddressChanged)),
                (Command::Freeze, State::AwaitingApproval | State::Approved) => {
                    expected.push((Everyone, Purpose::Frozen));
                }
                _ => {}
            }
            assert_eq!(seen(Ok(after)).mails, expected, "{state} {command}");
        }
    }
}

#[test]
fn an_approval_with_a_hold_is_told_to_everyone_with_its_end() {
    let after = seen(perform(privileged(State::AwaitingApproval), Command::Approve));
    assert_eq!(after.mails, [(Everyone, Purpose::Approved)]);
    let Content::Approved { hold_until } = &after.contents[0] else { panic!("another letter") };
    assert_eq!(*hold_until, Some(noon() + hours(24)));
}

#[test]
fn half_an_approval_and_one_without_a_hold_are_told_to_nobody() {
    assert!(seen(perform(privileged(State::InReview), Command::Approve)).mails.is_empty());
    assert!(seen(perform(ticket(State::InReview), Command::Approve)).mails.is_empty());
}

#[test]
fn a_duplicate_is_told_to_everyone_like_any_other_ticket() {
    let result =
        ticket(State::Unconfirmed).confirm_as_duplicate(Method::MailboxCode, TicketId::new("first"), noon());
    assert_eq!(seen(result).mails, [(Everyone, Purpose::TicketOpened)]);
}

#[test]
fn what_was_never_confirmed_ends_without_a_letter() {
    for command in [Command::Reject, Command::Withdraw, Command::Close, Command::Expire] {
        assert!(seen(perform(ticket(State::Unconfirmed), command)).mails.is_empty(), "{command}");
    }
    assert!(seen(ticket(State::Unconfirmed).disown(noon())).mails.is_empty());
}

#[test]
fn a_letter_about_an_end_says_what_ran_out() {
    for (state, what) in [(State::Waiting, Lapsed::Answer), (State::KeySent, Lapsed::Key)] {
        let after = seen(perform(ticket(state), Command::Expire));
        assert!(matches!(&after.contents[..], [Content::Expired { what: told }] if *told == what), "{state}");
    }
}

#[test]
fn a_question_says_until_when() {
    let after = seen(perform(ticket(State::InReview), Command::Ask));
    let Content::NeedsAnswer { until } = &after.contents[0] else { panic!("another letter") };
    assert_eq!(*until, noon() + hours(7 * 24));
}

#[test]
fn the_notice_and_the_completion_carry_their_facts() {
    let opened = seen(perform(ticket(State::Unconfirmed), Command::Confirm));
    let Content::TicketOpened { opened_at, problem } = &opened.contents[0] else { panic!("another letter") };
    let before = ticket(State::Unconfirmed);
    assert_eq!((*opened_at, *problem), (before.opened_at, before.problem));
    let done = seen(perform(ticket(State::KeySent), Command::Activate));
    assert!(matches!(&done.contents[..], [Content::Completed { at }] if *at == noon()));
}

#[test]
fn a_key_goes_to_the_address_of_the_ticket_and_to_no_other() {
    for (command, state) in [(Command::Issue, State::Approved), (Command::Reissue, State::KeySent)] {
        let before = Ticket { address: Some("as it was opened".into()), ..ticket(state) };
        let after = seen(perform_but(before, command, |act| act.key = "new"));
        assert_eq!(after.mails, [(OnFile, Purpose::SetupKey)]);
        assert_eq!(after.ticket.address.as_deref(), Some("as it was opened"));
    }
}
