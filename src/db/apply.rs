//! The only writer of tickets: takes a transition apart and stores it whole, in the transaction of the caller.
//!
//! Compare-and-swap on the version, audit entries, letters, messages and effects: all of them, or an error.

use diesel::prelude::*;

use super::audit::{self, Circumstances};
use super::authenticators::{self, Authenticator};
use super::letters::{self, About, Fate};
use super::messages;
use super::review::{self, Approval};
use super::schema::tickets as table;
use super::standing;
use super::ticket_row;
use super::tokens::{self, Kind, NewToken};
use super::{Conn, Error, account_sessions, accounts, recovery_codes};
use crate::crypto::Crypto;
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::authenticator::{AuthenticatorState, Origin};
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, AuthenticatorId, TicketId};
use crate::domain::letter::{Content, Letter};
use crate::domain::ticket::{Effect, Mail, NewPendingKey, Parts, Recipients, State, Ticket, Transition};
use crate::domain::totp::Step;

/// How long the tokens of a ticket outlive it.
const TOKENS_AFTER: chrono::Duration = chrono::Duration::days(30);

/// Stores a transition, and returns the ticket as it now is.
///
/// # Errors
/// `Stale` where somebody else was faster; `Unique` with `tickets_slot` where the account has another open ticket.
pub fn apply(conn: &mut Conn, crypto: &Crypto, transition: Transition) -> Result<Ticket, Error> {
    let mut parts = transition.into_parts();
    standing::require_told(conn, crypto, &parts)?;
    let approval = crypto.id(parts.at);
    parts.ticket.standing = standing::after(conn, &parts, &approval)?;
    let mut work = Work { conn, crypto, actor: parts.actor.clone(), at: parts.at, approval, key: None };
    work.store(&parts)?;
    work.log(&parts)?;
    let Parts { ticket, effects, messages, mails, at, .. } = parts;
    for effect in effects {
        work.effect(&ticket, effect)?;
    }
    for message in messages {
        let id = work.crypto.id(work.at);
        messages::insert(work.conn, id, &ticket.id, message, work.at)?;
    }
    work.send(&ticket, mails)?;
    // The links of the letters that have just been written end as well.
    limit_tokens(conn, &ticket, at)?;
    Ok(ticket)
}

/// Sets when the tokens of a ticket end: 30 days after it, and not at all while it is frozen.
///
/// # Errors
/// Of the database alone.
pub fn limit_tokens(conn: &mut Conn, ticket: &Ticket, now: Time) -> Result<(), Error> {
    match ticket.state {
        State::Closed | State::Completed | State::Frozen => {
            tokens::limit(conn, &ticket.id, tokens_end(ticket), now)
        }
        _ => Ok(()),
    }
}

/// When the tokens of a ticket end, as it stands now.
#[must_use]
pub fn tokens_end(ticket: &Ticket) -> Option<Time> {
    matches!(ticket.state, State::Closed | State::Completed).then(|| ticket.state_since + TOKENS_AFTER)
}

/// Has every code of an account refused until a ticket completes, and says whether they were taken before. It is on from
/// then: turned off by those who are stopped, it would let them in by the password alone.
///
/// # Errors
/// `Stale` where somebody else has changed the account meanwhile.
pub fn freeze_account(
    conn: &mut Conn,
    crypto: &Crypto,
    id: &AccountId,
    actor: &Actor,
    ticket: Option<&TicketId>,
    at: Time,
) -> Result<bool, Error> {
    let mut account = accounts::get(conn, id)?;
    if account.frozen_at.is_some() {
        return Ok(false);
    }
    let from = account.version;
    account.version += 1;
    account.frozen_at = Some(at);
    account.two_factor = TwoFactor::On;
    let subject = Subject::Account(id.clone());
    let around = Circumstances { actor, at, subject: &subject, version: account.version, ticket };
    audit::insert(conn, crypto, &around, &Event::new(Action::AccountFrozen))?;
    accounts::update(conn, account, from)?;
    account_sessions::end_all(conn, id)?;
    Ok(true)
}

struct Work<'a> {
    conn: &'a mut Conn,
    crypto: &'a Crypto,
    actor: Actor,
    at: Time,
    /// What the approval of this transition is called, if it has one.
    approval: String,
    /// The key that this transition issues.
    key: Option<AuthenticatorId>,
}

impl Work<'_> {
    fn store(&mut self, parts: &Parts) -> Result<(), Error> {
        let ticket = &parts.ticket;
        if parts.from_version == 0 {
            let (row, mac) = ticket_row::signed(self.conn, ticket, true)?;
            let uncounted = ticket_row::uncounted(self.conn, &ticket.id)?;
            let macs = (table::mac.eq(mac), table::tries_mac.eq(uncounted));
            diesel::insert_into(table::table).values((row, macs)).execute(self.conn)?;
            return Ok(());
        }
        // Frozen after completion: the account's place may be taken by another ticket, and stays so.
        let with_slot = ticket.frozen_from != Some(State::Completed);
        let (row, mac) = ticket_row::signed(self.conn, ticket, with_slot)?;
        let changed =
            diesel::update(table::table.find(&ticket.id).filter(table::version.eq(parts.from_version)))
                .set((row, table::mac.eq(mac)))
                .execute(self.conn)?;
        if changed != 1 {
            return Err(Error::Stale);
        }
        Ok(())
    }

    fn log(&mut self, parts: &Parts) -> Result<(), Error> {
        let subject = Subject::Ticket(parts.ticket.id.clone());
        for (event, version) in parts.events.iter().zip(parts.from_version + 1..) {
            let around = Circumstances {
                actor: &self.actor,
                at: self.at,
                subject: &subject,
                version,
                ticket: Some(&parts.ticket.id),
            };
            audit::insert(self.conn, self.crypto, &around, event)?;
        }
        Ok(())
    }

    fn effect(&mut self, ticket: &Ticket, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::AddApproval { by, reason } => {
                let approval = Approval {
                    id: self.approval.clone(),
                    ticket_id: ticket.id.clone(),
                    staff_id: by,
                    reason,
                    at: self.at,
                    voided_at: None,
                };
                review::insert_approval(self.conn, approval)
            }
            Effect::VoidApprovals => review::void_approvals(self.conn, &ticket.id, self.at),
            Effect::RecordEvidence(evidence, note) => {
                review::insert_evidence(self.conn, &ticket.id, evidence, note)
            }
            Effect::VoidEvidence => review::void_evidence(self.conn, &ticket.id, self.at),
            Effect::VoidMailboxEvidence => review::void_mailbox_evidence(self.conn, &ticket.id, self.at),
            Effect::VoidEvidenceOf(staff) => review::void_evidence_of(self.conn, &ticket.id, &staff, self.at),
            Effect::AddRisk(risk) => review::add_risk(self.conn, &ticket.id, risk, self.at),
            Effect::SetPin(hash) => {
                let hash = secrecy::ExposeSecret::expose_secret(&hash);
                ticket_row::set_pin(self.conn, &ticket.id, Some(hash))
            }
            Effect::DropPin => ticket_row::set_pin(self.conn, &ticket.id, None),
            Effect::IssueKey(key) => self.issue(ticket, key),
            Effect::KillKey => self.kill_key(ticket),
            Effect::ActivateKey { step } => self.activate(ticket, step),
            Effect::EndSessions { but: Some(one) } => {
                account_sessions::end_others(self.conn, owner(ticket)?, &one)
            }
            Effect::EndSessions { but: None } => account_sessions::end_all(self.conn, owner(ticket)?),
            Effect::SuspendFormer => self.suspend_former(ticket),
            Effect::SuspendKey => self.suspend_key(ticket),
            Effect::RestoreKey => self.restore_key(ticket),
        }
    }

    fn issue(&mut self, ticket: &Ticket, key: NewPendingKey) -> Result<(), Error> {
        let account = owner(ticket)?;
        for living in authenticators::list_living(self.conn, account)? {
            if living.state == AuthenticatorState::Pending && living.origin == Origin::Enrolment {
                self.revoke(ticket, &living)?;
            }
        }
        let new = authenticators::New {
            id: key.id.clone(),
            account,
            ticket: Some(&ticket.id),
            secret: &key.secret,
            expires_at: key.expires_at,
        };
        authenticators::insert(self.conn, self.crypto, &new, self.at)?;
        let token = NewToken {
            hash: key.activation_hash,
            kind: Kind::Activation,
            ticket_id: Some(ticket.id.clone()),
            account_id: None,
            authenticator_id: Some(key.id.clone()),
            expires_at: Some(key.expires_at),
        };
        tokens::insert(self.conn, token)?;
        self.log_key(ticket, &key.id, 1, Action::KeyCreated)?;
        self.key = Some(key.id);
        Ok(())
    }

    fn kill_key(&mut self, ticket: &Ticket) -> Result<(), Error> {
        let pending = authenticators::find_of_ticket(self.conn, &ticket.id, AuthenticatorState::Pending)?;
        if let Some(pending) = pending {
            self.revoke(ticket, &pending)?;
        }
        tokens::end(self.conn, &ticket.id, Kind::Activation)?;
        letters::drop_keys(self.conn, &ticket.id, self.at)
    }

    fn activate(&mut self, ticket: &Ticket, step: i64) -> Result<(), Error> {
        // Before its keys are listed: one that is begun from now on raises the version.
        let account = accounts::get(self.conn, owner(ticket)?)?;
        let pending = authenticators::find_of_ticket(self.conn, &ticket.id, AuthenticatorState::Pending)?
            .ok_or(Error::Stale)?;
        let step = u64::try_from(step).map(Step::new).map_err(|_| Error::Corrupt("a step"))?;
        let pending = authenticators::accept(self.conn, &pending, step)?;
        for living in authenticators::list_living(self.conn, &account.id)? {
            if living.id != pending.id {
                self.revoke(ticket, &living)?;
            }
        }
        let live =
            authenticators::enter(self.conn, self.crypto, &pending, AuthenticatorState::Active, self.at)?;
        self.log_key(ticket, &live.id, live.version, Action::KeyActivated)?;
        tokens::end(self.conn, &ticket.id, Kind::Activation)?;
        letters::drop_keys(self.conn, &ticket.id, self.at)?;
        recovery_codes::end(self.conn, &account.id)?;
        self.free_account(ticket, account)
    }

    /// A completed ticket ends whatever kept the account's codes refused.
    fn free_account(&mut self, ticket: &Ticket, mut account: Account) -> Result<(), Error> {
        let from = account.version;
        let forgiven = account.lockout.after_ticket_completed();
        accounts::count(self.conn, &account, forgiven)?;
        account.lockout = forgiven;
        account.frozen_at = None;
        account.two_factor = TwoFactor::On;
        account.version += 1;
        let around = Circumstances {
            actor: &self.actor,
            at: self.at,
            subject: &Subject::Account(account.id.clone()),
            version: account.version,
            ticket: Some(&ticket.id),
        };
        audit::insert(self.conn, self.crypto, &around, &Event::new(Action::KeyActivated))?;
        accounts::update(self.conn, account, from)
    }

    fn suspend_former(&mut self, ticket: &Ticket) -> Result<(), Error> {
        for living in authenticators::list_living(self.conn, owner(ticket)?)? {
            if living.state == AuthenticatorState::Active {
                self.move_key(ticket, &living, AuthenticatorState::Suspended, Action::KeySuspended)?;
            }
        }
        Ok(())
    }

    /// Where the key was replaced or turned off since, whatever took its place is stopped with the account.
    fn suspend_key(&mut self, ticket: &Ticket) -> Result<(), Error> {
        let active = authenticators::find_of_ticket(self.conn, &ticket.id, AuthenticatorState::Active)?;
        let Some(key) = active else {
            let account = owner(ticket)?;
            freeze_account(self.conn, self.crypto, account, &self.actor, Some(&ticket.id), self.at)?;
            return Ok(());
        };
        self.move_key(ticket, &key, AuthenticatorState::Suspended, Action::KeySuspended)
    }

    /// What took the place of a key that was replaced is none of the ticket's, and stays as it is.
    fn restore_key(&mut self, ticket: &Ticket) -> Result<(), Error> {
        match authenticators::find_of_ticket(self.conn, &ticket.id, AuthenticatorState::Suspended)? {
            Some(key) => self.move_key(ticket, &key, AuthenticatorState::Active, Action::KeyRestored),
            None => Ok(()),
        }
    }

    fn move_key(
        &mut self,
        ticket: &Ticket,
        key: &Authenticator,
        to: AuthenticatorState,
        action: Action,
    ) -> Result<(), Error> {
        let next = authenticators::enter(self.conn, self.crypto, key, to, self.at)?;
        self.log_key(ticket, &next.id, next.version, action)
    }

    fn revoke(&mut self, ticket: &Ticket, one: &Authenticator) -> Result<(), Error> {
        self.move_key(ticket, one, AuthenticatorState::Revoked, Action::KeyRevoked)
    }

    fn log_key(
        &mut self,
        ticket: &Ticket,
        id: &AuthenticatorId,
        version: i32,
        action: Action,
    ) -> Result<(), Error> {
        let around = Circumstances {
            actor: &self.actor,
            at: self.at,
            subject: &Subject::Authenticator(id.clone()),
            version,
            ticket: Some(&ticket.id),
        };
        audit::insert(self.conn, self.crypto, &around, &Event::new(action))
    }

    fn send(&mut self, ticket: &Ticket, mails: Vec<Mail>) -> Result<(), Error> {
        for mail in mails {
            let carries_key = matches!(mail.content, Content::SetupKey(_));
            let key = self.key.clone().filter(|_| carries_key);
            let about = About {
                ticket: Some(&ticket.id),
                account: ticket.account.as_ref(),
                authenticator: key.as_ref(),
            };
            for to in self.recipients(ticket, mail.to)? {
                let letter = Letter { to, content: mail.content.clone() };
                letters::insert(self.conn, self.crypto, about, &letter, Fate::Send, self.at)?;
            }
        }
        Ok(())
    }

    /// The address of the ticket first; then, where everyone is told, the others, each once.
    fn recipients(&mut self, ticket: &Ticket, to: Recipients) -> Result<Vec<String>, Error> {
        let mut all: Vec<String> = ticket.address.clone().into_iter().collect();
        if to != Recipients::Ticket
            && let Some(id) = &ticket.account
        {
            all.extend(letters::addresses(self.conn, id)?);
        }
        let mut all = letters::once_each(all);
        if to == Recipients::Others {
            all.retain(|address| ticket.is_behind(address));
        }
        Ok(all)
    }
}

fn owner(ticket: &Ticket) -> Result<&AccountId, Error> {
    ticket.account.as_ref().ok_or(Error::Corrupt("a ticket of nobody with a key"))
}
