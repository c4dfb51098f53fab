//! What holds whatever comes from outside: one function for each way in, which takes any bytes and panics where
//! something does not hold. The suite draws the bytes with proptest, `script/fuzz` with libFuzzer.
//!
//! The rule: no program that is released has any of this.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics: that is what it is for"
)]

pub mod inputs;
pub mod letters;
pub mod requests;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use inputs::{checkpoints, config, import, json, names, reply};
pub use letters::letters;
pub use requests::{assertion, headers, page};

/// Takes any bytes, and panics where something does not hold.
pub type Property = fn(&[u8]);

/// Every way in, by the name of its target.
pub const ALL: [(&str, Property); 10] = [
    ("assertion", assertion),
    ("checkpoints", checkpoints),
    ("config", config),
    ("headers", headers),
    ("import", import),
    ("json", json),
    ("letters", letters),
    ("names", names),
    ("page", page),
    ("reply", reply),
];

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Takes bytes apart: single ones, and parts that end with a zero.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        part
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
