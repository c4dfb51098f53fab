//! One SMTP dialogue (RFC 5321), one command after the other, each with its limit of time.
//!
//! The one rule: after anything unexpected the dialogue is over, and its connection with it. A reply that
//! nobody asked for would be taken for the answer to the next command, and a refused letter for a sent one;
//! what a stranger puts behind the answer to STARTTLS would speak for the server once TLS stands. That is
//! why letters do not go through lettre's own transport, which keeps such bytes.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::reply::{self, Reply};
use super::settings::{Credentials, Timeouts};
use super::trouble::{Step, Trouble, What};

/// Longest reply that is read (lines and all); EHLO's are under a kilobyte.
const LONGEST_REPLY: usize = 16 * 1024;

/// Anything that bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What the server offered in its answer to EHLO.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Offers {
    pub(super) starttls: bool,
    auth_plain: bool,
    auth_login: bool,
}

/// A connection, and where the conversation on it stands.
pub(super) struct Dialogue {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    limits: Timeouts,
}

impl Dialogue {
    /// Takes over a connection; nothing has been said on it, or TLS has just been set up on it.
    pub(super) fn over(stream: impl Stream + 'static, limits: Timeouts) -> Self {
        Self { stream: Box::new(stream), unread: Vec::new(), limits }
    }

    /// Gives the connection back, for TLS. Nothing may be waiting on it.
    pub(super) fn into_stream(self, step: Step) -> Result<Box<dyn Stream>, Trouble> {
        if self.unread.is_empty() { Ok(self.stream) } else { Err(Trouble::new(step, What::Unasked)) }
    }

    /// Waits for the server's greeting.
    pub(super) async fn greeting(&mut self) -> Result<(), Trouble> {
        let limit = self.limits.step;
        self.reply(Step::Greeting, limit, &[220]).await.map(drop)
    }

    pub(super) async fn ehlo(&mut self, name: &str) -> Result<Offers, Trouble> {
        let reply = self.ask(Step::Ehlo, &format!("EHLO {name}\r\n"), &[250]).await?;
        let mut offers = Offers::default();
        for line in reply.lines.iter().skip(1) {
            // `AUTH=LOGIN PLAIN` is how servers from before RFC 2554 say it.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("AUTH") => {
                    for mechanism in words {
                        offers.auth_plain |= mechanism == "PLAIN";
                        offers.auth_login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        Ok(offers)
    }

    pub(super) async fn starttls(&mut self) -> Result<(), Trouble> {
        self.ask(Step::StartTls, "STARTTLS\r\n", &[220]).await.map(drop)
    }

    /// Signs in by PLAIN, or else by LOGIN.
    pub(super) async fn sign_in(&mut self, offers: Offers, who: &Credentials) -> Result<(), Trouble> {
        let (user, password) = (who.user.expose_secret(), who.password.expose_secret());
        if offers.auth_plain {
            let both = Zeroizing::new(format!("\0{user}\0{password}"));
            let line = Zeroizing::new(format!("AUTH PLAIN {}\r\n", *encoded(&both)));
            self.ask(Step::Auth, &line, &[235]).await?;
        } else if offers.auth_login {
            self.ask(Step::Auth, "AUTH LOGIN\r\n", &[334]).await?;
            let line = Zeroizing::new(format!("{}\r\n", *encoded(user)));
            self.ask(Step::Auth, &line, &[334]).await?;
            let line = Zeroizing::new(format!("{}\r\n", *encoded(password)));
            self.ask(Step::Auth, &line, &[235]).await?;
        } else {
            return Err(Trouble::new(Step::Auth, What::NotOffered));
        }
        Ok(())
    }

    /// Hands one message over. `Ok` means that the server took it, and nothing else does.
    pub(super) async fn hand_over(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), Trouble> {
        self.ask(Step::Mail, &format!("MAIL FROM:<{from}>\r\n"), &[250]).await?;
        self.ask(Step::Rcpt, &format!("RCPT TO:<{to}>\r\n"), &[250, 251, 252]).await?;
        self.ask(Step::Data, "DATA\r\n", &[354]).await?;
        let message = reply::stuffed(message);
        let limit = self.limits.step;
        self.write(Step::Message, limit, &message).await?;
        self.write(Step::End, limit, b".\r\n").await?;
        let limit = self.limits.accept;
        self.reply(Step::End, limit, &[250]).await.map(drop)
    }

    pub(super) async fn noop(&mut self) -> Result<(), Trouble> {
        self.ask(Step::Noop, "NOOP\r\n", &[250]).await.map(drop)
    }

    /// Takes leave. Whether the server answers does not matter any more.
    pub(super) async fn quit(mut self) {
        let _ = self.ask(Step::Quit, "QUIT\r\n", &[221]).await;
    }

    /// Whether the server has said nothing since its last answer, and not hung up either.
    pub(super) async fn is_quiet(&mut self) -> bool {
        let mut byte = [0u8; 1];
        // Asked once and without a timer, as none is shorter than a millisecond.
        let is_silent =
            poll_fn(|cx| Poll::Ready(pin!(self.stream.read(&mut byte)).poll(cx).is_pending())).await;
        self.unread.is_empty() && is_silent
    }

    async fn ask(&mut self, step: Step, command: &str, good: &[u16]) -> Result<Reply, Trouble> {
        if !self.unread.is_empty() {
            return Err(Trouble::new(step, What::Unasked));
        }
        let limit = self.limits.step;
        self.write(step, limit, command.as_bytes()).await?;
        self.reply(step, limit, good).await
    }

    async fn write(&mut self, step: Step, limit: Duration, bytes: &[u8]) -> Result<(), Trouble> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(limit, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Trouble::new(step, What::Lost)),
            Err(_) => Err(Trouble::new(step, What::Slow)),
        }
    }

    /// Reads one whole reply within the limit, and holds it against the codes that mean yes.
    async fn reply(&mut self, step: Step, limit: Duration, good: &[u16]) -> Result<Reply, Trouble> {
        let read = timeout(limit, self.read_reply(step)).await;
        let reply = read.map_err(|_| Trouble::new(step, What::Slow))??;
        if good.contains(&reply.code) { Ok(reply) } else { Err(Trouble::new(step, What::Refused(reply))) }
    }

    async fn read_reply(&mut self, step: Step) -> Result<Reply, Trouble> {
        let mut chunk = [0u8; 1024];
        loop {
            if let Some((reply, length)) =
                reply::first(&self.unread).map_err(|what| Trouble::new(step, what))?
            {
                self.unread.drain(..length);
                return Ok(reply);
            }
            if self.unread.len() > LONGEST_REPLY {
                return Err(Trouble::new(step, What::Garbled));
            }
            let read = self.stream.read(&mut chunk).await.map_err(|_| Trouble::new(step, What::Lost))?;
            match chunk.get(..read) {
                None | Some([]) => return Err(Trouble::new(step, What::Lost)),
                Some(bytes) => self.unread.extend_from_slice(bytes),
            }
        }
    }
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}
