//! Names of things: opaque identifiers, each a type of its own so that none is taken for another.

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes over an identifier as it was drawn or read from the database.
            #[must_use]
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Any text is an identifier; whether it names something, the database knows.
            #[must_use]
            pub fn parse(value: &str) -> Option<Self> {
                Some(Self(value.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

identifiers! {
    /// A ticket (UUIDv7).
    TicketId,
    /// What people call a ticket: `RK-7Q4M-2XKD`.
    Reference,
    /// An account at a host application (UUIDv7).
    AccountId,
    /// One TOTP enrolment of an account (UUIDv7).
    AuthenticatorId,
    /// A member of the staff (UUIDv7).
    StaffId,
    /// A session of a member of the staff, or of an account's owner (UUIDv7).
    SessionId,
    /// A host application that calls Rekey (UUIDv7).
    ClientId,
    /// A letter in the outbox (UUIDv7).
    LetterId,
    /// One piece of evidence (UUIDv7).
    EvidenceId,
    /// An entry of the audit log (UUIDv7).
    EntryId,
}

impl ClientId {
    /// The built-in application: it makes no calls, and has the accounts that were imported for no other.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// Whether it is the built-in one.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0 == "local"
    }
}
