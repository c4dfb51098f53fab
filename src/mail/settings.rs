//! Where mail goes, read and judged before the first letter: what could leak a key is refused here.
//!
//! The one rule: plain SMTP reaches the loopback only. Everywhere else TLS is required from the start
//! (`smtps://`) or by STARTTLS that must succeed (`smtp+starttls://`); nothing is opportunistic.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

/// The configuration's section `mail`, as far as transport goes.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtp` or `folder`; tests use [`super::Mailer::memory`].
    pub transport: String,
    /// `smtps://user:password@host:port`, `smtp+starttls://…`, or `smtp://` to the loopback.
    pub url: Option<SecretString>,
    /// The password, where the address names a user only.
    pub password: Option<SecretString>,
    /// Where the transport `folder` writes.
    pub folder: Option<PathBuf>,
    /// The name that we greet servers with; the domain of the sender is a good one.
    pub hello: String,
    /// PEM file of certification authorities beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Most connections at once; each is kept and used again.
    pub connections: usize,
    /// How long each step may take.
    pub timeouts: Timeouts,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: "folder".to_owned(),
            url: None,
            password: None,
            folder: None,
            hello: "localhost".to_owned(),
            ca_file: None,
            connections: 4,
            timeouts: Timeouts::default(),
        }
    }
}

/// Limits of time, each for one whole step: a server that drips bytes does not stretch them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup and TCP, to each address.
    pub connect: Duration,
    /// Each command and its reply, and the TLS handshake.
    pub step: Duration,
    /// From the end of the message to the server's word on it. Too short makes duplicates.
    pub accept: Duration,
    /// How long a connection is kept unused.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            step: Duration::from_secs(30),
            accept: Duration::from_mins(2),
            idle: Duration::from_secs(20),
        }
    }
}

/// Why no mailer could be made of the settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Neither of the known transports.
    #[error("mail.transport must be `smtp` or `folder`")]
    UnknownTransport,
    /// The transport `smtp` without an address.
    #[error("mail.url is missing: smtps://user@host, or smtp+starttls://user@host")]
    NoUrl,
    /// The address does not read as one. It is not repeated: it may hold a password.
    #[error("mail.url is not a valid address")]
    BadUrl,
    /// Another scheme.
    #[error("mail.url must begin with smtps://, smtp+starttls:// or, on the loopback, smtp://")]
    UnknownScheme,
    /// Plain SMTP across a network would show keys to whoever listens.
    #[error(
        "mail.url: plain smtp:// is taken for 127.0.0.1, [::1] and localhost only; use smtps:// or smtp+starttls://"
    )]
    PlainAcrossNetwork,
    /// A name without a password, or the reverse.
    #[error("mail.url needs both a user and a password, or neither")]
    HalfCredentials,
    /// Not a name that can be greeted with.
    #[error("mail.hello must be a host name")]
    BadHello,
    /// The number of connections.
    #[error("mail.connections must be between 1 and 64")]
    Connections,
    /// The transport `folder` without one.
    #[error("mail.folder is missing")]
    NoFolder,
    /// The folder cannot be made or entered.
    #[error("mail.folder cannot be used")]
    Folder(#[source] std::io::Error),
    /// No trusted authority at all, so that no certificate could be verified.
    #[error("no certification authorities were found on this system; name a file in mail.ca_file")]
    NoRoots,
    /// The file of further authorities.
    #[error("mail.ca_file cannot be read as PEM certificates")]
    CaFile,
    /// TLS could not be set up.
    #[error("TLS cannot be set up")]
    Tls,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// Loopback only.
    Plain,
}

/// Name and password at the server.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: SecretString,
    pub(super) password: SecretString,
}

/// A server, judged fit to be given letters.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) protection: Protection,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
}

impl Server {
    /// Reads the address; `password` stands in for one that is not in it.
    pub(super) fn parse(text: &str, password: Option<&SecretString>) -> Result<Self, MailError> {
        let url = Url::parse(text).map_err(|_| MailError::BadUrl)?;
        let (protection, port) = match url.scheme() {
            "smtps" => (Protection::Tls, 465),
            "smtp+starttls" => (Protection::StartTls, 587),
            "smtp" => (Protection::Plain, 25),
            _ => return Err(MailError::UnknownScheme),
        };
        let host = url.host_str().ok_or(MailError::BadUrl)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !is_host_name(&host) && host.parse::<IpAddr>().is_err() {
            return Err(MailError::BadUrl);
        }
        if protection == Protection::Plain && !is_loopback(&host) {
            return Err(MailError::PlainAcrossNetwork);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(MailError::BadUrl);
        }
        let credentials = credentials(&url, password)?;
        Ok(Self { protection, host, port: url.port().unwrap_or(port), credentials })
    }
}

/// A name counts only where it can be nothing else; what a resolver says of other names, others decide.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn credentials(url: &Url, password: Option<&SecretString>) -> Result<Option<Credentials>, MailError> {
    let password = match (url.password(), password) {
        (Some(escaped), _) => Some(unescape(escaped)?),
        (None, apart) => apart.cloned(),
    };
    match (url.username(), password) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(MailError::HalfCredentials),
        (user, Some(password)) => Ok(Some(Credentials { user: unescape(user)?, password })),
    }
}

/// `%40` and its kind; the rest as it is. NUL separates user and password in AUTH PLAIN.
fn unescape(text: &str) -> Result<SecretString, MailError> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if let (b'%', Some((digits, after))) = (*first, tail.split_first_chunk::<2>()) {
            let digits = std::str::from_utf8(digits).map_err(|_| MailError::BadUrl)?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| MailError::BadUrl)?);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    if out.contains(&0) {
        return Err(MailError::BadUrl);
    }
    let text = std::str::from_utf8(&out).map_err(|_| MailError::BadUrl)?;
    Ok(SecretString::from(text))
}

/// A name of letters, digits, dots and hyphens: it becomes part of a command.
pub(super) fn is_host_name(name: &str) -> bool {
    (1..=253).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{MailError, Protection, Server};

    #[test]
    fn each_scheme_has_its_port_and_protection() {
        for (url, protection, host, port) in [
            ("smtps://mail.example", Protection::Tls, "mail.example", 465),
            ("smtp+starttls://mail.example:2525/", Protection::StartTls, "mail.example", 2525),
            ("smtp+starttls://127.0.0.1", Protection::StartTls, "127.0.0.1", 587),
            ("smtp://localhost", Protection::Plain, "localhost", 25),
            ("smtp://[::1]:1025", Protection::Plain, "::1", 1025),
            ("smtp://127.8.8.8", Protection::Plain, "127.8.8.8", 25),
        ] {
            let server = Server::parse(url, None).ok().unwrap();
            assert_eq!((server.protection, server.host.as_str(), server.port), (protection, host, port));
        }
    }

    #[test]
    fn plain_smtp_across_a_network_is_refused() {
        for url in
            ["smtp://mail.example", "smtp://10.0.0.1", "smtp://localhost.evil.example", "smtp://0.0.0.0"]
        {
            assert!(matches!(Server::parse(url, None), Err(MailError::PlainAcrossNetwork)), "{url}");
        }
    }

    #[test]
    fn what_is_no_mail_url_is_refused() {
        for url in ["", "mail.example", "smtps://", "smtps://h/path", "smtps://h?tls=no", "smtps://u:%00@h"] {
            assert!(matches!(Server::parse(url, None), Err(MailError::BadUrl)), "{url}");
        }
        assert!(matches!(Server::parse("http://h", None), Err(MailError::UnknownScheme)));
        assert!(matches!(Server::parse("smtps://user@h", None), Err(MailError::HalfCredentials)));
    }

    #[test]
    fn credentials_are_unescaped() {
        let server = Server::parse("smtps://desk%40example.com:p%3A%2Fw%C3%B6rd@h", None).ok().unwrap();
        let credentials = server.credentials.unwrap();
        assert_eq!(credentials.user.expose_secret(), "desk@example.com");
        assert_eq!(credentials.password.expose_secret(), "p:/wörd");

        let apart = secrecy::SecretString::from("from a file");
        let server = Server::parse("smtps://desk@h", Some(&apart)).ok().unwrap();
        assert_eq!(server.credentials.unwrap().password.expose_secret(), "from a file");
    }
}
