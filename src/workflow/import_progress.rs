//! How far an import has come: written down with each batch, in its transaction.
//!
//! The rule: it is true whenever the program ends, however it ends. Only the very same file for the same application goes
//! on from it.

use ring::digest::{Context as Digest, SHA256};
use serde::{Deserialize, Serialize};

use super::import_rows::Row;
use super::putting::Done;
use crate::db::{Conn, facts};
use crate::domain::ids::ClientId;
use crate::error::Error;

/// What was applied of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The last line that was applied; 0 for none.
    pub(super) line: u64,
    pub(super) created: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
}

impl Progress {
    /// As it is once these rows, which end with that line, are applied.
    pub(super) fn after(mut self, line: u64, done: &[Done]) -> Self {
        self.line = line;
        for one in done {
            match one {
                Done::Created => self.created += 1,
                Done::Changed => self.changed += 1,
                Done::Unchanged => self.unchanged += 1,
            }
        }
        self
    }

    /// How many rows were applied.
    pub(super) fn rows(self) -> u64 {
        self.created + self.changed + self.unchanged
    }

    pub(super) fn find(conn: &mut Conn, file: &str) -> Result<Option<Self>, Error> {
        let kept = facts::find(conn, file)?;
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
    }

    pub(super) fn put(self, conn: &mut Conn, file: &str) -> Result<(), Error> {
        let text = serde_json::to_string(&self).map_err(|_| Error::Internal("progress that is no JSON"))?;
        Ok(facts::put(conn, file, &text)?)
    }
}

/// What a file is known by: all of its rows and where they go.
pub(super) struct Fingerprint(Digest);

impl Fingerprint {
    pub(super) fn new(client: &ClientId, skip_bad: bool) -> Self {
        let mut digest = Digest::new(&SHA256);
        digest.update(format!("{client} {skip_bad}\n").as_bytes());
        Self(digest)
    }

    pub(super) fn add(&mut self, line: u64, row: Result<&Row, &'static str>) {
        self.0.update(format!("{line} {row:?}\n").as_bytes());
    }

    /// The name under which its progress is kept.
    pub(super) fn name(&self) -> String {
        use std::fmt::Write as _;
        let mut name = "import ".to_owned();
        for byte in self.0.clone().finish().as_ref() {
            // Writing to a string never fails.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }
}
