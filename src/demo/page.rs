//! What stands on every page of the demo: where one is, and what the demo's clock says.

use crate::domain::Time;
use crate::workflow::Context;

/// The demo's bar.
pub(super) struct Bar {
    /// The page's place in the bar.
    here: &'static str,
    /// The demo's time.
    now: Time,
    /// Whether it differs from everybody else's.
    pub(super) is_moved: bool,
}

/// The places of the bar: path, and what it is called.
const PLACES: [(&str, &str); 8] = [
    ("/demo", "Guide"),
    ("/", "Help page"),
    ("/demo/mailbox", "Mailbox"),
    ("/demo/app", "Phone"),
    ("/demo/host", "Example"),
    ("/desk", "Desk"),
    ("/demo/staff-codes", "Staff codes"),
    ("/demo/clock", "Clock"),
];

impl Bar {
    pub(super) fn at(here: &'static str, ctx: &Context) -> Self {
        Self { here, now: ctx.now(), is_moved: ctx.clock.shift() != 0 }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        PLACES.into_iter().map(|(path, name)| (path, name, path == self.here))
    }

    /// `Tue 24 Nov, 14:05 UTC`
    pub(super) fn clock(&self) -> String {
        self.now.format("%a %-d %b, %H:%M UTC").to_string()
    }
}
