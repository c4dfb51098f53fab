//! Why the domain says no: a closed list, which the outermost floor maps to answers.

use super::Time;
use super::policy::Missing;

/// A refusal. Nothing has changed when one is returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such thing, or none that the caller may know of.
    #[error("not found")]
    NotFound,
    /// The role does not allow it.
    #[error("the role does not allow this")]
    RoleTooLow,
    /// Nobody acts on the ticket of their own account.
    #[error("the account is the actor's own")]
    OwnTicket,
    /// The account belongs to a member of the staff of a higher rank.
    #[error("the account's owner outranks the actor")]
    Outranked,
    /// The second approval came from the first approver.
    #[error("a second person has to approve")]
    SamePerson,
    /// The state does not allow the command.
    #[error("the ticket's state does not allow this")]
    OutOfOrder,
    /// Only the holder may do this.
    #[error("somebody else holds the ticket")]
    NotHolder,
    /// The form was made for another version.
    #[error("the ticket has changed meanwhile")]
    Outdated,
    /// The account has another open ticket.
    #[error("the account has another open ticket")]
    AnotherOpen,
    /// The same person recorded a failure of this method before.
    #[error("this method failed before with the same member of the staff")]
    FailedBefore,
    /// Evidence or another condition of the policy is missing.
    #[error("the policy is not met")]
    PolicyNotMet(Vec<Missing>),
    /// A fresh code of the actor's own authenticator is needed.
    #[error("a step-up is required")]
    StepUpRequired,
    /// The code, PIN or password is wrong, unknown or expired; which of these is not said.
    #[error("wrong code")]
    WrongCode,
    /// Activation needs a proof beside the code.
    #[error("a proof is required")]
    ProofRequired,
    /// A limit is reached; it ends at that time, where it ends by itself.
    #[error("too many tries")]
    TooManyTries(Option<Time>),
    /// Something was done as often as it may be; there is room again at that time, where time makes any.
    #[error("the limit is reached")]
    LimitReached(Limit, Option<Time>),
    /// A value cannot be taken.
    #[error("invalid: {0}")]
    Invalid(&'static str),
}

/// What may be done only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Requests for an account by its application's word, a day.
    Requests,
    /// Questions to the manager, a ticket.
    VouchQuestions,
    /// Messages of one side, a ticket and hour.
    Replies,
}
