//! The address on file changes: the key follows it, and what the previous mailbox gave is void.

use super::act::{perform, perform_but};
use super::seen::{Seen, refusal, seen};
use super::{enough, policy, privileged, ticket};
use crate::domain::event::Action;
use crate::domain::policy::{Missing, Tier};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Bearer, Command, State, Ticket};

const NEW: &str = "ada@new.example";

fn moved(ticket: Ticket) -> Seen {
    seen(perform(ticket, Command::AddressChange))
}

#[test]
fn another_spelling_of_the_address_is_no_other_address() {
    let ada = ticket(State::Open);
    assert!(!ada.is_behind("Ada@Example.com") && ada.is_behind(NEW));
    assert!(!Ticket { address: None, ..ada }.is_behind(NEW), "a ticket of nobody follows nobody");
}

#[test]
fn whatever_was_approved_or_sent_is_undone_and_the_mailbox_is_due() {
    use State::{Approved, AwaitingApproval, Frozen, InReview, KeySent, Open, Waiting};
    for state in [Open, InReview, Waiting, AwaitingApproval, Approved, KeySent, Frozen] {
        let after = moved(ticket(state));
        assert!(after.ticket.mailbox_due && after.ticket.tier == Tier::Privileged, "{state}");
        assert_eq!(after.ticket.key_goes_to(), NEW, "{state}");
        assert!(after.effects.contains(&"void mailbox evidence"), "{state}");
        let was_approved = matches!(state, AwaitingApproval | Approved | KeySent);
        assert_eq!(after.effects.contains(&"void approvals"), was_approved, "{state}");
        assert_eq!(after.effects.contains(&"kill key"), state == KeySent, "{state}");
        assert_eq!(after.actions[0], Action::AccountChanged, "{state}");
    }
    for state in [State::Unconfirmed, State::Completed] {
        let after = moved(ticket(state));
        assert!(!after.ticket.mailbox_due && after.effects.is_empty(), "{state}");
    }
}

#[test]
fn a_token_falls_back_where_the_mailbox_stood_for_it_and_not_where_a_session_did() {
    for (bearer, then) in [
        (Bearer::Unknown, Bearer::Unknown),
        (Bearer::Mailbox, Bearer::Unknown),
        (Bearer::Session, Bearer::Session),
    ] {
        assert_eq!(moved(Ticket { bearer, ..ticket(State::Open) }).ticket.bearer, then);
    }
}

#[test]
fn no_approval_and_no_key_before_the_new_mailbox_has_confirmed_it() {
    let due = |state| Ticket { mailbox_due: true, ..privileged(state) };
    let approved = perform(due(State::InReview), Command::Approve);
    assert_eq!(refusal(approved), Rejection::PolicyNotMet(vec![Missing::Mailbox]));
    assert_eq!(refusal(perform(due(State::Approved), Command::Issue)), Rejection::OutOfOrder);
    for command in [Command::Confirm, Command::Return] {
        let confirmed = seen(perform(due(State::InReview), command)).ticket;
        assert!(!confirmed.mailbox_due, "{command}");
        let missing = confirmed.missing(&policy(), &enough(Tier::Privileged), super::noon());
        assert!(missing.is_empty(), "{command}");
    }
    assert!(perform_but(due(State::InReview), Command::MakePin, |_| {}).is_ok(), "a PIN is made on the call");
}

#[test]
fn a_duplicate_follows_and_what_is_over_does_not() {
    assert_eq!(refusal(perform(ticket(State::Closed), Command::AddressChange)), Rejection::OutOfOrder);
    let of = Some(crate::domain::ids::TicketId::new("first"));
    let duplicate = Ticket { duplicate_of: of, ..ticket(State::Closed) };
    let after = moved(duplicate).ticket;
    assert_eq!((after.state, after.bearer, after.key_goes_to()), (State::Closed, Bearer::Unknown, NEW));
}
