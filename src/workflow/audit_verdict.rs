//! What verification of the audit log found, in words for whoever has to act on it.

use crate::db::audit::Entry;

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
    /// The first thing that is wrong, if anything is.
    pub broken: Option<Broken>,
}
