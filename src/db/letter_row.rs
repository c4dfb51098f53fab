//! A letter's row: what decides where it goes and what it carries bears a MAC, and its payload is sealed.

use diesel::prelude::*;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::rows::{self, Mac, decides};
use super::schema::letters;
use super::{Conn, Error, is_primary, payload};
use crate::crypto::{Crypto, Purpose};
use crate::domain::Time;
use crate::domain::ids::{AccountId, AuthenticatorId, LetterId, TicketId};
use crate::domain::letter::Letter;

/// A letter's row; the payload stays sealed.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = letters, treat_none_as_default_value = false)]
pub struct Row {
    /// Which.
    pub id: LetterId,
    /// The ticket that it is about.
    pub ticket_id: Option<TicketId>,
    /// The account that it is about.
    pub account_id: Option<AccountId>,
    /// The key that it carries.
    pub authenticator_id: Option<AuthenticatorId>,
    /// What it is for.
    pub purpose: String,
    /// Where it goes.
    pub recipient: String,
    /// Kept over retries.
    pub message_id: String,
    /// `queued`, `accepted`, `deferred`, `bounced`, `dead` or `dropped`.
    pub state: String,
    /// How many times it was tried.
    pub attempts: i32,
    /// How many times it was not known whether the server had taken it.
    pub doubts: i32,
    /// When it is tried next; none when it is over.
    pub next_at: Option<Time>,
    /// Until when a worker has it.
    pub claimed_until: Option<Time>,
    pub(super) payload: Option<Vec<u8>>,
    /// Why it was not accepted, in the server's words.
    pub error: Option<String>,
    /// When it is worth nothing any more.
    pub expires_at: Option<Time>,
    /// When it was written: its `Date`.
    pub created_at: Time,
    /// Since when it is in its state.
    pub state_at: Time,
    /// Whether the server refused it because of us.
    pub refuses_us: bool,
    pub(super) mac: Mac,
}

// Its payload is sealed with id, recipient and purpose. What becomes of it decides nothing.
decides! {
    Row: "letters", letters.mac by id {
        id, ticket_id, account_id, authenticator_id, purpose, recipient, message_id, expires_at, created_at,
    } beside { state, attempts, doubts, next_at, claimed_until, payload, error, state_at, refuses_us, mac }
}

impl Row {
    /// The letter itself with its stop token; none when it is over.
    ///
    /// # Errors
    /// `Sealed` where the row is not what was sealed, `Forged` where it is not what was written.
    pub fn open(&self, crypto: &Crypto) -> Result<Option<(Letter, Option<SecretString>)>, Error> {
        let Some(sealed) = &self.payload else { return Ok(None) };
        let opened: Zeroizing<Vec<u8>> =
            crypto.open(Purpose::Letter, &[self.id.as_str(), &self.recipient, &self.purpose], sealed)?;
        // Only now: a ring that lacks the key may be an old one, and that is no forgery.
        if !rows::fields(self).fits(&crypto.row_key(), self.mac.as_deref()) {
            return Err(rows::forged("letters", self.id.as_str()));
        }
        payload::decode(&opened).map(Some).map_err(|_| Error::Corrupt("payload of a letter"))
    }
}

/// Seals a payload anew under the primary key of the ring. False if it is under it already.
///
/// # Errors
/// `Sealed`.
pub fn reseal(conn: &mut Conn, crypto: &Crypto, row: &Row) -> Result<bool, Error> {
    let Some(sealed) = row.payload.as_ref().filter(|sealed| !is_primary(crypto, sealed)) else {
        return Ok(false);
    };
    let context = [row.id.as_str(), row.recipient.as_str(), row.purpose.as_str()];
    let opened = crypto.open(Purpose::Letter, &context, sealed)?;
    let anew = crypto.seal(Purpose::Letter, &context, &opened);
    let changed = diesel::update(letters::table.find(&row.id).filter(letters::payload.eq(sealed)))
        .set(letters::payload.eq(&anew))
        .execute(conn)?;
    Ok(changed == 1)
}
