//! What random walks have found.

mod found;
