//! What Rekey withstands: one file a letter, one test a row, named by its number, each playing the attacker through the
//! front door.
//!
//! The rule to keep: a test's doc comment is `NUMBER: what the attacker does | what must happen`. `script/attacks`
//! makes docs/attacks.md of these, and insists that no number is missing.

mod h;
mod i;
mod j;
mod k;
mod stage;
