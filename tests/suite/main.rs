//! The suite: stories told through the front door of a running program, each on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod api;
mod edges;
mod floors;
mod hosts;
mod road;
