//! Letters as they leave, and the ways by which they leave.

mod elsewhere;
mod hostile;
mod letters;
mod smtp;
#[path = "../../../tests/suite/support/smtp_server.rs"]
mod smtp_server;
mod tls;
