//! Who of the staff looks at which ticket now; replicas share it.
//!
//! The rule: no state of anything. It stands in no audit entry, and nothing is decided by it.

use diesel::prelude::*;

use super::conn::on_both;
use super::schema::{looking, staff};
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{StaffId, TicketId};

/// Somebody was seen at a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Look {
    /// Which ticket.
    pub ticket: TicketId,
    /// Who.
    pub staff: StaffId,
    /// Their name.
    pub name: String,
    /// When.
    pub seen_at: Time,
}

/// Who was seen at these tickets since a time, by name.
///
/// # Errors
/// Of the database alone.
pub fn list(conn: &mut Conn, of: Vec<TicketId>, since: Time) -> Result<Vec<Look>, Error> {
    Ok(looking::table
        .inner_join(staff::table.on(staff::id.eq(looking::staff_id)))
        .filter(looking::ticket_id.eq_any(of))
        .filter(looking::seen_at.gt(since))
        .order((staff::name, staff::id))
        .select((looking::ticket_id, looking::staff_id, staff::name, looking::seen_at))
        .load(conn)?)
}

/// Somebody is seen at a ticket.
///
/// # Errors
/// Of the database alone.
pub fn note(conn: &mut Conn, ticket: &TicketId, by: &StaffId, now: Time) -> Result<(), Error> {
    let row = (looking::ticket_id.eq(ticket), looking::staff_id.eq(by), looking::seen_at.eq(now));
    on_both!(conn, c => diesel::insert_into(looking::table)
        .values(row)
        .on_conflict((looking::ticket_id, looking::staff_id))
        .do_update()
        .set(looking::seen_at.eq(now))
        .execute(c))?;
    Ok(())
}

/// Forgets who was seen before a time.
///
/// # Errors
/// Of the database alone.
pub fn sweep(conn: &mut Conn, before: Time) -> Result<(), Error> {
    diesel::delete(looking::table.filter(looking::seen_at.lt(before))).execute(conn)?;
    Ok(())
}
