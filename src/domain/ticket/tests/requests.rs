//! Beginning: submitted, confirmed, several requests for one account, and trying codes.

use super::act::{perform, perform_but};
use super::seen::{refusal, seen};
use super::{a_second, agent, hours, noon, policy, ticket};
use crate::domain::event::Action;
use crate::domain::evidence::{Method, Outcome};
use crate::domain::ids::{EvidenceId, TicketId};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Command, MessageKind, State, Ticket};

#[test]
fn a_request_begins_unconfirmed_and_sends_nothing_to_anybody() {
    let new = Ticket { version: 0, state: State::Open, expires_at: None, ..ticket(State::Open) };
    let after = seen(Ok(new.submitted(&policy(), "my phone".into(), noon())));
    assert_eq!((after.ticket.state, after.ticket.version), (State::Unconfirmed, 1));
    assert_eq!(after.ticket.expires_at, Some(noon() + hours(24)));
    assert!(after.mails.is_empty() && after.effects.is_empty());
    assert_eq!((after.messages[0].kind, after.messages[0].body.as_str()), (MessageKind::Request, "my phone"));
    assert_eq!(after.actions, [Action::Opened]);
}

#[test]
fn a_request_without_a_text_has_no_message() {
    let new = Ticket { version: 0, ..ticket(State::Unconfirmed) };
    assert!(seen(Ok(new.submitted(&policy(), String::new(), noon()))).messages.is_empty());
}

#[test]
fn a_confirmed_ticket_waits_for_an_agent_and_has_a_deadline() {
    let after = seen(perform(ticket(State::Unconfirmed), Command::Confirm));
    assert_eq!(after.ticket.confirmed_at, Some(noon()));
    assert_eq!(after.ticket.due_at, Some(noon() + hours(4)));
    assert_eq!(after.ticket.expires_at, None);
    assert_eq!(after.evidence(), [(Method::MailboxCode, Outcome::Passed)]);
}

#[test]
fn a_session_at_the_host_is_its_own_evidence() {
    let result =
        ticket(State::Unconfirmed).confirm(Method::HostSession, EvidenceId::new("e"), &policy(), noon());
    assert_eq!(seen(result).evidence(), [(Method::HostSession, Outcome::Passed)]);
}

#[test]
fn a_code_typed_after_an_agent_took_the_ticket_adds_evidence_and_moves_nothing() {
    let before = ticket(State::InReview);
    let after = seen(perform(before.clone(), Command::Confirm));
    assert_eq!(after.ticket, Ticket { version: before.version + 1, ..before });
    assert_eq!(after.evidence(), [(Method::MailboxCode, Outcome::Passed)]);
}

#[test]
fn a_ticket_that_is_claimed_unconfirmed_has_no_mailbox_evidence() {
    let after = seen(perform(ticket(State::Unconfirmed), Command::Claim));
    assert_eq!(after.evidence(), []);
    assert_eq!((after.ticket.confirmed_at, after.ticket.holder), (Some(noon()), Some(agent().id)));
    assert_eq!(after.ticket.expires_at, None);
}

#[test]
fn a_confirmed_ticket_keeps_the_time_of_its_confirmation_when_it_is_claimed() {
    let before = ticket(State::Open);
    let confirmed_at = before.confirmed_at;
    assert_eq!(seen(perform(before, Command::Claim)).ticket.confirmed_at, confirmed_at);
}

#[test]
fn a_ticket_of_nobody_is_neither_confirmed_nor_claimed() {
    for command in [Command::Confirm, Command::Claim] {
        let nobodys = Ticket { account: None, ..ticket(State::Unconfirmed) };
        assert_eq!(refusal(perform(nobodys, command)), Rejection::OutOfOrder, "{command}");
    }
}

#[test]
fn a_ticket_that_ran_out_unconfirmed_is_neither_confirmed_nor_claimed() {
    let ends = ticket(State::Unconfirmed).expires_at.unwrap();
    for command in [Command::Confirm, Command::Claim] {
        let at = |now| perform_but(ticket(State::Unconfirmed), command, |act| act.now = now);
        assert!(at(ends - a_second()).is_ok(), "{command}");
        assert_eq!(refusal(at(ends)), Rejection::OutOfOrder, "{command}");
    }
    let duplicate = |now| {
        ticket(State::Unconfirmed).confirm_as_duplicate(Method::MailboxCode, TicketId::new("first"), now)
    };
    assert!(duplicate(ends - a_second()).is_ok());
    assert_eq!(refusal(duplicate(ends)), Rejection::OutOfOrder);
}

#[test]
fn a_question_that_ran_out_takes_no_answer_no_proof_and_no_resuming() {
    let ends = ticket(State::Waiting).expires_at.unwrap();
    let commands = [Command::Answer, Command::Prove, Command::Vouch, Command::Resume, Command::Release];
    for command in commands {
        let at = |now| perform_but(ticket(State::Waiting), command, |act| act.now = now);
        assert!(at(ends - a_second()).is_ok(), "{command}");
        assert_eq!(refusal(at(ends)), Rejection::OutOfOrder, "{command}");
    }
}

#[test]
fn a_requester_still_writes_when_the_hold_is_over() {
    let late = ticket(State::Approved).expires_at.unwrap() + hours(1);
    assert!(perform_but(ticket(State::Approved), Command::Answer, |act| act.now = late).is_ok());
}

#[test]
fn a_second_request_is_undecided_until_the_holder_records_whose_it_is() {
    for state in [State::Open, State::InReview, State::Waiting, State::Frozen] {
        let after = seen(perform(ticket(state), Command::SecondRequest));
        assert!(after.ticket.undecided);
        assert_eq!(after.effects, ["add risk"]);
    }
    let undecided = Ticket { undecided: true, ..ticket(State::InReview) };
    let decided = seen(perform(undecided, Command::KeepRequest)).ticket;
    assert_eq!((decided.undecided, decided.kept), (false, Some(TicketId::new("ticket"))));
}

#[test]
fn no_key_lives_on_beside_an_undecided_request() {
    let after = seen(perform(ticket(State::KeySent), Command::SecondRequest));
    assert_eq!((after.ticket.state, after.ticket.undecided), (State::InReview, true));
    assert_eq!(after.effects, ["add risk", "void approvals", "kill key"]);
}

#[test]
fn codes_are_tried_three_times_on_a_ticket() {
    let mut standing = ticket(State::Open);
    for tries in 1..=3 {
        standing = seen(perform(standing, Command::Diagnose)).ticket;
        assert_eq!(standing.diagnoses, tries);
    }
    assert_eq!(refusal(perform(standing, Command::Diagnose)), Rejection::TooManyTries(None));
}

#[test]
fn a_finding_is_no_evidence_and_is_told_to_the_agent() {
    let facts = vec![("offset_seconds", "-95".to_owned())];
    let parts = ticket(State::Open).diagnosed("clock_off", facts, noon()).unwrap().into_parts();
    assert!(parts.effects.is_empty() && parts.mails.is_empty());
    let details: Vec<_> =
        parts.events[0].details.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(details, [("finding", "clock_off"), ("offset_seconds", "-95")]);
}

#[test]
fn a_ticket_that_is_raised_is_privileged() {
    let mut standing = ticket(State::Open);
    standing.raise();
    assert_eq!(standing.tier, crate::domain::policy::Tier::Privileged);
}

#[test]
fn each_message_is_kept_with_its_kind_and_its_author() {
    for (command, state, kind, body) in [
        (Command::Ask, State::InReview, MessageKind::Question, "which phone?"),
        (Command::Answer, State::Waiting, MessageKind::Answer, "this one"),
        (Command::Reply, State::Open, MessageKind::Reply, "soon"),
        (Command::Note, State::Closed, MessageKind::Note, "called"),
    ] {
        let messages = seen(perform(ticket(state), command)).messages;
        let author = (kind != MessageKind::Answer).then(|| agent().id);
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].kind, messages[0].body.as_str()), (kind, body));
        assert_eq!(messages[0].author, author);
    }
}
