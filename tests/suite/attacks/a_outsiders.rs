//! A: those outside, who have no account here, or somebody else's.
