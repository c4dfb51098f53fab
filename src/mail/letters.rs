//! A letter and its envelope become a message: templates, links, headers.
//!
//! The one rule: the same letter in the same envelope is the same bytes, so that a retry sends the
//! message again and not another one. Nothing here reads a clock or draws a number.

use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::facts;
use super::templates::{Frame, Parts};
use super::words;
use crate::domain::letter::{Envelope, Letter, Purpose};

/// Who writes, and where the links lead: from the configuration, never from a request.
#[derive(Debug, Clone)]
pub struct Sender {
    /// `Example Help Desk <desk@example.com>`
    pub from: String,
    /// Where answers go; `from` where it is not set.
    pub reply_to: Option<String>,
    /// The return path, with `{id}` for the letter: `bounces+{id}@desk.example`; `from` where it is not set.
    pub return_path: Option<String>,
    /// What people call the application: `Example`.
    pub app_name: String,
    /// What stands before the account in the authenticator app: `Example (ada)`.
    pub issuer: String,
    /// Without a slash at its end.
    pub public_url: String,
    /// How a person at the desk is reached: a number, an address, a place.
    pub desk_contact: String,
}

/// Why a letter could not be written. Trying again does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The address is none that mail servers take.
    #[error("the reader's address is not one that mail can go to")]
    Recipient,
    /// `from`, `reply_to` or `return_path` of the configuration.
    #[error("an address of the mail configuration is not valid")]
    Sender,
    /// The Message-ID is not `local@domain`.
    #[error("the letter's Message-ID is not valid")]
    MessageId,
    /// The template or the message around it.
    #[error("the letter could not be rendered")]
    Rendering,
}

/// A message, ready to be sent as often as it takes. It may carry a key, so its bytes are wiped when dropped;
/// the renderer's and the builder's own copies are merely freed.
pub struct Composed {
    pub(super) id: String,
    pub(super) return_path: Address,
    pub(super) to: Address,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Composed {
    /// Its Message-ID, without angle brackets.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.id
    }

    /// The message as it goes over the wire, CRLF line ends.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whom it goes to.
    #[must_use]
    pub fn recipient(&self) -> &str {
        self.to.as_ref()
    }

    /// Where bounces of this letter come back to.
    #[must_use]
    pub fn return_path(&self) -> &str {
        self.return_path.as_ref()
    }
}

/// The Message-ID of a letter: its own id at the domain that mail is sent from.
///
/// # Errors
/// [`ComposeError::Sender`] if the sender has no valid address.
pub fn message_id(letter_id: &str, sender: &Sender) -> Result<String, ComposeError> {
    let from = mailbox(&sender.from)?;
    Ok(format!("{letter_id}@{}", from.email.domain()))
}

/// Writes the message of a letter.
///
/// # Errors
/// See [`ComposeError`]; none of them passes by itself.
pub fn compose(letter: &Letter, envelope: &Envelope, sender: &Sender) -> Result<Composed, ComposeError> {
    let id = checked_id(&envelope.message_id)?;
    let to = address(&letter.to).ok_or(ComposeError::Recipient)?;
    let from = mailbox(&sender.from)?;
    let reply_to = sender.reply_to.as_deref().map_or_else(|| Ok(from.clone()), mailbox)?;
    let return_path = return_path(sender, &id, &from)?;

    let purpose = letter.content.purpose();
    let frame = frame(purpose, envelope, sender);
    let parts = facts::render(&letter.content, &frame, envelope, sender);
    let parts = parts.map_err(|_| ComposeError::Rendering)?;

    let mut builder = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to.clone()))
        .reply_to(reply_to)
        .subject(parts.subject.clone())
        .date(date(envelope))
        .message_id(Some(format!("<{id}>")))
        .raw_header(fixed("Auto-Submitted", "auto-generated"))
        .raw_header(fixed("X-Auto-Response-Suppress", "All"));
    if let Some(root) = thread(purpose, envelope, &id)? {
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    let message = builder.multipart(body(parts, &id)).map_err(|_| ComposeError::Rendering)?;
    Ok(Composed { id, return_path, to, bytes: Zeroizing::new(message.formatted()) })
}

fn frame(purpose: Purpose, envelope: &Envelope, sender: &Sender) -> Frame<'static> {
    let public_url = public_url(sender);
    let reference = envelope.reference.as_ref().map(|r| words::plain(r.as_str()));
    // A manager has no part in the ticket, so there is nothing for them to read there.
    let tickets = if purpose.is_internal() { "desk/tickets" } else { "tickets" };
    let ticket_url = reference.as_ref().map(|r| format!("{public_url}/{tickets}/{r}"));
    Frame {
        hello: words::person(&envelope.person)
            .map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},")),
        app: words::plain(&sender.app_name),
        account: words::label(&envelope.account),
        reference,
        ticket_url,
        desk_url: format!("{public_url}/desk"),
        stop_url: envelope.stop_token.as_ref().map(|t| link(sender, "/stop/", t)),
        stop_intro: match purpose {
            Purpose::ManagerVouch => "If you know that it was not them who asked",
            Purpose::Frozen => "If it was not you who asked for help either",
            Purpose::AddressChanged => "If you did not change it",
            _ => "If this was not you",
        },
        contact: (!purpose.is_internal()).then(|| words::line(&sender.desk_contact)),
    }
}

/// A full link that ends in a token.
pub(super) fn link(sender: &Sender, path: &str, token: &SecretString) -> String {
    format!("{}{path}{}", public_url(sender), token.expose_secret())
}

fn public_url(sender: &Sender) -> &str {
    sender.public_url.trim_end_matches('/')
}

/// Text and HTML; the boundary comes from the Message-ID, since a drawn one would differ with each try.
fn body(parts: Parts, id: &str) -> MultiPart {
    let mark: String = id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    MultiPart::alternative()
        .boundary(format!("rekey-{mark}"))
        .singlepart(SinglePart::plain(unbroken(parts.text)))
        .singlepart(SinglePart::html(unbroken(parts.html)))
}

/// ASCII goes as it is, up to the 998 columns of RFC 5322 §2.1.1: the builder's own choice, quoted-printable
/// from 76 columns on, would cut links and keys in two for whoever reads the source.
fn unbroken(text: String) -> Body {
    if text.is_ascii() && text.lines().all(|line| line.len() <= 998) {
        let lines = text.lines().flat_map(|line| [line, "\r\n"]).collect::<String>();
        Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text)
    }
}

/// The first Message-ID of the ticket's thread, unless this letter is it or stands for itself.
fn thread(purpose: Purpose, envelope: &Envelope, own: &str) -> Result<Option<String>, ComposeError> {
    let Some(root) = envelope.thread.as_deref().filter(|_| purpose != Purpose::SetupKey) else {
        return Ok(None);
    };
    let root = checked_id(root)?;
    Ok((root != own).then(|| format!("<{root}>")))
}

fn date(envelope: &Envelope) -> SystemTime {
    let seconds = envelope.written_at.and_utc().timestamp();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or_default())
}

pub(super) fn fixed(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// `local@domain` in plain characters, brackets taken off: it becomes a header and a file name.
pub(super) fn checked_id(id: &str) -> Result<String, ComposeError> {
    let bare = id.strip_prefix('<').and_then(|i| i.strip_suffix('>')).unwrap_or(id);
    let is_word = |word: &str| {
        (1..=200).contains(&word.len())
            && !word.starts_with('.')
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
    };
    let is_id = bare.split_once('@').is_some_and(|(local, domain)| is_word(local) && is_word(domain));
    is_id.then(|| bare.to_owned()).ok_or(ComposeError::MessageId)
}

/// An address in ASCII, its domain in the form of the DNS; `None` for any other, line breaks included.
pub(super) fn address(text: &str) -> Option<Address> {
    let (local, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    let plain = local.bytes().all(|b| b.is_ascii_graphic()) && local.len() <= 64;
    plain.then(|| Address::new(local, domain).ok()).flatten()
}

/// A mailbox of the configuration. A line break in a display name would panic in the builder.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, ComposeError> {
    if text.chars().any(char::is_control) {
        return Err(ComposeError::Sender);
    }
    let parsed: Mailbox = text.parse().map_err(|_| ComposeError::Sender)?;
    let email = address(parsed.email.as_ref()).ok_or(ComposeError::Sender)?;
    Ok(Mailbox::new(parsed.name, email))
}

fn return_path(sender: &Sender, id: &str, from: &Mailbox) -> Result<Address, ComposeError> {
    let Some(pattern) = &sender.return_path else {
        return Ok(from.email.clone());
    };
    let local = id.split_once('@').map_or(id, |(local, _)| local);
    address(&pattern.replace("{id}", local)).ok_or(ComposeError::Sender)
}
