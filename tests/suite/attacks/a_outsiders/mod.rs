//! A: those outside, who hold nothing here, or what is their own.

mod accounts;
pub mod forms;
pub mod prober;
pub mod seen;
mod steps;
mod texts;
mod times;
mod tokens;
