//! D: members of the staff, and whoever holds their sessions.
