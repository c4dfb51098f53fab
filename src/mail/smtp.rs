//! A few connections to the mail server, each kept and used again.
//!
//! The one rule: a connection goes back only after a letter was accepted on it. While it is in use it is
//! nobody else's, so a send that is cancelled, slow or refused takes its connection down with it.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::dialogue::{Dialogue, Stream};
use super::letters::Composed;
use super::reply::Reply;
use super::settings::{MailError, MailSettings, Protection, Server, Timeouts, is_host_name};
use super::tls;
use super::trouble::{Step, Trouble, What};
use super::verdict::{Reason, Verdict};

pub(super) struct Smtp {
    server: Server,
    /// `None` for plain SMTP to the loopback.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    hello: String,
    limits: Timeouts,
    room: Semaphore,
    kept: Mutex<Vec<Kept>>,
    unclear: Mutex<Option<Unclear>>,
}

/// A refusal that did not say whom it is about. The same answer to another recipient, and nothing accepted meanwhile,
/// shows that it is about us.
struct Unclear {
    answer: Reply,
    recipient: String,
}

struct Kept {
    dialogue: Dialogue,
    since: Instant,
}

impl Smtp {
    pub(super) fn new(settings: &MailSettings, server: Server) -> Result<Self, MailError> {
        if !is_host_name(&settings.hello) {
            return Err(MailError::BadHello);
        }
        if !(1..=64).contains(&settings.connections) {
            return Err(MailError::Connections);
        }
        let tls = if server.protection == Protection::Plain {
            None
        } else {
            let name = ServerName::try_from(server.host.clone()).map_err(|_| MailError::BadUrl)?;
            Some((tls::connector(settings.ca_file.as_deref())?, name))
        };
        Ok(Self {
            server,
            tls,
            hello: settings.hello.clone(),
            limits: settings.timeouts,
            room: Semaphore::new(settings.connections),
            kept: Mutex::new(Vec::new()),
            unclear: Mutex::new(None),
        })
    }

    pub(super) async fn send(&self, message: &Composed) -> Verdict {
        let Ok(_seat) = self.room.acquire().await else {
            return Verdict::Deferred(Reason::new("the mailer is shutting down"));
        };
        if let Some(dialogue) = self.take().await {
            match self.hand_over(dialogue, message).await {
                Err(trouble) if trouble.is_stale() => {}
                done => return self.verdict(done, message.recipient()),
            }
        }
        let done = match self.connect().await {
            Ok(dialogue) => self.hand_over(dialogue, message).await,
            Err(trouble) => Err(trouble),
        };
        self.verdict(done, message.recipient())
    }

    fn verdict(&self, done: Result<(), Trouble>, recipient: &str) -> Verdict {
        let mut unclear = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(trouble) = done else {
            *unclear = None;
            return Verdict::Accepted;
        };
        let Some(answer) = trouble.unclear_answer() else { return trouble.verdict() };
        let is_known = |known: &&Unclear| known.answer == *answer;
        match unclear.as_ref().filter(is_known) {
            Some(known) if !known.recipient.eq_ignore_ascii_case(recipient) => trouble.verdict_of_us(),
            _ => {
                *unclear = Some(Unclear { answer: answer.clone(), recipient: recipient.to_owned() });
                trouble.verdict()
            }
        }
    }

    /// Goes as far as a letter would, without one; says what was found.
    pub(super) async fn probe(&self) -> Result<String, Reason> {
        let mut dialogue = self.connect().await.map_err(|trouble| trouble.reason())?;
        dialogue.noop().await.map_err(|trouble| trouble.reason())?;
        dialogue.quit().await;
        let how = match self.server.protection {
            Protection::Tls => "over TLS",
            Protection::StartTls => "over TLS by STARTTLS",
            Protection::Plain => "in the clear on the loopback",
        };
        let who = if self.server.credentials.is_some() { "signed in" } else { "not signed in" };
        Ok(format!("{}:{} answers {how}, {who}", self.server.host, self.server.port))
    }

    async fn hand_over(&self, mut dialogue: Dialogue, message: &Composed) -> Result<(), Trouble> {
        dialogue.hand_over(message.return_path(), message.recipient(), message.bytes()).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Kept { dialogue, since: Instant::now() });
        Ok(())
    }

    /// The connection used last, unless it is old or the server has said something on it since.
    async fn take(&self) -> Option<Dialogue> {
        loop {
            let last = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let mut dialogue = last.dialogue;
            if last.since.elapsed() < self.limits.idle && dialogue.is_quiet().await {
                return Some(dialogue);
            }
        }
    }

    async fn connect(&self) -> Result<Dialogue, Trouble> {
        let stream = self.reach().await?;
        let mut dialogue = match (self.server.protection, &self.tls) {
            (Protection::Tls, Some(tls)) => {
                let mut dialogue = Dialogue::over(self.secure(tls, stream).await?, self.limits);
                dialogue.greeting().await?;
                dialogue
            }
            (Protection::StartTls, Some(tls)) => self.upgrade(tls, stream).await?,
            (Protection::Plain, None) => {
                let mut dialogue = Dialogue::over(stream, self.limits);
                dialogue.greeting().await?;
                dialogue
            }
            _ => return Err(Trouble::new(Step::Tls, What::NotOffered)),
        };
        let offers = dialogue.ehlo(&self.hello).await?;
        if let Some(credentials) = &self.server.credentials {
            dialogue.sign_in(offers, credentials).await?;
        }
        Ok(dialogue)
    }

    /// STARTTLS: what was said before TLS counts for nothing afterwards (RFC 3207 §4.2).
    async fn upgrade(
        &self,
        tls: &(TlsConnector, ServerName<'static>),
        stream: TcpStream,
    ) -> Result<Dialogue, Trouble> {
        let mut plain = Dialogue::over(stream, self.limits);
        plain.greeting().await?;
        if !plain.ehlo(&self.hello).await?.starttls {
            return Err(Trouble::new(Step::StartTls, What::NotOffered));
        }
        plain.starttls().await?;
        let stream = plain.into_stream(Step::StartTls)?;
        Ok(Dialogue::over(self.secure(tls, stream).await?, self.limits))
    }

    async fn secure<S: Stream>(
        &self,
        (connector, name): &(TlsConnector, ServerName<'static>),
        stream: S,
    ) -> Result<tokio_rustls::client::TlsStream<S>, Trouble> {
        match timeout(self.limits.step, connector.connect(name.clone(), stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(Trouble::new(Step::Tls, What::Untrusted(error.to_string())))
            }
            Ok(Err(_)) => Err(Trouble::new(Step::Tls, What::Lost)),
            Err(_) => Err(Trouble::new(Step::Tls, What::Slow)),
        }
    }

    /// The first address that answers. Plain SMTP keeps to the loopback whatever the resolver says.
    async fn reach(&self) -> Result<TcpStream, Trouble> {
        let lookup = lookup_host((self.server.host.as_str(), self.server.port));
        let addresses: Vec<SocketAddr> = match timeout(self.limits.connect, lookup).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(_)) => return Err(Trouble::new(Step::Connect, What::Lost)),
            Err(_) => return Err(Trouble::new(Step::Connect, What::Slow)),
        };
        let is_plain = self.server.protection == Protection::Plain;
        let mut trouble = Trouble::new(Step::Connect, What::Lost);
        for address in addresses.into_iter().filter(|a| !is_plain || a.ip().is_loopback()) {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                // Commands are small: without this each waits for the acknowledgement of the last.
                Ok(Ok(stream)) if stream.set_nodelay(true).is_ok() => return Ok(stream),
                Ok(_) => {}
                Err(_) => trouble = Trouble::new(Step::Connect, What::Slow),
            }
        }
        Err(trouble)
    }
}
