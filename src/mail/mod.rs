//! Mail.
mod facts;
mod letters;
mod templates;
mod words;
pub use letters::{ComposeError, Composed, Sender, compose, message_id};

#[cfg(test)]
mod tests;
