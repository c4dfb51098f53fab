//! C: those who talk to the staff.
