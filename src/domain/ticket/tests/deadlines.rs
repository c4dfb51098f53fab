//! The clock of the service level, and by what the queues are sorted.

use super::act::{perform, perform_but};
use super::seen::seen;
use super::{hours, noon, ticket};
use crate::domain::ticket::{Command, State, Ticket};

#[test]
fn the_clock_stands_still_while_the_requester_is_asked() {
    let asked = seen(perform(ticket(State::InReview), Command::Ask)).ticket;
    assert_eq!((asked.due_at, asked.due_left), (None, Some(2 * 3600)));
    assert_eq!(asked.expires_at, Some(noon() + hours(7 * 24)));
    for command in [Command::Answer, Command::Resume, Command::Release] {
        let after = seen(perform_but(asked.clone(), command, |act| act.now = noon() + hours(50))).ticket;
        assert_eq!((after.due_at, after.due_left), (Some(noon() + hours(52)), None), "{command}");
        assert_eq!(after.expires_at, None, "{command}");
    }
}

#[test]
fn a_deadline_is_kept_by_claiming_and_releasing() {
    let due_at = ticket(State::Open).due_at;
    assert_eq!(seen(perform(ticket(State::Open), Command::Claim)).ticket.due_at, due_at);
    assert_eq!(seen(perform(ticket(State::InReview), Command::Release)).ticket.due_at, due_at);
}

#[test]
fn a_ticket_that_comes_back_after_its_key_was_sent_has_a_new_deadline() {
    let after = seen(perform(ticket(State::KeySent), Command::Bounce)).ticket;
    assert_eq!(after.due_at, Some(noon() + hours(4)));
}

#[test]
fn an_answer_to_no_question_leaves_ticket_and_clock_alone() {
    let before = ticket(State::InReview);
    let after = seen(perform(before.clone(), Command::Answer)).ticket;
    assert_eq!(after, Ticket { version: before.version + 1, ..before });
}

#[test]
fn queues_are_sorted_by_the_next_deadline_then_by_waiting_since() {
    let (early, late) = (noon() + hours(1), noon() + hours(2));
    let with = |due_at, expires_at| Ticket { expires_at, due_at, ..ticket(State::Open) };
    assert_eq!(with(Some(early), Some(late)).queue_at(), early);
    assert_eq!(with(Some(late), Some(early)).queue_at(), early);
    assert_eq!(with(Some(late), None).queue_at(), late);
    assert_eq!(with(None, Some(late)).queue_at(), late);
    assert_eq!(with(None, None).queue_at(), ticket(State::Open).state_since);
}

#[test]
fn a_state_is_over_at_the_very_second_of_its_end() {
    let ends = Ticket { expires_at: Some(noon()), ..ticket(State::KeySent) };
    assert!(!ends.is_overdue(noon() - super::a_second()));
    assert!(ends.is_overdue(noon()));
    assert!(!ticket(State::Open).is_overdue(noon() + hours(1000)));
}
