//! What Rekey withstands: each row of the list is a test that plays the attacker through the front door.
//!
//! The rule: a test is named by its row, and the line above it says what the attacker does, a bar, and what must
//! happen; the table in docs/attacks.md is made of these lines.

mod a_outsiders;
mod b_mailbox;
mod c_callers;
mod d_staff;
