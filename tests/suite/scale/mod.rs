//! What grows with the rows, and what must not: statements, plans and weights of every page and call.
//!
//! The rule: nothing is left out. The routes are those of the running program, the statements those that it ran.

mod calls;
mod demo;
mod pages;
mod plans;
mod routes;
mod statements;
mod walk;
