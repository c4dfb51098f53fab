//! All rows that decide, table by table and in pages: for verification, and for signing those of a former schema once.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};

use super::conn::on_both;
use super::rows::{self, Decides, Mac};
use super::schema::{audit_entries, tickets};
use super::{
    Conn, Error, account_addresses, account_sessions, accounts, authenticators, challenges, clients, letters,
    local_password, recovery_codes, review, sessions, staff, standing, ticket_row, tokens, vouches,
};
use crate::crypto::RowKey;
use crate::domain::event::Action;
use crate::domain::ids::TicketId;
use crate::domain::ticket::{Standing, State};

/// The built-in client, which a migration makes and not the program.
const BUILT_IN: &str = "local";

/// A row that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forged {
    /// Of which table, or of what of it.
    pub table: &'static str,
    /// Which one.
    pub id: String,
}

/// One page of a table.
#[derive(Debug, Default)]
pub struct Page {
    /// How many rows it has.
    pub seen: usize,
    /// The last of them.
    pub last: Option<String>,
    /// Those that do not fit.
    pub forged: Vec<Forged>,
}

/// A table of rows that decide.
pub struct Table {
    check: fn(&mut Conn, &str, i64) -> Result<Page, Error>,
    sign: fn(&mut Conn, &str, i64) -> Result<Page, Error>,
}

impl Table {
    const fn of<R: Decides>() -> Self {
        Self { check: check::<R>, sign: sign::<R> }
    }

    /// Looks at a page of rows after an id.
    ///
    /// # Errors
    /// Of the database alone.
    pub fn check(&self, conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
        (self.check)(conn, after, limit)
    }

    /// Signs the rows of a page that bear nothing.
    ///
    /// # Errors
    /// Of the database alone.
    pub fn sign(&self, conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
        (self.sign)(conn, after, limit)
    }
}

/// All tables, in the order in which they are signed: a ticket's digests are over what stands beside it.
pub static TABLES: [Table; 18] = [
    Table::of::<staff::Member>(),
    Table::of::<sessions::Session>(),
    Table::of::<clients::Client>(),
    Table::of::<accounts::Row>(),
    Table::of::<local_password::Local>(),
    Table::of::<account_addresses::Set>(),
    Table::of::<account_sessions::Session>(),
    Table::of::<authenticators::Authenticator>(),
    Table::of::<recovery_codes::RecoveryCode>(),
    Table::of::<review::EvidenceRow>(),
    Table::of::<review::Approval>(),
    Table { check: check_tickets, sign: sign_tickets },
    Table::of::<ticket_row::Counters>(),
    Table::of::<challenges::Challenge>(),
    Table::of::<vouches::Vouch>(),
    Table::of::<tokens::NewToken>(),
    Table::of::<letters::Row>(),
    Table { check: check_standing, sign: |_, _, _| Ok(Page::default()) },
];

fn check<R: Decides>(conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
    let (key, mut page) = (rows::key(conn)?, Page::default());
    for (row, mac) in R::page(conn, after, limit)? {
        page.see(row.id());
        if !rows::fields(&row).fits(&key, mac.as_deref()) {
            page.forged.push(Forged { table: R::NAME, id: row.id().to_owned() });
        }
    }
    Ok(page)
}

fn sign<R: Decides>(conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut bare = Vec::new();
    for (row, mac) in R::page(conn, after, limit)? {
        page.see(row.id());
        if mac.is_none() {
            bare.push(row);
        }
    }
    put_macs(conn, &bare)?;
    Ok(page)
}

fn check_tickets(conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
    check::<ticket_row::Signed>(conn, after, limit)
}

fn sign_tickets(conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
    let mut page = Page::default();
    let (key, rows) = (rows::key(conn)?, ticket_row::Signed::page(conn, after, limit)?);
    let in_force = in_force(conn, &rows)?;
    let mut columns = Vec::new();
    for (mut signed, mac) in rows {
        page.see(signed.id());
        if mac.is_none() {
            signed.standing = standing_of(&key, &in_force, signed.id());
            let column = signed.column(&rows::fields(&signed).mac(&key));
            columns.push((signed.id().to_owned(), column));
        }
    }
    put(conn, ticket_row::Signed::PLACE, columns)?;
    Ok(page)
}

/// What stands beside the tickets of a page is what their rows say.
fn check_standing(conn: &mut Conn, after: &str, limit: i64) -> Result<Page, Error> {
    let mut page = Page::default();
    let (key, rows) = (rows::key(conn)?, ticket_row::Signed::page(conn, after, limit)?);
    let in_force = in_force(conn, &rows)?;
    for (signed, _) in rows {
        page.see(signed.id());
        let there = standing_of(&key, &in_force, signed.id());
        let said = signed.standing;
        for (table, fits) in [
            (standing::EVIDENCE, there.evidence == said.evidence),
            (standing::APPROVALS, there.approvals == said.approvals),
        ] {
            if !fits {
                page.forged.push(Forged { table, id: signed.id().to_owned() });
            }
        }
    }
    Ok(page)
}

fn in_force(conn: &mut Conn, page: &[(ticket_row::Signed, Mac)]) -> Result<review::InForce, Error> {
    let ids: Vec<TicketId> = page.iter().map(|(signed, _)| TicketId::new(signed.id())).collect();
    review::in_force(conn, &ids)
}

fn standing_of(key: &RowKey, in_force: &review::InForce, ticket: &str) -> Standing {
    let ticket = TicketId::new(ticket);
    let of = |kind: &str, ids: Option<&Vec<String>>| {
        standing::digest(key, kind, ids.map(|ids| texts(ids)).unwrap_or_default())
    };
    Standing {
        evidence: of(standing::EVIDENCE, in_force.evidence.get(&ticket)),
        approvals: of(standing::APPROVALS, in_force.approvals.get(&ticket)),
    }
}

fn texts(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

impl Page {
    fn see(&mut self, id: &str) {
        self.seen += 1;
        self.last = Some(id.to_owned());
    }
}

/// Whether there is no row that decides but that of the built-in client, which a migration makes.
///
/// # Errors
/// Of the database alone.
pub fn is_new(conn: &mut Conn) -> Result<bool, Error> {
    for table in &TABLES {
        let page = table.check(conn, "", 2)?;
        let is_built_in = page.seen == 1 && page.last.as_deref() == Some(BUILT_IN);
        if page.seen > 0 && !is_built_in {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A ticket that is approved or beyond, and of which the log does not tell it.
///
/// # Errors
/// Of the database alone.
pub fn find_untold(conn: &mut Conn) -> Result<Option<String>, Error> {
    for (state, told) in [
        (State::Approved, vec![Action::Approved]),
        (State::KeySent, vec![Action::KeySent, Action::KeyReissued]),
        (State::Completed, vec![Action::Completed]),
    ] {
        let told: Vec<&str> = told.iter().map(|action| action.as_str()).collect();
        let entries = audit_entries::table
            .filter(audit_entries::subject_kind.eq("ticket"))
            .filter(audit_entries::subject_id.eq(tickets::id))
            .filter(audit_entries::action.eq_any(told));
        let untold: Option<TicketId> = tickets::table
            .filter(tickets::state.eq(state))
            .filter(diesel::dsl::not(diesel::dsl::exists(entries)))
            .select(tickets::id)
            .first(conn)
            .optional()?;
        if let Some(id) = untold {
            return Ok(Some(id.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// Signs rows as they are given.
pub(super) fn put_macs<R: Decides>(conn: &mut Conn, rows: &[R]) -> Result<(), Error> {
    let key = rows::key(conn)?;
    let macs = rows.iter().map(|row| (row.id().to_owned(), rows::fields(row).mac(&key).to_vec())).collect();
    put(conn, R::PLACE, macs)
}

/// Writes one column of some hundred rows, each its own value, in one statement.
fn put(conn: &mut Conn, [table, column, id]: [&str; 3], values: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
    if values.is_empty() {
        return Ok(());
    }
    // PostgreSQL takes values in a list for texts, unless it is told.
    let bytes = if matches!(conn, Conn::Pg(_)) { "::bytea" } else { "" };
    let places: Vec<String> =
        (0..values.len()).map(|n| format!("(${}, ${}{bytes})", 2 * n + 1, 2 * n + 2)).collect();
    let sql = format!(
        "UPDATE {table} SET {column} = given.column2 FROM (VALUES {}) AS given WHERE {table}.{id} = given.column1",
        places.join(", ")
    );
    on_both!(conn, c => {
        let mut query = diesel::sql_query(&sql).into_boxed();
        for (id, value) in values {
            query = query.bind::<Text, _>(id).bind::<Binary, _>(value);
        }
        query.execute(c)?
    });
    Ok(())
}
