//! Why a command did not do what was asked, in plain sentences on standard error.

use std::error::Error as Chain;
use std::process::ExitCode;

use crate::app::StartError;
use crate::config::Faults;
use crate::domain::rejection::Rejection;
use crate::error::Error;
pub(super) use crate::error::chain;

/// Why a command ends without success.
pub(super) enum Failure {
    /// The configuration or the arguments are wrong: exit code 2.
    Usage(String),
    /// It failed, or its verdict is no: exit code 1.
    Failed(String),
}

impl Failure {
    /// Says why, and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Usage(text) => (text, 2),
            Self::Failed(text) => (text, 1),
        };
        eprintln!("rekey: {text}");
        ExitCode::from(code)
    }

    /// An error with what lies behind it.
    pub(super) fn of(error: &(dyn Chain + 'static)) -> Self {
        Self::Failed(chain(error))
    }

    /// A workflow's error; `missing` is what was not found.
    pub(super) fn about(missing: &str, error: Error) -> Self {
        match error {
            Error::Rejected(Rejection::NotFound) => Self::Failed(format!("there is no {missing}")),
            other => other.into(),
        }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Usage(faults.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Failed(error) => error.into(),
            other => Self::of(&other),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(Rejection::Invalid(reason)) => Self::Usage(reason.to_owned()),
            Error::Taken("account") => Self::Failed(
                "the account is another member's: one person is one member of the staff".to_owned(),
            ),
            Error::Taken(what) => Self::Failed(format!("this {what} is taken")),
            other => Self::of(&other),
        }
    }
}
