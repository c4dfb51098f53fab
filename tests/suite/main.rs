//! The suite: stories told through the front door of a running program, each on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod accounts;
mod api;
mod audit;
mod cli;
mod edges;
mod floors;
mod hosts;
mod road;
mod schemas;
