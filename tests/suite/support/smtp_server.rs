//! A mail server for tests: takes letters, and misbehaves on request.
//!
//! The one rule: it answers as a good server does unless an [`Act`] was put in for a word; acts are used up in
//! order, and `always` stays. Words are the commands in capitals, and `CONNECT`, `BODY` (while a message comes
//! in) and `END` (when it is whole).

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What to do in place of the good answer.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Say this, CRLF appended.
    Say(&'static str),
    /// Say this, one byte each 40 ms.
    Drip(&'static str),
    /// Hang up without a word.
    HangUp,
    /// Stay silent, the connection open.
    Stall,
}

/// How the server speaks TLS.
#[derive(Clone)]
pub(crate) enum Security {
    /// Not at all.
    None,
    /// From the first byte.
    Implicit(TlsAcceptor),
    /// When asked.
    StartTls(TlsAcceptor),
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: String,
    /// As it was before dots were doubled.
    pub(crate) message: String,
}

#[derive(Default)]
struct State {
    acts: HashMap<&'static str, VecDeque<Act>>,
    always: HashMap<&'static str, Act>,
    taken: Vec<Taken>,
    heard: Vec<String>,
    connections: usize,
    ended: usize,
    offers: Vec<&'static str>,
}

/// The server, listening on the loopback until it is dropped.
pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    pub(crate) async fn start(tls: Security) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { offers: vec!["AUTH PLAIN LOGIN"], ..State::default() }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let (state, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Security::Implicit(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                Session::new(stream, state, None).run().await;
                            }
                        }
                        Security::StartTls(acceptor) => {
                            Session::new(stream, state, Some(acceptor)).run().await;
                        }
                        Security::None => Session::new(stream, state, None).run().await,
                    }
                });
            }
        });
        Self { port, state, task }
    }

    /// The next time that this word comes, do this; several calls queue up.
    pub(crate) fn on(&self, word: &'static str, act: Act) {
        self.state.lock().unwrap().acts.entry(word).or_default().push_back(act);
    }

    /// Each time that this word comes, do this.
    pub(crate) fn always(&self, word: &'static str, act: Act) {
        self.state.lock().unwrap().always.insert(word, act);
    }

    /// The lines of the answer to EHLO, STARTTLS apart.
    pub(crate) fn offer(&self, offers: &[&'static str]) {
        self.state.lock().unwrap().offers = offers.to_vec();
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Every command line, in order.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.state.lock().unwrap().heard.clone()
    }

    /// How many connections have ended.
    pub(crate) fn ended(&self) -> usize {
        self.state.lock().unwrap().ended
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Session {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    state: Arc<Mutex<State>>,
    acceptor: Option<TlsAcceptor>,
}

/// The connection is over.
struct Over;

impl Session {
    fn new(stream: impl Stream + 'static, state: Arc<Mutex<State>>, acceptor: Option<TlsAcceptor>) -> Self {
        Self { stream: Box::new(stream), unread: Vec::new(), state, acceptor }
    }

    async fn run(mut self) {
        let _ = self.converse().await;
        self.state.lock().unwrap().ended += 1;
    }

    async fn converse(&mut self) -> Result<(), Over> {
        self.answer("CONNECT", "220 mail.test ready").await?;
        let (mut from, mut to) = (String::new(), String::new());
        loop {
            let line = self.line().await?;
            self.state.lock().unwrap().heard.push(line.clone());
            let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "EHLO" => {
                    let greeting = self.greeting();
                    self.answer("EHLO", &greeting).await?;
                }
                "STARTTLS" => self.starttls().await?,
                "AUTH" => self.auth(&line).await?,
                "MAIL" => {
                    from = path(&line);
                    self.answer("MAIL", "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    to = path(&line);
                    self.answer("RCPT", "250 2.1.5 ok").await?;
                }
                "DATA" => {
                    if self.answer("DATA", "354 go ahead").await? {
                        let message = self.message().await?;
                        let taken = Taken { from: from.clone(), to: to.clone(), message };
                        self.end(taken).await?;
                    }
                }
                "QUIT" => {
                    self.answer("QUIT", "221 2.0.0 bye").await?;
                    return Err(Over);
                }
                "NOOP" => drop(self.answer("NOOP", "250 2.0.0 ok").await?),
                _ => drop(self.answer("OTHER", "502 5.5.2 what?").await?),
            }
        }
    }

    fn greeting(&self) -> String {
        let mut lines = vec!["mail.test"];
        if self.acceptor.is_some() {
            lines.push("STARTTLS");
        }
        let offers = self.state.lock().unwrap().offers.clone();
        lines.extend(offers);
        lines.push("8BITMIME");
        let last = lines.pop().unwrap_or_default();
        lines.iter().rev().fold(format!("250 {last}"), |rest, line| format!("250-{line}\r\n{rest}"))
    }

    async fn starttls(&mut self) -> Result<(), Over> {
        let Some(acceptor) = self.acceptor.take() else {
            return self.answer("STARTTLS", "502 5.5.1 not here").await.map(drop);
        };
        if self.answer("STARTTLS", "220 2.0.0 go ahead").await? {
            let plain = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
            self.stream = Box::new(acceptor.accept(plain).await.map_err(|_| Over)?);
        }
        Ok(())
    }

    async fn auth(&mut self, line: &str) -> Result<(), Over> {
        if line == "AUTH LOGIN" {
            for challenge in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                self.say(challenge).await?;
                let line = self.line().await?;
                self.state.lock().unwrap().heard.push(line);
            }
        }
        self.answer("AUTH", "235 2.7.0 welcome").await.map(drop)
    }

    /// Everything up to the lone dot.
    async fn message(&mut self) -> Result<String, Over> {
        let mut message = String::new();
        let mut is_first = true;
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(message);
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push_str("\r\n");
            if std::mem::take(&mut is_first) && self.act("BODY").is_some() {
                return Err(Over);
            }
        }
    }

    async fn end(&mut self, taken: Taken) -> Result<(), Over> {
        let act = self.act("END");
        // A server that takes a message and then hangs up has taken it.
        let is_taken = match &act {
            None | Some(Act::HangUp | Act::Stall) => true,
            Some(Act::Say(line) | Act::Drip(line)) => line.starts_with('2'),
        };
        if is_taken {
            self.state.lock().unwrap().taken.push(taken);
        }
        self.perform(act, "250 2.0.0 queued").await.map(drop)
    }

    fn act(&self, word: &'static str) -> Option<Act> {
        let mut state = self.state.lock().unwrap();
        let next = state.acts.get_mut(word).and_then(VecDeque::pop_front);
        next.or_else(|| state.always.get(word).cloned())
    }

    /// Whether the good answer was given, or another that is good.
    async fn answer(&mut self, word: &'static str, good: &str) -> Result<bool, Over> {
        let act = self.act(word);
        self.perform(act, good).await
    }

    async fn perform(&mut self, act: Option<Act>, good: &str) -> Result<bool, Over> {
        match act {
            None => self.say(good).await.map(|()| true),
            Some(Act::Say(line)) => self.say(line).await.map(|()| line.starts_with(['2', '3'])),
            Some(Act::Drip(line)) => {
                for byte in format!("{line}\r\n").bytes() {
                    self.write(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
                Ok(line.starts_with(['2', '3']))
            }
            Some(Act::HangUp) => Err(Over),
            Some(Act::Stall) => {
                tokio::time::sleep(Duration::from_mins(10)).await;
                Err(Over)
            }
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), Over> {
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.stream.write_all(bytes).await.map_err(|_| Over)?;
        self.stream.flush().await.map_err(|_| Over)
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut chunk = [0u8; 4096];
        loop {
            if let Some(end) = self.unread.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).map_err(|_| Over);
            }
            let read = self.stream.read(&mut chunk).await.map_err(|_| Over)?;
            if read == 0 {
                return Err(Over);
            }
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }
}

fn path(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// A certification authority of the test's own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Its certificate, for `mail.ca_file`.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server's end of TLS, with a certificate for this name that is valid until the end of this year.
    pub(crate) fn acceptor(&self, name: &str, last_year: i32) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
