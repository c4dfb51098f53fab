//! All mail: letters become messages ([`compose`]), and messages go out ([`Mailer`]).
//!
//! The one rule: `Accepted` is said only when the server said so. Everything else is either final for this
//! recipient (`Bounced`) or worth another try with the same bytes (`Deferred`).

mod dialogue;
mod facts;
mod folder;
mod letters;
mod memory;
pub mod records;
mod refusal;
pub(crate) mod reply;
#[cfg(any(test, fuzzing))]
pub(crate) mod samples;
mod settings;
mod smtp;
mod templates;
mod tls;
mod trial;
mod trouble;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::ExposeSecret;

pub use letters::{ComposeError, Composed, Sender, compose, message_id};
pub use memory::{Memory, Sent};
pub use settings::{MailError, MailSettings, Timeouts};
pub use trial::trial;
pub use verdict::{Reason, Verdict};

/// The way out for letters. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Mailer {
    transport: Arc<Transport>,
}

enum Transport {
    Smtp(Box<smtp::Smtp>),
    Folder(folder::Folder),
    Memory(Memory),
}

impl Mailer {
    /// A mailer as the configuration has it. Reads certificates and makes the folder; connects nowhere.
    ///
    /// # Errors
    /// Whatever could let a letter out unprotected, and whatever cannot work; see [`MailError`].
    pub fn from_config(settings: &MailSettings) -> Result<Self, MailError> {
        let transport = match settings.transport.as_str() {
            "smtp" => {
                let url = settings.url.as_ref().ok_or(MailError::NoUrl)?;
                let server = settings::Server::parse(url.expose_secret(), settings.password.as_ref())?;
                Transport::Smtp(Box::new(smtp::Smtp::new(settings, server)?))
            }
            "folder" => {
                let folder = settings.folder.as_ref().ok_or(MailError::NoFolder)?;
                Transport::Folder(folder::Folder::new(folder)?)
            }
            _ => return Err(MailError::UnknownTransport),
        };
        Ok(Self { transport: Arc::new(transport) })
    }

    /// A mailer that keeps letters in memory, and the memory.
    #[must_use]
    pub fn memory() -> (Self, Memory) {
        let memory = Memory::default();
        (Self { transport: Arc::new(Transport::Memory(memory.clone())) }, memory)
    }

    /// Tries once to send a message. Dropping the future gives the try up, and its connection with it;
    /// whether the message arrived is then unknown.
    pub async fn send(&self, message: &Composed) -> Verdict {
        match &*self.transport {
            Transport::Smtp(smtp) => smtp.send(message).await,
            Transport::Folder(folder) => folder.send(message).await,
            Transport::Memory(memory) => memory.send(message),
        }
    }

    /// Goes through everything but a letter, for `rekey check`, and says in a line what was found.
    ///
    /// # Errors
    /// Why letters would not go out.
    pub async fn probe(&self) -> Result<String, Reason> {
        match &*self.transport {
            Transport::Smtp(smtp) => smtp.probe().await,
            Transport::Folder(folder) => folder.probe().await,
            Transport::Memory(_) => Ok("letters are kept in memory".to_owned()),
        }
    }
}
