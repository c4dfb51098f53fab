//! What is written on a ticket: requests, answers, questions, replies, notes.

use diesel::prelude::*;

use super::schema::messages;
use super::{Conn, Error};
use crate::domain::Time;
use crate::domain::ids::{StaffId, TicketId};
use crate::domain::ticket::{MessageKind, NewMessage};

/// A message of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub struct Message {
    /// Which.
    pub id: String,
    /// Of which ticket.
    pub ticket_id: TicketId,
    /// Which kind.
    pub kind: MessageKind,
    /// Who wrote it; none for the requester.
    pub staff_id: Option<StaffId>,
    /// The text.
    pub body: String,
    /// When.
    pub at: Time,
}

/// The messages of a ticket, oldest first.
///
/// # Errors
/// Of the database alone.
pub fn list_messages(conn: &mut Conn, ticket: &TicketId) -> Result<Vec<Message>, Error> {
    Ok(messages::table
        .filter(messages::ticket_id.eq(ticket))
        .order(messages::id)
        .limit(500)
        .select(Message::as_select())
        .load(conn)?)
}

/// How many messages the requester has written on a ticket.
///
/// # Errors
/// Of the database alone.
pub fn count_answers(conn: &mut Conn, ticket: &TicketId) -> Result<i64, Error> {
    Ok(messages::table
        .filter(messages::ticket_id.eq(ticket))
        .filter(messages::staff_id.is_null())
        .count()
        .get_result(conn)?)
}

/// When the message was written with which the last `count` of these kinds begin, if so many were written since a time.
///
/// # Errors
/// Of the database alone.
pub fn find_last(
    conn: &mut Conn,
    ticket: &TicketId,
    kinds: &[MessageKind],
    count: i64,
    since: Time,
) -> Result<Option<Time>, Error> {
    Ok(messages::table
        .filter(messages::ticket_id.eq(ticket))
        .filter(messages::kind.eq_any(kinds))
        .filter(messages::at.gt(since))
        .order(messages::id.desc())
        .offset(count - 1)
        .select(messages::at)
        .first(conn)
        .optional()?)
}

pub(super) fn insert(
    conn: &mut Conn,
    id: String,
    ticket: &TicketId,
    message: NewMessage,
    now: Time,
) -> Result<(), Error> {
    let row = Message {
        id,
        ticket_id: ticket.clone(),
        kind: message.kind,
        staff_id: message.author,
        body: message.body,
        at: now,
    };
    diesel::insert_into(messages::table).values(row).execute(conn)?;
    Ok(())
}
