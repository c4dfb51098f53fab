//! How letters leave. Plain SMTP is for loopback only; everything else is encrypted or not sent.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::fault::shown;
use super::layers::Layers;
use super::reading::Complaint;

/// Where letters go.
#[derive(Clone)]
pub enum MailTransport {
    /// To a mail server: `smtps://`, `smtp+starttls://`, or `smtp://` on loopback.
    Smtp(SecretString),
    /// Into a folder, one file a letter.
    Folder(PathBuf),
}

/// A mailbox with the name that is shown beside it. Free of control characters; the address is ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name to show.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            // Quoted: names have commas, dots and brackets, which stand for something else in a mailbox.
            Some(name) => {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{name}\" <{}>", self.address)
            }
            None => f.write_str(&self.address),
        }
    }
}

/// The section `mail`.
#[derive(Clone)]
pub struct MailSettings {
    /// Where letters go.
    pub transport: MailTransport,
    /// Sender of every letter.
    pub from: Mailbox,
    /// Where answers go.
    pub reply_to: Mailbox,
    /// Connections to the mail server at most.
    pub connections: u32,
    /// Further certificate authorities (PEM).
    pub ca_file: Option<PathBuf>,
    /// Address of the desk for `bounced` letters.
    pub desk_address: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Smtp,
    Folder,
}

impl MailSettings {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let kind = layers.word("mail.transport", &[("smtp", Kind::Smtp), ("folder", Kind::Folder)]);
        let url = server(layers);
        let folder = layers.path("mail.folder").unwrap_or_default();
        let transport = match (kind, url) {
            (Some(Kind::Smtp), Some(url)) => MailTransport::Smtp(url),
            (Some(Kind::Smtp), None) => {
                layers.fault(
                    "mail.url",
                    "is needed by the transport smtp",
                    "smtps://user@host, or its _FILE",
                );
                MailTransport::Folder(folder)
            }
            (_, _) => MailTransport::Folder(layers.needed_path("mail.folder")),
        };
        let from = layers.parsed("mail.from", mailbox).unwrap_or_else(stand_in);
        let reply_to = layers.parsed("mail.reply_to", |text| match text {
            "" => Ok(from.clone()),
            text => mailbox(text),
        });
        let desk = layers.parsed("mail.desk_address", |text| match mailbox(text) {
            Ok(Mailbox { name: Some(_), .. }) => {
                Err(("has a name beside it".to_owned(), "give the address alone"))
            }
            other => other,
        });
        Self {
            transport,
            from,
            reply_to: reply_to.unwrap_or_else(stand_in),
            connections: layers.number("mail.connections", 1..=50),
            ca_file: layers.path("mail.ca_file"),
            desk_address: desk.unwrap_or_else(stand_in).address,
        }
    }
}

fn stand_in() -> Mailbox {
    Mailbox { name: None, address: String::new() }
}

/// The mail server's URL if one is set and sound. What is wrong is said without quoting it.
fn server(layers: &mut Layers) -> Option<SecretString> {
    let url = layers.secret("mail.url")?;
    let verdict = server_url(url.expose_secret());
    layers.kept("mail.url", verdict).map(|()| url)
}

fn server_url(text: &str) -> Result<(), Complaint> {
    const HINT: &str = "smtps://user:password@host:port or smtp+starttls://…, special characters as %XX";
    let is_clean = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    let url = Url::parse(text).ok().filter(|_| is_clean);
    let url = url.ok_or_else(|| ("is no URL".to_owned(), HINT))?;
    if !matches!(url.scheme(), "smtps" | "smtp+starttls" | "smtp") {
        return Err(("has a scheme other than smtps, smtp+starttls and smtp".to_owned(), HINT));
    }
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.contains('%') {
        return Err(("names no host".to_owned(), HINT));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(("must have neither path nor query".to_owned(), HINT));
    }
    if url.scheme() == "smtp" && !is_loopback(host) {
        return Err((
            "would send letters unencrypted to another host".to_owned(),
            "use smtp+starttls or smtps",
        ));
    }
    Ok(())
}

/// Whether the host is this machine. The URL standard leaves hosts of such schemes as they were written.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Reads `address` or `Name <address>`.
fn mailbox(text: &str) -> Result<Mailbox, Complaint> {
    const HINT: &str = "write desk@example.com or Example <desk@example.com>";
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (Some(unquoted(name.trim())).filter(|name| !name.is_empty()), address),
        None => (None, text),
    };
    let is_fit = address.split_once('@').is_some_and(|(local, domain)| {
        let is_plain = |c: char| c.is_ascii_graphic() && !"@<>()[],;:\\\"".contains(c);
        let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let is_dotted = |part: &str| part.split('.').all(|label| !label.is_empty());
        let is_name = domain.chars().all(is_domain) && is_dotted(domain);
        // As strict as the letters are: what is accepted here can be written there.
        let is_whole = local.len() <= 64 && idna::domain_to_ascii_strict(domain).is_ok();
        local.chars().all(is_plain) && is_dotted(local) && is_name && is_whole
    });
    if !is_fit || address.len() > 254 || text.chars().any(char::is_control) {
        return Err((format!("{} is no mailbox", shown(text)), HINT));
    }
    Ok(Mailbox { name, address: address.to_owned() })
}

/// A name as it is meant: without the quotes that it was written in, and their escapes.
fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else { return name.to_owned() };
    let mut plain = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{mailbox, server_url};

    #[test]
    fn mail_leaves_encrypted_or_to_this_machine() {
        for text in [
            "smtps://mail.example.com",
            "smtps://user:p%40ss@mail.example.com:465",
            "smtp+starttls://user@mail.example.com:587/",
            "smtp+starttls://127.0.0.1:2525",
            "smtp://localhost:2525",
            "smtp://127.0.0.1:2525",
            "smtp://[::1]:2525",
        ] {
            assert_eq!(server_url(text), Ok(()), "{text}");
        }
        for text in [
            "mail.example.com",
            "smtp://mail.example.com",
            "smtp://10.0.0.1",
            "smtp://127.1",
            "smtp://localhost.example.com",
            "smtp://localhost@mail.example.com",
            "smtp://[::2]",
            "smtps://",
            "smtps:mail",
            "smtps://mail.example.com/?tls=opportunistic",
            "smtps://mail.example.com\n",
            "https://mail.example.com",
            "smtps://mail.example.com:port",
        ] {
            assert!(server_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        let named = mailbox("Example Help Desk <desk@example.com>").unwrap();
        assert_eq!(
            (named.name.as_deref(), named.address.as_str()),
            (Some("Example Help Desk"), "desk@example.com")
        );
        assert_eq!(mailbox("\"Desk, Inc.\" <a@b>").unwrap().name.as_deref(), Some("Desk, Inc."));
        let escaped = mailbox(r#""Desk \"A\\Z\"" <a@b>"#).unwrap();
        assert_eq!(escaped.name.as_deref(), Some(r#"Desk "A\Z""#));
        assert_eq!(escaped.to_string(), r#""Desk \"A\\Z\"" <a@b>"#);
        assert_eq!(mailbox("desk@example.com").unwrap().to_string(), "desk@example.com");
        for text in [
            "",
            "desk",
            "@",
            "a@",
            "a@b@c",
            "a b@c",
            "N <a@b",
            "N <a@b> x",
            "a@b\r\nBcc: c@d",
            "a@b..c",
            "a@-b",
            "ä@b",
        ] {
            assert!(mailbox(text).is_err(), "{text}");
        }
    }
}
