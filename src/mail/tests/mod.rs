//! Letters as they leave, and the ways by which they leave.

mod hostile;
mod letters;
mod samples;
