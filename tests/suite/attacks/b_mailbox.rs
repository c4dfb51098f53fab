//! B: those who read the mailbox.
