//! B: those who read the mailbox.

mod keys;
mod moved;
mod notices;
mod riders;
mod stops;
mod unproven;
