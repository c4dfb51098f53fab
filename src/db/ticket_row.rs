//! A ticket's row, and what it is signed by: the row with digests of the evidence and approvals in force, and apart
//! from it the PIN and the counters, which do not wait for a version.
//!
//! In the column of the MAC the digests stand behind it, so that they change with the version and with nothing else.

use diesel::prelude::*;

use super::rows::{self, Decides, Fields, Mac, decides};
use super::schema::tickets;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{AccountId, Reference, StaffId, TicketId};
use crate::domain::policy::Tier;
use crate::domain::ticket::{Bearer, CloseReason, Problem, Standing, State, Ticket};

const DIGEST: usize = 32;

/// A ticket's row without what is secret or counted beside the version.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct Row {
    id: TicketId,
    reference: Reference,
    account_id: Option<AccountId>,
    slot: Option<String>,
    state: State,
    reason: Option<CloseReason>,
    problem: Problem,
    tier: Tier,
    address: Option<String>,
    opened_at: Time,
    state_since: Time,
    expires_at: Option<Time>,
    confirmed_at: Option<Time>,
    bearer: Bearer,
    mailbox_due: bool,
    holder: Option<StaffId>,
    approved_at: Option<Time>,
    due_at: Option<Time>,
    due_left: Option<i64>,
    queue_at: Time,
    pin_made: bool,
    reissues: i32,
    duplicate_of: Option<TicketId>,
    kept: Option<TicketId>,
    undecided: bool,
    frozen_from: Option<State>,
    diagnoses: i32,
    network: Option<String>,
    version: i32,
}

impl Row {
    fn into_ticket(self, standing: Standing) -> Ticket {
        let row = self;
        Ticket {
            id: row.id,
            reference: row.reference,
            account: row.account_id,
            state: row.state,
            reason: row.reason,
            problem: row.problem,
            tier: row.tier,
            address: row.address,
            opened_at: row.opened_at,
            state_since: row.state_since,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
            bearer: row.bearer,
            mailbox_due: row.mailbox_due,
            holder: row.holder,
            approved_at: row.approved_at,
            due_at: row.due_at,
            due_left: row.due_left,
            pin_made: row.pin_made,
            reissues: row.reissues,
            duplicate_of: row.duplicate_of,
            kept: row.kept,
            undecided: row.undecided,
            frozen_from: row.frozen_from,
            diagnoses: row.diagnoses,
            network: row.network,
            standing,
            version: row.version,
        }
    }

    /// The ticket as its row stands, for whoever decides nothing.
    pub(super) fn unchecked(self) -> Ticket {
        self.into_ticket(Standing::default())
    }

    /// The row of a ticket. `with_slot` is false for a ticket frozen after completion while another one is open.
    fn of(ticket: &Ticket, with_slot: bool) -> Self {
        let ticket = ticket.clone();
        let slot = ticket.account.as_ref().filter(|_| with_slot && ticket.occupies_slot());
        Self {
            slot: slot.map(|account| account.as_str().to_owned()),
            queue_at: ticket.queue_at(),
            id: ticket.id,
            reference: ticket.reference,
            account_id: ticket.account,
            state: ticket.state,
            reason: ticket.reason,
            problem: ticket.problem,
            tier: ticket.tier,
            address: ticket.address,
            opened_at: ticket.opened_at,
            state_since: ticket.state_since,
            expires_at: ticket.expires_at,
            confirmed_at: ticket.confirmed_at,
            bearer: ticket.bearer,
            mailbox_due: ticket.mailbox_due,
            holder: ticket.holder,
            approved_at: ticket.approved_at,
            due_at: ticket.due_at,
            due_left: ticket.due_left,
            pin_made: ticket.pin_made,
            reissues: ticket.reissues,
            duplicate_of: ticket.duplicate_of,
            kept: ticket.kept,
            undecided: ticket.undecided,
            frozen_from: ticket.frozen_from,
            diagnoses: ticket.diagnoses,
            network: ticket.network,
            version: ticket.version,
        }
    }
}

decides! {
    Row: "tickets", tickets.mac by id {
        id, reference, account_id, slot, state, reason, problem, tier, address, opened_at, state_since, expires_at,
        confirmed_at, bearer, mailbox_due, holder, approved_at, due_at, due_left, queue_at, pin_made, reissues, duplicate_of, kept,
        undecided, frozen_from, diagnoses, network, version,
    } beside {}
}

/// A row with the digests of what stands beside it.
pub(super) struct Signed {
    row: Row,
    pub(super) standing: Standing,
}

impl Signed {
    /// Takes the column of the MAC apart. What is too short is no MAC.
    fn read(row: Row, column: &Mac) -> (Self, Mac) {
        let parts = column.as_deref().and_then(|bytes| {
            let (mac, rest) = bytes.split_first_chunk::<DIGEST>()?;
            let (evidence, rest) = rest.split_first_chunk::<DIGEST>()?;
            let approvals: &[u8; DIGEST] = rest.try_into().ok()?;
            Some((mac.to_vec(), Standing { evidence: *evidence, approvals: *approvals }))
        });
        match parts {
            Some((mac, standing)) => (Self { row, standing }, Some(mac)),
            None => (Self { row, standing: Standing::default() }, None),
        }
    }

    /// What the column of the MAC is to hold.
    pub(super) fn column(&self, mac: &[u8]) -> Vec<u8> {
        [mac, &self.standing.evidence, &self.standing.approvals].concat()
    }
}

impl Decides for Signed {
    const NAME: &'static str = Row::NAME;
    const PLACE: [&'static str; 3] = Row::PLACE;

    fn id(&self) -> &str {
        self.row.id()
    }

    fn write(&self, fields: &mut Fields) {
        self.row.write(fields);
        fields.put(&self.standing.evidence[..]);
        fields.put(&self.standing.approvals[..]);
    }

    fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(Self, Mac)>, Error> {
        Ok(Row::page(conn, after, limit)?.into_iter().map(|(row, mac)| Self::read(row, &mac)).collect())
    }
}

/// The ticket of a row that fits.
///
/// # Errors
/// `Forged`.
pub(super) fn checked(conn: &mut Conn, (row, column): (Row, Mac)) -> Result<Ticket, Error> {
    let Signed { row, standing } = rows::check(conn, Signed::read(row, &column))?;
    Ok(row.into_ticket(standing))
}

/// A ticket's row with the column of its MAC. `with_slot` is false for a ticket frozen after completion while another
/// one is open.
pub(super) fn signed(conn: &mut Conn, ticket: &Ticket, with_slot: bool) -> Result<(Row, Vec<u8>), Error> {
    let signed = Signed { row: Row::of(ticket, with_slot), standing: ticket.standing };
    let column = signed.column(&rows::sign(conn, &signed)?);
    Ok((signed.row, column))
}

/// What is secret or counted beside the version.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tickets)]
pub(super) struct Counters {
    id: TicketId,
    pin: Option<String>,
    pin_tries: i32,
    activation_tries: i32,
}

decides! {
    Counters: "tickets (PIN and tries)", tickets.tries_mac by id { id, pin, pin_tries, activation_tries } beside {}
}

impl Counters {
    fn new(id: &TicketId, pin: Option<&str>, tries: Tries) -> Self {
        let pin = pin.map(str::to_owned);
        Self { id: id.clone(), pin, pin_tries: tries.pin, activation_tries: tries.activation }
    }

    fn get(conn: &mut Conn, id: &TicketId) -> Result<Self, Error> {
        let row = tickets::table.find(id).select((Self::as_select(), tickets::tries_mac)).first(conn)?;
        rows::check(conn, row)
    }
}

/// The MAC of the counters of a new ticket.
pub(super) fn uncounted(conn: &mut Conn, id: &TicketId) -> Result<Vec<u8>, Error> {
    rows::sign(conn, &Counters::new(id, None, Tries::default()))
}

/// What is counted and compared beside the version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    /// Wrong PINs.
    pub pin: i32,
    /// Failed activations, kept over reissue.
    pub activation: i32,
}

/// The ticket's counters and the hash of its PIN.
///
/// # Errors
/// `NotFound`.
pub fn tries(conn: &mut Conn, id: &TicketId) -> Result<(Tries, Option<String>), Error> {
    let Counters { id: _, pin, pin_tries, activation_tries } = Counters::get(conn, id)?;
    Ok((Tries { pin: pin_tries, activation: activation_tries }, pin))
}

/// Counts up, if nobody has counted or made another PIN meanwhile.
///
/// # Errors
/// `Stale`.
pub fn count_tries(
    conn: &mut Conn,
    id: &TicketId,
    pin: Option<&str>,
    from: Tries,
    to: Tries,
) -> Result<(), Error> {
    let former = rows::sign(conn, &Counters::new(id, pin, from))?;
    let next = rows::sign(conn, &Counters::new(id, pin, to))?;
    let changed = diesel::update(tickets::table.find(id).filter(tickets::tries_mac.eq(former)))
        .set((
            tickets::pin_tries.eq(to.pin),
            tickets::activation_tries.eq(to.activation),
            tickets::tries_mac.eq(next),
        ))
        .execute(conn)?;
    if changed == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Another PIN takes the place of the former, or none, and has its tries anew; the caller holds the ticket.
pub(super) fn set_pin(conn: &mut Conn, id: &TicketId, pin: Option<&str>) -> Result<(), Error> {
    let activation = Counters::get(conn, id)?.activation_tries;
    let mac = rows::sign(conn, &Counters::new(id, pin, Tries { pin: 0, activation }))?;
    diesel::update(tickets::table.find(id))
        .set((tickets::pin.eq(pin), tickets::pin_tries.eq(0), tickets::tries_mac.eq(mac)))
        .execute(conn)?;
    Ok(())
}
