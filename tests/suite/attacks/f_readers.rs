//! Whoever reads, or writes, where the program keeps things.
