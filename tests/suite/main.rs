//! The suite: stories told through the front door of a running program, each on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod accounts;
mod audit;
mod cli;
mod crash;
mod floors;
mod hosts;
mod oracles;
mod outage;
mod road;
mod schemas;
