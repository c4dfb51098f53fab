//! A: those outside, who hold nothing here, or what is their own.

mod accounts;
pub mod forms;
mod prober;
mod seen;
mod steps;
mod texts;
mod times;
mod tokens;
