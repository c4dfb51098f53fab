//! What a workflow ends with when it does not end well: the domain said no, or we are broken.

use crate::crypto::{PasswordError, SealError};
use crate::db::{self, AsDbError};
use crate::domain::rejection::Rejection;

/// Why a workflow did not do what was asked. Nothing was changed by its last transaction, unless [`Error::may_be_done`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller is not who they would have to be; which of many reasons it is, is not said.
    #[error("not authenticated")]
    Unauthenticated,
    /// A name that must be free is taken.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Too many passwords are being hashed at once.
    #[error("busy")]
    Busy,
    /// The database.
    #[error("the database failed")]
    Database(#[from] db::Error),
    /// A fault of this program or its data.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Whether it will pass by itself: the database is away or too busy, or this program's key ring is older than the
    /// one that a value was sealed with.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Database(db::Error::Unavailable(_) | db::Error::Stale)) || self.lacks_key()
    }

    /// Whether it is not known if the last transaction was committed.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Database(db::Error::Unavailable(db::Outage::Unanswered(_))))
    }

    /// Whether a value is sealed under a key that is not on the ring, as it is read here.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        matches!(self, Self::Database(db::Error::Sealed(SealError::UnknownKey(_))))
    }
}

/// An error and what lies behind it, each once, on one line: drivers break theirs over several.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let words =
        |error: &dyn std::error::Error| error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = words(error);
    let mut next = error.source();
    while let Some(source) = next {
        let said = words(source);
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = source.source();
    }
    text
}

impl AsDbError for Error {
    fn db_error(&self) -> Option<&db::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::Database(error.into())
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy | PasswordError::Interrupted => Self::Busy,
            PasswordError::Key(error) => error.into(),
            PasswordError::Malformed => Self::Internal("a password's hash cannot be read"),
        }
    }
}
