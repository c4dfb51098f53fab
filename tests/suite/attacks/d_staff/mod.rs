//! D: members of the staff, and whoever holds their sessions.

mod approvals;
mod fields;
mod people;
mod shut_out;
mod under_way;
