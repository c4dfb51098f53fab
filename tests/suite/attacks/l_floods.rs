//! Too much of everything.
