//! Who is in the demo: people with accounts at the host application, and the staff of the desk.
//!
//! The rule: names of the history of computing, addresses and numbers that are reserved for examples.

use crate::domain::account::Facts;
use crate::domain::policy::Tier;

/// What the host application is called.
pub(super) const APP: &str = "Example";
/// The password of every person, at the host application and on Rekey's own pages.
pub(super) const PERSON_PASSWORD: &str = "person-demo";
/// The password of every member of the staff.
pub(super) const STAFF_PASSWORD: &str = "staff-demo";

/// A person with an account.
pub(super) struct Person {
    /// The host's name for the account, and the part of the address before the `@`.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) phone: Option<&'static str>,
    pub(super) manager: Option<&'static str>,
    pub(super) tier: Tier,
    /// Whether two-factor authentication was set up before the demo begins.
    pub(super) has_key: bool,
}

impl Person {
    pub(super) fn email(&self) -> String {
        email(self.id)
    }

    pub(super) fn facts(&self) -> Facts {
        Facts {
            email: self.email(),
            name: self.name.to_owned(),
            phone: self.phone.map(str::to_owned),
            other_emails: Vec::new(),
            manager_email: self.manager.map(email),
            tier: self.tier,
            locale: None,
        }
    }
}

/// The address of somebody at the host application.
pub(super) fn email(id: &str) -> String {
    format!("{id}@example.com")
}

/// The person with that name, or that address.
pub(super) fn find(typed: &str) -> Option<&'static Person> {
    let typed = typed.trim().to_ascii_lowercase();
    PEOPLE.iter().find(|person| person.id == typed || person.email() == typed)
}

const fn person(id: &'static str, name: &'static str, phone: &'static str) -> Person {
    Person { id, name, phone: Some(phone), manager: Some("konrad"), tier: Tier::Standard, has_key: true }
}

/// Everybody.
pub(super) const PEOPLE: &[Person] = &[
    person("ada", "Ada Lovelace", "+44 20 7946 0101"),
    person("grace", "Grace Hopper", "+1 202 555 0102"),
    person("dorothy", "Dorothy Vaughan", "+1 202 555 0103"),
    person("alan", "Alan Turing", "+44 20 7946 0104"),
    person("katherine", "Katherine Johnson", "+1 202 555 0105"),
    Person { has_key: false, ..person("emmy", "Emmy Noether", "+49 30 23125 106") },
    Person { tier: Tier::Privileged, ..person("margaret", "Margaret Hamilton", "+1 202 555 0107") },
    Person { tier: Tier::Privileged, ..person("lise", "Lise Meitner", "+43 1 555 0108") },
    person("hedy", "Hedy Lamarr", "+43 1 555 0109"),
    Person { manager: None, ..person("charles", "Charles Babbage", "+44 20 7946 0110") },
    person("rosalind", "Rosalind Franklin", "+44 20 7946 0111"),
    person("joan", "Joan Clarke", "+44 20 7946 0112"),
    person("mary", "Mary Somerville", "+44 20 7946 0113"),
    person("annie", "Annie Easley", "+1 202 555 0114"),
    Person { phone: None, manager: None, ..person("sofia", "Sofia Kovalevskaya", "") },
    person("ida", "Ida Rhodes", "+1 202 555 0116"),
    Person { has_key: false, ..person("karen", "Karen Spärck Jones", "+44 20 7946 0118") },
    Person { manager: None, ..person("konrad", "Konrad Zuse", "+49 30 23125 117") },
];

/// A member of the staff.
pub(super) struct Member {
    /// The part of the address before the `@`.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) roles: &'static str,
    /// The account at the host application that is theirs.
    pub(super) account: Option<&'static str>,
    /// What they are good for in the demo.
    pub(super) does: &'static str,
}

impl Member {
    pub(super) fn email(&self) -> String {
        format!("{}@desk.example", self.id)
    }
}

/// The whole desk.
pub(super) const STAFF: &[Member] = &[
    Member {
        id: "agent",
        name: "Ida Rhodes",
        roles: "agent",
        account: Some("ida"),
        does: "takes tickets, verifies people, approves",
    },
    Member {
        id: "agent2",
        name: "Jean Bartik",
        roles: "agent",
        account: None,
        does: "a second agent, who has tickets of her own",
    },
    Member {
        id: "approver",
        name: "Tommy Flowers",
        roles: "agent,approver",
        account: None,
        does: "gives second approvals and takes tickets over",
    },
    Member {
        id: "admin",
        name: "Mavis Batey",
        roles: "admin",
        account: None,
        does: "lets frozen tickets go on, and reads the audit log",
    },
    Member {
        id: "auditor",
        name: "Gordon Welchman",
        roles: "auditor",
        account: None,
        does: "reads the audit log and nothing else",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_name_and_address() {
        for typed in ["ada", " ADA ", "ada@example.com", "Ada@Example.com"] {
            assert_eq!(find(typed).map(|person| person.name), Some("Ada Lovelace"), "{typed}");
        }
        assert!(find("nobody").is_none());
    }
}
