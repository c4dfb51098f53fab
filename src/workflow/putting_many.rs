//! Putting some hundred accounts at once, for imports: looked up together and, where they are new, stored together.
//!
//! The rule to keep: external ids and addresses differ within a batch, so that no row of it decides about another.

use std::collections::HashMap;

use super::account_facts;
use super::import_rows::Row;
use super::putting::{Done, Putting, lost_race, refuse_taken};
use crate::db::account_addresses::{self, OtherAddress};
use crate::db::audit::{self, Circumstances};
use crate::db::{self, Conn, accounts};
use crate::domain::account::Account;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, ClientId};
use crate::error::Error;

/// What is there already of a batch.
pub(super) struct Known {
    accounts: HashMap<String, Account>,
    holders: HashMap<String, AccountId>,
}

impl Known {
    pub(super) fn look_up(conn: &mut Conn, client: &ClientId, batch: &[Row]) -> Result<Self, Error> {
        Self::of(conn, client, batch, accounts::list_by_external_ids)
    }

    /// The same, with the accounts locked until the transaction ends.
    fn lock(conn: &mut Conn, client: &ClientId, batch: &[Row]) -> Result<Self, Error> {
        Self::of(conn, client, batch, accounts::lock_by_external_ids)
    }

    fn of(conn: &mut Conn, client: &ClientId, batch: &[Row], list: List) -> Result<Self, Error> {
        let ids: Vec<&str> = batch.iter().map(|row| row.id.as_str()).collect();
        let emails: Vec<String> = batch.iter().map(|row| row.facts.email.to_ascii_lowercase()).collect();
        let accounts = list(conn, client, &ids)?;
        Ok(Self {
            accounts: accounts.into_iter().map(|account| (account.external_id.clone(), account)).collect(),
            holders: accounts::holders(conn, client, &emails)?.into_iter().collect(),
        })
    }

    /// The account of a row, where it is there, if the row can be put.
    pub(super) fn admit(&self, row: &Row) -> Result<Option<&Account>, Error> {
        let account = self.accounts.get(row.id.as_str());
        let holder = self.holders.get(&row.facts.email.to_ascii_lowercase());
        refuse_taken(account, holder).map(|()| account)
    }
}

/// How the accounts of a client's external ids are read.
type List = fn(&mut Conn, &ClientId, &[&str]) -> Result<Vec<Account>, db::Error>;

impl Putting<'_> {
    /// Puts a batch, or none of it.
    pub(super) fn put_all(&self, conn: &mut Conn, batch: &[Row]) -> Result<Vec<Done>, Error> {
        let known = Known::lock(conn, self.client, batch)?;
        let ids: Vec<&AccountId> = known.accounts.values().map(|account| &account.id).collect();
        let mut addresses: HashMap<AccountId, Vec<OtherAddress>> = HashMap::new();
        for one in account_addresses::list_of(conn, &ids)? {
            addresses.entry(one.account_id.clone()).or_default().push(one);
        }
        let mut done = Vec::with_capacity(batch.len());
        let mut new = Vec::new();
        for row in batch {
            match known.admit(row)? {
                None => new.push(row),
                Some(account) => {
                    let addresses = addresses.get(&account.id).map(Vec::as_slice).unwrap_or_default();
                    done.push(self.revise(conn, account, addresses, &row.facts)?.1);
                }
            }
        }
        self.create_all(conn, &new)?;
        done.resize(batch.len(), Done::Created);
        Ok(done)
    }

    fn create_all(&self, conn: &mut Conn, rows: &[&Row]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let created = Event::new(Action::AccountCreated);
        let (mut accounts, mut addresses, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let account = self.first(&row.id, &row.facts);
            addresses.extend(account_facts::first_addresses(&account.id, &row.facts, self.now));
            let subject = Subject::Account(account.id.clone());
            let (actor, at, version) = (self.actor, self.now, account.version);
            let around = Circumstances { actor, at, subject: &subject, version, ticket: None };
            entries.push(audit::entry(&self.ctx.crypto, &around, &created));
            accounts.push(account);
        }
        accounts::insert_all(conn, accounts, &addresses).map_err(lost_race)?;
        Ok(audit::insert_all(conn, entries)?)
    }
}
