//! A message that says only that mail arrives, for whoever sets the mail server up.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::{Mailbox, header};
use zeroize::Zeroizing;

use super::letters::{ComposeError, Composed, Sender, address, checked_id, fixed, mailbox};
use super::words;
use crate::domain::Time;

/// Writes the message. It carries no secret and no link.
///
/// # Errors
/// See [`ComposeError`]; none of them passes by itself.
pub fn trial(to: &str, message_id: &str, at: Time, sender: &Sender) -> Result<Composed, ComposeError> {
    let id = checked_id(message_id)?;
    let to = address(to).ok_or(ComposeError::Recipient)?;
    let from = mailbox(&sender.from)?;
    let app = words::plain(&sender.app_name);
    let seconds = at.and_utc().timestamp().try_into().unwrap_or_default();
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(format!("{app}: test of the mail set-up"))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{id}>")))
        .raw_header(fixed("Auto-Submitted", "auto-generated"))
        .raw_header(fixed("X-Auto-Response-Suppress", "All"))
        .header(header::ContentType::TEXT_PLAIN)
        .body(format!(
            "Hello,\r\n\r\nthis is a test letter of the {app} help desk, sent by `rekey mail test`.\r\n\
             If you read it, letters arrive. There is nothing to do.\r\n"
        ))
        .map_err(|_| ComposeError::Rendering)?;
    Ok(Composed { id, return_path: from.email, to, bytes: Zeroizing::new(message.formatted()) })
}
