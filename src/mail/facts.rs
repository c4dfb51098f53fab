//! The facts of each letter in words, handed to its templates.
//!
//! The one rule: the match is exhaustive, so a new letter does not compile before it has its words.

use secrecy::ExposeSecret;

use super::letters::{Sender, link};
use super::templates::{self, Frame, Parts, Setup};
use super::words::{groups, label, moment, person, plain};
use crate::domain::apps;
use crate::domain::letter::{Alarm, CodesAsked, Content, Envelope, Lapsed, Purpose, SetupKey};
use crate::domain::proof::Proof;
use crate::domain::ticket::Problem;

pub(super) fn render(
    content: &Content,
    f: &Frame<'_>,
    envelope: &Envelope,
    sender: &Sender,
) -> askama::Result<Parts> {
    match content {
        Content::MailboxCode { code, expires_at } => {
            templates::mailbox_code(f, code.expose_secret(), &moment(*expires_at))
        }
        Content::TicketOpened { opened_at, problem } => {
            templates::ticket_opened(f, &moment(*opened_at), problem_words(*problem))
        }
        Content::StaffReply => templates::staff_reply(f),
        Content::NeedsAnswer { until } => templates::needs_answer(f, &moment(*until)),
        Content::Approved { hold_until } => templates::approved(f, hold_until.map(moment).as_deref()),
        Content::SetupKey(setup) => setup_key(setup, f, sender),
        Content::Completed { at } => templates::completed(f, &moment(*at)),
        Content::Rejected => templates::rejected(f),
        Content::Expired { what } => templates::expired(f, lapsed_words(*what)),
        Content::Frozen => templates::frozen(f, &moment(envelope.written_at)),
        Content::AddressChanged => templates::address_changed(f, &moment(envelope.written_at)),
        Content::TwoFactorEnabled { at } => templates::two_factor_enabled(f, &moment(*at)),
        Content::TwoFactorDisabled { at } => templates::two_factor_disabled(f, &moment(*at)),
        Content::RecoveryCodeUsed { at, left } => templates::recovery_code_used(f, &moment(*at), *left),
        Content::RecoveryCodesMade { at } => templates::recovery_codes_made(f, &moment(*at)),
        Content::ManagerVouch { token, code, person: who, expires_at } => templates::manager_vouch(
            f,
            &person(who).unwrap_or_else(|| label(&envelope.account)),
            &link(sender, "/vouch#", token),
            code.expose_secret(),
            &moment(*expires_at),
        ),
        Content::Bounced { purpose, address } => {
            templates::bounced(f, purpose.as_str(), &label(address), *purpose == Purpose::SetupKey)
        }
        Content::DeskAlarm { alarm } => {
            let (title, what, todo) = alarm_words(*alarm);
            templates::desk_alarm(f, title, what, todo)
        }
    }
}

fn setup_key(setup: &SetupKey, f: &Frame<'_>, sender: &Sender) -> askama::Result<Parts> {
    let key = setup.key.expose_secret();
    let facts = Setup {
        entry: format!("{} ({})", plain(&sender.issuer), f.account),
        key,
        groups: groups(key),
        activate_url: link(sender, "/activate#", &setup.activation_token),
        until: moment(setup.expires_at),
        proof: proof_words(setup.proof),
        two_codes: setup.codes == CodesAsked::Two,
        sign_in_activates: setup.sign_in_activates,
        apps: apps::OTHERS,
    };
    templates::setup_key(f, &facts)
}

const fn proof_words(proof: Proof) -> &'static str {
    match proof {
        Proof::Pin => {
            "The page also asks for the PIN of 8 digits that our staff gave you on the call or at the counter."
        }
        Proof::PasswordOrRecoveryCode => {
            "The page also asks for your password, or for one of your saved recovery codes."
        }
        Proof::PinAndPassword => {
            "The page also asks for the PIN of 8 digits that our staff gave you on the call or at the counter, \
             and for your password."
        }
    }
}

const fn problem_words(problem: Problem) -> &'static str {
    match problem {
        Problem::NotSetUpCorrectly => "two-factor authentication is not set up correctly",
        Problem::LostDevice => "the device with the codes is lost",
        Problem::NewDevice => "the codes are to move to a new device",
        Problem::StolenDevice => "the device with the codes was stolen",
        Problem::Other => "something else",
    }
}

const fn lapsed_words(what: Lapsed) -> &'static str {
    match what {
        Lapsed::Confirmation => "The request was not confirmed in time.",
        Lapsed::Answer => "The question of the help desk was not answered in time.",
        Lapsed::Key => "The key that was sent was not set up in time, and it is dead.",
    }
}

/// What happened, how it shows, and what to do about it.
const fn alarm_words(alarm: Alarm) -> (&'static str, &'static str, &'static str) {
    match alarm {
        Alarm::ApprovalsStopped => (
            "approvals stopped",
            "One person approved more resets within an hour than the configuration allows. \
             Their approvals are stopped for an hour.",
            "Ask them, on a number that you know, whether it was them. If it was, an administrator lifts the \
             stop with `rekey staff lift`. If it was not, end their sessions with `rekey staff disable`.",
        ),
        Alarm::AuditBroken => (
            "the audit log does not verify",
            "An entry of the audit log was changed, removed, moved or added outside of Rekey.",
            "Run `rekey audit verify`: it names the first such entry. Compare with the checkpoints that were \
             shipped off the machine, and approve nothing until you know what happened.",
        ),
        Alarm::SealBroken => (
            "the database holds what Rekey did not write",
            "A row does not bear the mark that Rekey gave it, or a sealed secret did not open in it: somebody \
             wrote to the database, or the key ring is not the right one. What the row says is refused.",
            "Check that the key ring is complete, and run `rekey audit verify`: it names each such row.",
        ),
        Alarm::MailRefused => (
            "the mail server does not take letters",
            "The mail server refuses this program, or its TLS does not verify. Nothing is sent until that is \
             put right; letters wait, and keys run out.",
            "The log has the server's answer. `rekey check` shows whether connecting and signing in work.",
        ),
    }
}
