//! What Rekey withstands: each row of the list is a test that plays the attacker through the front door.
//!
//! The rule: a test is named by its row, and the line above it says what the attacker does, a bar, and what must
//! happen; the table in docs/attacks.md is made of these lines.

mod a_outsiders;
mod b_mailbox;
mod c_addresses;
mod c_callers;
mod canary;
mod d_staff;
mod dump;
mod f_operators;
mod f_readers;
mod f_rings;
mod f_writers;
mod h_transport;
mod i_kills;
mod i_meanwhile;
mod i_races;
mod i_rings;
mod i_twice;
mod j_mail;
mod k_clocks;
mod l_floods;
mod l_outages;
mod limits;
mod m_audit;
mod n_applications;
mod stage;

pub use dump::tamper;
