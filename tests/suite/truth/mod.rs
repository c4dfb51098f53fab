//! Truth tables that are walked whole: proofs at activation, and who gets through which door in which state.
//!
//! State × command stands with the domain (`src/domain/ticket/tests/table.rs`).

mod activation;
mod doors;
mod people;
mod proofs;
mod rows;
mod standing;
