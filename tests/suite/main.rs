//! The suite: stories told through the front door of a running program, each on SQLite and on PostgreSQL.

#![expect(unreachable_pub, reason = "nothing here is seen from elsewhere")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on has failed"
)]

#[macro_use]
mod support;

mod account_pages;
mod accounts;
mod api;
mod applications;
mod assertions;
mod attacks;
mod audit;
mod cli;
mod demo;
mod desk;
mod diagnosis;
mod examples;
mod floors;
mod headers;
mod hosts;
mod imports;
mod model;
mod names;
mod oracles;
mod outage;
mod pairs;
mod portal;
mod recovery_codes;
mod restore;
mod road;
mod rotation;
mod scale;
mod schemas;
mod secrets;
mod senders;
mod standards;
mod stopping;
mod surroundings;
mod truth;
mod twice;
mod unknown;
mod upgrade;
mod vouches;
mod windows;
