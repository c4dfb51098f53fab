//! The suite: stories told through the front door of a running program, each on SQLite and on PostgreSQL.

#[macro_use]
mod support;

mod accounts;
mod audit;
mod cli;
mod demo;
mod floors;
mod hosts;
mod road;
mod schemas;
