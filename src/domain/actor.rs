//! Who acts: the staff with their roles and ranks, and everybody else.

use super::ids::{AccountId, ClientId, StaffId};
use super::rejection::Rejection;
use super::words::words;

words! {
    /// What a member of the staff may do.
    Role {
        /// Verifies requesters and approves.
        Agent = "agent",
        /// Gives second approvals and takes tickets over.
        Approver = "approver",
        /// Manages staff, hosts and policy; thaws.
        Admin = "admin",
        /// Reads the audit log, and nothing personal beyond it.
        Auditor = "auditor",
    }
}

/// How far a member of the staff reaches: agent < approver < admin. Auditors have no rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// No rank: reads the audit log at most.
    None,
    /// An agent.
    Agent,
    /// An approver.
    Approver,
    /// An admin.
    Admin,
}

/// The roles of one member of the staff: at least one, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    list: Vec<Role>,
    text: String,
}

impl Roles {
    /// Reads `agent,approver`; none where a word is unknown or nothing is left.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut list = text.split(',').map(|word| Role::parse(word.trim())).collect::<Option<Vec<_>>>()?;
        list.sort_unstable();
        list.dedup();
        let text = list.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",");
        (!list.is_empty()).then_some(Self { list, text })
    }

    /// The roles, in order.
    #[must_use]
    pub fn list(&self) -> &[Role] {
        &self.list
    }

    /// The roles as they are stored: `agent,approver`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the role is among them.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.list.contains(&role)
    }

    /// The highest rank that the roles give.
    #[must_use]
    pub fn rank(&self) -> Rank {
        if self.has(Role::Admin) {
            Rank::Admin
        } else if self.has(Role::Approver) {
            Rank::Approver
        } else if self.has(Role::Agent) {
            Rank::Agent
        } else {
            Rank::None
        }
    }

    /// Whether the audit log is open to them.
    #[must_use]
    pub fn may_read_audit(&self) -> bool {
        self.has(Role::Auditor) || self.has(Role::Admin)
    }
}

/// A member of the staff in front of one ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffActor {
    /// Who.
    pub id: StaffId,
    /// With which reach.
    pub rank: Rank,
    /// Whether a fresh code of their own authenticator stands (step-up).
    pub stepped_up: bool,
}

/// The members of the staff whose account the ticket's is. One by its address and another by `--account` are both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub ids: Vec<StaffId>,
    /// The highest reach among them; disabled members keep theirs.
    pub rank: Rank,
}

impl StaffActor {
    /// Refuses before any state is looked at: the rank that the command needs, one's own ticket, and accounts of
    /// staff that outrank the actor.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket` or `Outranked`.
    pub fn may_act(&self, needs: Rank, owner: Option<&Owner>) -> Result<(), Rejection> {
        if self.rank < needs {
            return Err(Rejection::RoleTooLow);
        }
        match owner {
            Some(owner) if owner.ids.contains(&self.id) => Err(Rejection::OwnTicket),
            Some(owner) if owner.rank > self.rank => Err(Rejection::Outranked),
            _ => Ok(()),
        }
    }
}

/// Who stands behind an entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever opened the ticket.
    Requester,
    /// A member of the staff.
    Staff(StaffId),
    /// A host application.
    Host(ClientId),
    /// The account's owner, signed in at Rekey's own page.
    Owner(AccountId),
    /// The worker.
    Machine,
    /// Somebody at the command line.
    Console,
}

impl Actor {
    /// The kind of actor, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Staff(_) => "staff",
            Self::Host(_) => "host",
            Self::Owner(_) => "owner",
            Self::Machine => "machine",
            Self::Console => "console",
        }
    }

    /// Which one, where there are several of the kind.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Staff(id) => Some(id.as_str()),
            Self::Host(id) => Some(id.as_str()),
            Self::Owner(id) => Some(id.as_str()),
            Self::Requester | Self::Machine | Self::Console => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(text: &str) -> Roles {
        Roles::parse(text).unwrap()
    }

    #[test]
    fn roles_are_kept_in_order_and_once() {
        let both = roles("approver, agent,agent");
        assert_eq!((both.list(), both.as_str()), (&[Role::Agent, Role::Approver][..], "agent,approver"));
        assert!(both.has(Role::Agent) && both.has(Role::Approver) && !both.has(Role::Admin));
        assert!(Roles::parse("").is_none() && Roles::parse("agent,owner").is_none());
    }

    #[test]
    fn auditors_and_admins_alone_read_the_audit_log() {
        assert!(roles("auditor").may_read_audit() && roles("admin").may_read_audit());
        assert!(!roles("agent,approver").may_read_audit());
    }

    #[test]
    fn the_log_names_each_actor_and_which_where_there_are_several() {
        let named = [
            (Actor::Requester, "requester", None),
            (Actor::Staff(StaffId::new("7")), "staff", Some("7")),
            (Actor::Host(ClientId::new("8")), "host", Some("8")),
            (Actor::Owner(AccountId::new("9")), "owner", Some("9")),
            (Actor::Machine, "machine", None),
            (Actor::Console, "console", None),
        ];
        for (actor, kind, id) in named {
            assert_eq!((actor.kind(), actor.id()), (kind, id));
        }
    }
}
