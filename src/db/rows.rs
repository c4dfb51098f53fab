//! Rows that decide, or let somebody in: each bears a MAC over its deciding columns, and one that was written by hand
//! is refused.
//!
//! The rule: a table lists its columns once, with [`decides`]: those that decide, and those beside them. A column on
//! neither list does not compile. The key is the connection's, so that no caller can forget it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::Connection;

use super::watch::Watch;
use super::{Conn, Error};
use crate::crypto::RowKey;
use crate::domain::Time;

/// What a row bears; none where it was never signed.
pub(super) type Mac = Option<Vec<u8>>;

/// What the connections of one [`super::Db`] share about rows: the key, and whether a row was found that does not fit.
#[derive(Default)]
pub(super) struct Keeper {
    pub(super) key: OnceLock<RowKey>,
    pub(super) found: AtomicBool,
}

/// The canonical bytes of a row: each field behind its length.
pub(super) struct Fields(Vec<u8>);

impl Fields {
    pub(super) fn of(kind: &str) -> Self {
        let mut fields = Self(Vec::with_capacity(512));
        fields.put(kind);
        fields
    }

    pub(super) fn put<F: Field + ?Sized>(&mut self, field: &F) {
        field.write(&mut self.0);
    }

    pub(super) fn mac(&self, key: &RowKey) -> [u8; 32] {
        key.mac(&self.0)
    }

    pub(super) fn fits(&self, key: &RowKey, mac: Option<&[u8]>) -> bool {
        mac.is_some_and(|mac| key.fits(&self.0, mac))
    }
}

/// A value of a column, as it stands in the canonical bytes.
pub(super) trait Field {
    fn write(&self, out: &mut Vec<u8>);
}

impl Field for [u8] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.len() as u64).to_be_bytes());
        out.extend_from_slice(self);
    }
}

impl Field for str {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_bytes().write(out);
    }
}

impl Field for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

impl Field for Vec<u8> {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_slice().write(out);
    }
}

impl Field for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_be_bytes().write(out);
    }
}

impl Field for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        i64::from(*self).write(out);
    }
}

impl Field for bool {
    fn write(&self, out: &mut Vec<u8>) {
        i64::from(*self).write(out);
    }
}

impl Field for Time {
    fn write(&self, out: &mut Vec<u8>) {
        self.and_utc().timestamp_micros().write(out);
    }
}

impl<F: Field> Field for Option<F> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(field) = self {
            field.write(out);
        }
    }
}

/// What a row is signed by: its deciding columns.
pub(super) trait Decides: Sized {
    /// What the row is of, as it is named to whoever has to act.
    const NAME: &'static str;
    /// The table, the column of its MAC, and the one of its key.
    const PLACE: [&'static str; 3];

    /// Which row.
    fn id(&self) -> &str;

    /// Puts what decides.
    fn write(&self, fields: &mut Fields);

    /// A page of rows after an id, with what they bear.
    fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(Self, Mac)>, Error>;
}

/// The columns of a row that decide, and those beside them; and how the rows of its table are walked.
macro_rules! decides {
    (
        $row:ty: $name:literal, $table:ident.$mac:ident by $id:ident
        { $($field:ident),+ $(,)? } beside { $($other:ident),* $(,)? }
    ) => {
        impl $crate::db::rows::Decides for $row {
            const NAME: &'static str = $name;
            const PLACE: [&'static str; 3] = [stringify!($table), stringify!($mac), stringify!($id)];

            fn id(&self) -> &str {
                self.$id.as_str()
            }

            fn write(&self, fields: &mut $crate::db::rows::Fields) {
                // Without `..`: whoever adds a column says whether it decides.
                let Self { $($field,)+ $($other: _,)* } = self;
                $(fields.put($field);)+
            }

            fn page(
                conn: &mut $crate::db::Conn,
                after: &str,
                limit: i64,
            ) -> Result<Vec<(Self, $crate::db::rows::Mac)>, $crate::db::Error> {
                Ok($table::table
                    .filter($table::$id.gt(after))
                    .order($table::$id)
                    .limit(limit)
                    .select((<$row>::as_select(), $table::$mac))
                    .load(conn)?)
            }
        }
    };
}
pub(super) use decides;

/// The bytes that a row's MAC is over.
pub(super) fn fields<R: Decides>(row: &R) -> Fields {
    let mut fields = Fields::of(R::NAME);
    row.write(&mut fields);
    fields
}

/// What the connection knows of rows.
fn keeper(conn: &mut Conn) -> Result<&Keeper, Error> {
    conn.instrumentation()
        .downcast_ref::<Watch>()
        .map(Watch::keeper)
        .ok_or(Error::Corrupt("a connection that nobody watches"))
}

/// The key of the rows.
///
/// # Errors
/// The program has not said which ring it works with.
pub(super) fn key(conn: &mut Conn) -> Result<RowKey, Error> {
    keeper(conn)?.key.get().cloned().ok_or(Error::Corrupt("rows that are used without the key of rows"))
}

/// The MAC of a row.
pub(super) fn sign<R: Decides>(conn: &mut Conn, row: &R) -> Result<Vec<u8>, Error> {
    Ok(fields(row).mac(&key(conn)?).to_vec())
}

/// The row, if it is what this program wrote.
///
/// # Errors
/// `Forged`.
pub(super) fn check<R: Decides>(conn: &mut Conn, (row, mac): (R, Mac)) -> Result<R, Error> {
    let fits = fields(&row).fits(&key(conn)?, mac.as_deref());
    if fits { Ok(row) } else { Err(refuse(conn, R::NAME, row.id())) }
}

/// The rows, if all of them are what this program wrote.
///
/// # Errors
/// `Forged`.
pub(super) fn check_all<R: Decides>(conn: &mut Conn, rows: Vec<(R, Mac)>) -> Result<Vec<R>, Error> {
    rows.into_iter().map(|row| check(conn, row)).collect()
}

/// A row that does not fit, where there is no connection to tell.
pub(super) fn forged(table: &'static str, id: &str) -> Error {
    tracing::error!(table, id, "a row was not written by this program, or was put back");
    Error::Forged { table, id: id.into() }
}

/// A row that does not fit: told to the log, and to whoever asks for alarms.
pub(super) fn refuse(conn: &mut Conn, table: &'static str, id: &str) -> Error {
    if let Ok(keeper) = keeper(conn) {
        keeper.found.store(true, Ordering::Relaxed);
    }
    forged(table, id)
}
