//! Who knocks, and what is promised of them at each kind of door.

use rekey::domain::ticket::State;

/// Who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Nobody,
    /// With the token of another ticket.
    Stranger,
    Requester,
    /// With the token of the setup letter's link; before a key is sent, with something like it.
    Letter,
    /// The holder, where there is one.
    Agent,
    OtherAgent,
    Approver,
    Admin,
    Auditor,
    Host,
    /// A host of another application.
    OtherHost,
    AccountsHost,
    CodesHost,
    TicketsHost,
}

use Role::{
    AccountsHost, Admin, Agent, Approver, Auditor, CodesHost, Host, Letter, Nobody, OtherAgent, OtherHost,
    Requester, Stranger, TicketsHost,
};

pub const ROLES: [Role; 14] = [
    Nobody,
    Stranger,
    Requester,
    Letter,
    Agent,
    OtherAgent,
    Approver,
    Admin,
    Auditor,
    Host,
    OtherHost,
    AccountsHost,
    CodesHost,
    TicketsHost,
];

/// How a door answers to a role. Past it state and policy decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Unauthenticated,
    Forbidden,
    NotFound,
    Open,
}

/// Whose a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Anybody,
    /// What is presented stands in the body; these tests present nothing that is good.
    WrongToken,
    /// The same for signing in.
    WrongPassword,
    Requester,
    /// The requester, or somebody who comes back without a token.
    RequesterOrNobody,
    /// The requester, or whoever has the setup letter.
    Activation,
    /// Every member of the staff.
    Staff,
    /// Agents, approvers, admins.
    Desk,
    /// Agents, where nobody has the ticket; then approvers.
    TakeOver,
    /// Agents, but second approvals.
    Approve,
    /// Agents, but frozen tickets.
    Close,
    Admins,
    Audit,
    /// Any host with the scope: to whoever puts it, the account is its own.
    Put,
    /// The account's own host, with that scope.
    Accounts,
    Codes,
}

impl For {
    /// What is promised of the role before a ticket in that state.
    pub fn door(self, role: Role, state: State) -> Door {
        let agents = matches!(role, Agent | OtherAgent | Approver | Admin);
        let seniors = matches!(role, Approver | Admin);
        let staff = agents || role == Auditor;
        let of_staff = |may: bool| match may {
            _ if !staff => Door::Unauthenticated,
            true => Door::Open,
            false => Door::Forbidden,
        };
        let of_requester = |may: bool, without: Door| match role {
            _ if may => Door::Open,
            Nobody => without,
            _ => Door::NotFound,
        };
        let of_host = |scope: Role| match role {
            Host => Door::Open,
            AccountsHost | CodesHost | TicketsHost if role != scope => Door::Forbidden,
            OtherHost | AccountsHost | CodesHost | TicketsHost => Door::NotFound,
            _ => Door::Unauthenticated,
        };
        match self {
            Self::Anybody => Door::Open,
            Self::WrongToken => Door::NotFound,
            Self::WrongPassword => Door::Unauthenticated,
            Self::Requester => of_requester(role == Requester, Door::Unauthenticated),
            Self::RequesterOrNobody => of_requester(matches!(role, Requester | Nobody), Door::Open),
            Self::Activation => {
                let by_letter = role == Letter && state == State::KeySent;
                of_requester(role == Requester || by_letter, Door::NotFound)
            }
            Self::Staff => of_staff(staff),
            Self::Desk => of_staff(agents),
            Self::TakeOver => {
                of_staff(if matches!(state, State::Unconfirmed | State::Open) { agents } else { seniors })
            }
            Self::Approve => of_staff(if state == State::AwaitingApproval { seniors } else { agents }),
            Self::Close => of_staff(if state == State::Frozen { role == Admin } else { agents }),
            Self::Admins => of_staff(role == Admin),
            Self::Audit => of_staff(matches!(role, Admin | Auditor)),
            Self::Put => match of_host(AccountsHost) {
                Door::NotFound => Door::Open,
                other => other,
            },
            Self::Accounts => of_host(AccountsHost),
            Self::Codes => of_host(CodesHost),
        }
    }
}
