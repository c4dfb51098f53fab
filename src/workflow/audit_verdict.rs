//! What verification of the audit log found, in words for whoever has to act on it.

use serde::Deserialize;

use crate::db::audit::Entry;
use crate::db::rows_all::Forged;
use crate::domain::Time;
use crate::domain::event::{Action, Subject};

/// An entry as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its place in the chain; none where it is not sealed.
    pub position: Option<i64>,
    /// What it says happened.
    pub action: String,
    /// About what.
    pub subject: String,
}

impl Named {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id.as_str().to_owned(),
            position: entry.position,
            action: entry.action.clone(),
            subject: format!("{} {}", entry.subject_kind, entry.subject_id).trim_end().to_owned(),
        }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (id, action) = (self.id.escape_debug(), self.action.escape_debug());
        write!(f, "entry {id} ({action}, {}", self.subject.escape_debug())?;
        match self.position {
            Some(position) => write!(f, ", position {position})"),
            None => write!(f, ", not yet sealed)"),
        }
    }
}

/// The database was put back from a backup. What the log said beyond its end is not in this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When it was restored.
    pub at: Time,
    /// Where the log of the backup ended.
    pub position: i64,
    /// How far the log had gone, as the checkpoints' file had it then; none where it had gone no further.
    pub beyond: Option<i64>,
}

#[derive(Deserialize)]
struct Details {
    position: String,
    beyond: Option<String>,
}

impl Gap {
    /// What an entry says of a restore, if it is about one.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        if entry.action != Action::Restored.as_str() || entry.subject_kind != Subject::System.kind() {
            return None;
        }
        let details: Details = serde_json::from_str(&entry.details).ok()?;
        let beyond = details.beyond.and_then(|beyond| beyond.parse().ok());
        Some(Self { at: entry.at, position: details.position.parse().ok()?, beyond })
    }

    /// Whether a checkpoint is of the log that was given up: signed before the restore, and beyond the backup's end.
    pub(super) fn covers(&self, position: i64, at: Time) -> bool {
        position > self.position && at <= self.at
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.format("%Y-%m-%dT%H:%M:%SZ");
        write!(f, "restored at {at} from a backup whose log ended at position {}", self.position)?;
        match self.beyond {
            Some(beyond) => {
                write!(f, "; entries {} to {beyond} of the log before are not in this one", self.position + 1)
            }
            None => f.write_str("; no checkpoint of this machine goes beyond it"),
        }
    }
}

/// Where a checkpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the database.
    Row,
    /// In the checkpoints' file, in that line.
    Line(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row => f.write_str("in the database"),
            Self::Line(line) => write!(f, "in line {line} of the checkpoints' file"),
        }
    }
}

/// The first thing that is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A position has no entry.
    #[error("the entry at position {0} was removed, or moved elsewhere")]
    Removed(i64),
    /// An entry is not what was written.
    #[error("{0} was changed, or was not written by Rekey")]
    Changed(Named),
    /// An entry is sound, but not in its place.
    #[error("{0} does not follow from the entry before it: it was moved, or one before it was")]
    Moved(Named),
    /// An entry outside the chain is not what was written.
    #[error("{0} was added by hand, or changed before it was sealed")]
    Added(Named),
    /// A row has more versions than entries.
    #[error("entry {version} of {kind} {id} was removed")]
    Cut {
        /// The kind of subject.
        kind: String,
        /// Which one.
        id: String,
        /// The first version without an entry.
        version: i32,
    },
    /// A row has fewer versions than entries.
    #[error("{kind} {id} was put back to version {version}, but the log has {entries} entries of it")]
    PutBack {
        /// The kind of subject.
        kind: String,
        /// Which one.
        id: String,
        /// Its version.
        version: i32,
        /// How many entries it has.
        entries: i64,
    },
    /// A checkpoint was not signed with this ring.
    #[error("the checkpoint {0} was not signed by this key ring")]
    Forged(Place),
    /// A checkpoint goes further than the log.
    #[error(
        "the log ends at position {end}, but the checkpoint {place} covers {position}: the end was cut off"
    )]
    Shortened {
        /// Where the log ends.
        end: i64,
        /// Which checkpoint.
        place: Place,
        /// What it covers.
        position: i64,
    },
    /// A checkpoint is of another log.
    #[error(
        "the checkpoint {place} was signed for another log: this one was rebuilt up to position {position}"
    )]
    Rebuilt {
        /// Which checkpoint.
        place: Place,
        /// What it covers.
        position: i64,
    },
}

/// What verification came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries in the chain.
    pub sealed: u64,
    /// Entries that wait to be sealed.
    pub unsealed: u64,
    /// Rows of which each version has its entry.
    pub subjects: u64,
    /// Checkpoints in the database.
    pub checkpoints: u64,
    /// Checkpoints in the file; none where there is no file.
    pub checkpoints_in_file: Option<u64>,
    /// Restores from backups, in order.
    pub gaps: Vec<Gap>,
    /// The first thing that is wrong with the log, if anything is.
    pub broken: Option<Broken>,
    /// Rows that decide.
    pub rows: u64,
    /// How many of them are not what was written.
    pub forged_rows: u64,
    /// Those, up to a hundred.
    pub forged: Vec<Forged>,
}

impl Report {
    /// Whether all is as it was written.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.broken.is_none() && self.forged_rows == 0
    }
}
