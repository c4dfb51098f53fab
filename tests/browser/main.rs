//! The pages in a real browser: the whole road through the demo, with JavaScript and without, and how every page
//! looks and speaks to assistive technology.
//!
//! Needs Debian's chromium and chromium-driver; `script/test` installs them, and axe-core into `REKEY_TEST_AXE`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on has failed"
)]

mod account;
mod account_looks;
mod browser;
mod demo;
mod hostile;
mod looks;
mod road;
mod states;
