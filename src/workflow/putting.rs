//! Putting one account, for hosts and for imports alike: created, revised or left alone.
//!
//! The rule to keep: what changes nothing writes nothing, and no date moves.

use super::account_facts::{self, Change, EMAIL, Revised};
use super::accounts::log;
use super::{Context, readdress};
use crate::db::account_addresses::{self, OtherAddress};
use crate::db::{self, Conn, accounts, review, tickets};
use crate::domain::Time;
use crate::domain::account::{Account, Facts, TwoFactor, is_fresh};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::lockout::Lockout;
use crate::domain::text::ExternalId;
use crate::domain::ticket::{Command, State, Ticket};
use crate::error::Error;

/// What was looked up as free was taken meanwhile: look again.
pub(super) fn lost_race(error: db::Error) -> Error {
    match error {
        db::Error::Unique(_) => db::Error::Stale.into(),
        other => other.into(),
    }
}

/// What putting an account came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Created,
    Changed,
    Unchanged,
}

/// Whoever puts accounts, and when.
pub(super) struct Putting<'a> {
    pub(super) ctx: &'a Context,
    /// The application whose accounts they are.
    pub(super) client: &'a ClientId,
    pub(super) actor: &'a Actor,
    pub(super) now: Time,
}

impl Putting<'_> {
    /// Puts one account; the facts are in their one spelling.
    pub(super) fn put(
        &self,
        conn: &mut Conn,
        id: &ExternalId,
        facts: &Facts,
    ) -> Result<(Account, Done), Error> {
        let known = accounts::lock_by_external_id(conn, self.client, id.as_str())?;
        let holder = accounts::find_by_email(conn, self.client, &facts.email)?;
        refuse_taken(known.as_ref(), holder.as_ref().map(|account| &account.id))?;
        let Some(known) = known else { return self.create(conn, id, facts) };
        let addresses = account_addresses::list(conn, &known.id)?;
        self.revise(conn, &known, &addresses, facts)
    }

    /// An account that is put for the first time.
    pub(super) fn first(&self, id: &ExternalId, facts: &Facts) -> Account {
        Account {
            id: AccountId::new(self.ctx.crypto.id(self.now)),
            client: self.client.clone(),
            external_id: id.as_str().to_owned(),
            email: facts.email.clone(),
            name: facts.name.clone(),
            phone: facts.phone.clone(),
            manager_email: facts.manager_email.clone(),
            tier: facts.tier,
            locale: facts.locale.clone(),
            two_factor: TwoFactor::Off,
            lockout: Lockout::default(),
            frozen_at: None,
            email_changed_at: None,
            phone_changed_at: None,
            manager_changed_at: None,
            put_again_at: None,
            created_at: self.now,
            removed_at: None,
            version: 1,
        }
    }

    fn create(&self, conn: &mut Conn, id: &ExternalId, facts: &Facts) -> Result<(Account, Done), Error> {
        let account = self.first(id, facts);
        accounts::insert(conn, account.clone()).map_err(lost_race)?;
        let addresses = account_facts::first_addresses(&account.id, facts, self.now);
        account_addresses::set(conn, &account.id, &addresses)?;
        log(conn, &self.ctx.crypto, &account, self.actor, &Event::new(Action::AccountCreated), self.now)?;
        Ok((account, Done::Created))
    }

    /// Puts an account that is there already, with its addresses.
    pub(super) fn revise(
        &self,
        conn: &mut Conn,
        known: &Account,
        addresses: &[OtherAddress],
        facts: &Facts,
    ) -> Result<(Account, Done), Error> {
        let revised = account_facts::revise(known, addresses, facts, self.ctx.policy.fresh, self.now);
        let Revised { mut account, mut addresses, changes } = revised;
        if changes.is_empty() && known.removed_at.is_none() {
            return Ok((account, Done::Unchanged));
        }
        if known.removed_at.is_some() {
            self.restore(&mut account, &mut addresses, facts);
        }
        let event = event_of(known, &changes);
        let from = account.version;
        account.version += 1;
        log(conn, &self.ctx.crypto, &account, self.actor, &event, self.now)?;
        accounts::update(conn, account.clone(), from).map_err(lost_race)?;
        account_addresses::set(conn, &account.id, &addresses)?;
        self.tell_ticket(conn, &account, &changes)?;
        let done = if known.removed_at.is_some() { Done::Created } else { Done::Changed };
        Ok((account, done))
    }

    /// Back after it was removed: a change where that is not long ago, as new where it is.
    fn restore(&self, account: &mut Account, addresses: &mut Vec<OtherAddress>, facts: &Facts) {
        let removed_lately = is_fresh(account.removed_at, self.ctx.policy.fresh, self.now);
        account.removed_at = None;
        if removed_lately {
            account.put_again_at = Some(self.now);
            return;
        }
        account.put_again_at = None;
        account.email_changed_at = None;
        account.phone_changed_at = None;
        account.manager_changed_at = None;
        account.created_at = self.now;
        *addresses = account_facts::first_addresses(&account.id, facts, self.now);
    }

    /// The open ticket learns of what changed under it.
    pub(super) fn tell_ticket(
        &self,
        conn: &mut Conn,
        account: &Account,
        changes: &[Change],
    ) -> Result<(), Error> {
        if changes.iter().any(|change| change.what == EMAIL) {
            readdress::follow_all(conn, self.ctx, account, self.now)?;
        }
        let Some(mut ticket) = tickets::find_open(conn, &account.id)? else { return Ok(()) };
        for change in changes {
            if let Some(risk) = change.risk {
                review::add_risk(conn, &ticket.id, risk, self.now)?;
            }
            if change.what != EMAIL && is_of_consequence(change, &ticket) {
                let raise = account_facts::is_raised(change, account);
                let transition = ticket.account_changed(change.what, raise, &self.ctx.policy, self.now)?;
                ticket = db::apply(conn, &self.ctx.crypto, transition)?;
            }
        }
        Ok(())
    }
}

/// Whether a change is one for the ticket: a first approval ends with any change of the account.
fn is_of_consequence(change: &Change, ticket: &Ticket) -> bool {
    let allowed = ticket.require(Command::AccountChange).is_ok();
    allowed && (change.undoes || ticket.state == State::AwaitingApproval)
}

fn event_of(known: &Account, changes: &[Change]) -> Event {
    let action = if known.removed_at.is_some() { Action::AccountCreated } else { Action::AccountUpdated };
    let names: Vec<&str> = changes.iter().map(|change| change.what).collect();
    let event = Event::new(action);
    if names.is_empty() { event } else { event.with("changed", names.join(",")) }
}

/// An address belongs to one account of an application.
pub(super) fn refuse_taken(known: Option<&Account>, holder: Option<&AccountId>) -> Result<(), Error> {
    match holder {
        Some(holder) if known.is_none_or(|account| account.id != *holder) => Err(Error::Taken("email")),
        _ => Ok(()),
    }
}
