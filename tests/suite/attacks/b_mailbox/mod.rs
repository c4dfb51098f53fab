//! B: those who read the mailbox.

mod keys;
mod notices;
mod riders;
mod stops;
