//! In which open tickets a member of the staff had a part: as the one who has it, verified, approved, or made a PIN.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::schema::{approvals, audit_entries, evidence, tickets};
use super::{Conn, Error};
use crate::domain::event::Action;
use crate::domain::ids::{StaffId, TicketId};

/// The open tickets that they have, or had a part in.
///
/// # Errors
/// Of the database alone.
pub fn list_open(conn: &mut Conn, staff: &StaffId) -> Result<BTreeSet<TicketId>, Error> {
    let open = || tickets::table.filter(tickets::slot.is_not_null()).select(tickets::id);
    let mut all: BTreeSet<TicketId> =
        open().filter(tickets::holder.eq(staff)).load::<TicketId>(conn)?.into_iter().collect();
    let approved: Vec<TicketId> = approvals::table
        .filter(approvals::staff_id.eq(staff))
        .filter(approvals::voided_at.is_null())
        .filter(approvals::ticket_id.eq_any(open()))
        .select(approvals::ticket_id)
        .load(conn)?;
    let verified: Vec<TicketId> = evidence::table
        .filter(evidence::ticket_id.eq_any(open()))
        .filter(evidence::staff_id.eq(staff))
        .select(evidence::ticket_id)
        .load(conn)?;
    let with_pin = open().filter(tickets::pin_made.eq(true)).select(tickets::id.nullable());
    let told: Vec<Option<TicketId>> = audit_entries::table
        .filter(audit_entries::ticket_id.eq_any(with_pin))
        .filter(audit_entries::action.eq(Action::PinMade.as_str()))
        .filter(audit_entries::actor_id.eq(staff.as_str()))
        .select(audit_entries::ticket_id)
        .load(conn)?;
    all.extend(approved);
    all.extend(verified);
    all.extend(told.into_iter().flatten());
    Ok(all)
}

/// Whether they made a PIN on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn made_pin(conn: &mut Conn, ticket: &TicketId, staff: &StaffId) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(
        audit_entries::table
            .filter(audit_entries::ticket_id.eq(ticket))
            .filter(audit_entries::action.eq(Action::PinMade.as_str()))
            .filter(audit_entries::actor_id.eq(staff.as_str())),
    ))
    .get_result(conn)?)
}
