//! A PostgreSQL URL, taken apart by libpq's own rules before libpq sees it.
//!
//! The rule: what libpq would read otherwise than it was meant is refused here, and no part of the URL is ever repeated:
//! a password with a special character in it ends up as the host, the port or the database, and libpq quotes those.

use std::net::IpAddr;
use std::sync::OnceLock;

use secrecy::{ExposeSecret, SecretString};

use super::surroundings::Found;

/// Laid under what the URL says: without them a server that has vanished holds a thread for a quarter of an hour.
const DEFAULTS: [(&str, &str); 3] =
    [("connect_timeout", "3"), ("tcp_user_timeout", "4000"), ("application_name", "rekey")];
/// Parameters that are as secret as the password.
const SECRETS: [&str; 2] = ["password", "sslpassword"];

/// What a PostgreSQL URL lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// `%zo`, or `%00`.
    #[error("a % in it is not followed by two hexadecimal digits")]
    Percent,
    /// Behind the first one, or behind a slash.
    #[error("it has an @ where none can be")]
    At,
    /// Not a name, an address or a path.
    #[error("its host is none")]
    Host,
    /// Not between 1 and 65535.
    #[error("its port is no number")]
    Port,
    /// Not `name=value`.
    #[error("what follows the ? is not name=value&name=value")]
    Parameter,
    /// A line end.
    #[error("it has a line end or another character that cannot be seen")]
    Control,
}

/// A PostgreSQL server, and how it is connected to.
pub(super) struct Server {
    conninfo: SecretString,
    secrets: Vec<SecretString>,
    /// A password with a special character may end up here.
    hosts_elsewhere: Vec<SecretString>,
    is_unproven: bool,
    /// What was found there when the program started.
    pub(super) found: OnceLock<Found>,
}

impl Server {
    /// Reads what stands behind `postgres://`.
    pub(super) fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.chars().any(char::is_control) {
            return Err(UrlFault::Control);
        }
        let (login, rest) =
            text.split_once('@').filter(|(login, _)| !login.contains('/')).unwrap_or(("", text));
        if rest.contains('@') {
            return Err(UrlFault::At);
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, name) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let mut all = vec![("user".to_owned(), decoded(user)?), ("password".to_owned(), decoded(password)?)];
        all.extend(places(hosts)?);
        all.push(("dbname".to_owned(), decoded(name)?));
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            all.push(one_parameter(parameter)?);
        }
        all.retain(|(_, value)| !value.is_empty());
        for (name, value) in DEFAULTS {
            if !all.iter().any(|(given, _)| given == name) {
                all.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(Self::of(&all))
    }

    fn of(all: &[(String, String)]) -> Self {
        let is_secret = |name: &str| SECRETS.contains(&name);
        let is_public = |value: &str| all.iter().any(|(name, other)| !is_secret(name) && other == value);
        let secrets = all.iter().filter(|(name, value)| is_secret(name) && !is_public(value));
        let hosts = all.iter().filter(|(name, _)| name == "host").flat_map(|(_, value)| value.split(','));
        Self {
            secrets: secrets.map(|(_, value)| value.as_str().into()).collect(),
            hosts_elsewhere: hosts.filter(|host| !is_here(host)).map(Into::into).collect(),
            is_unproven: is_unproven(all),
            conninfo: all.iter().map(keyword).collect::<Vec<_>>().join(" ").into(),
            found: OnceLock::new(),
        }
    }

    /// Keywords and values, as libpq takes them.
    pub(super) fn conninfo(&self) -> &str {
        self.conninfo.expose_secret()
    }

    /// What libpq said, unless it repeats a secret, and without the names of hosts.
    pub(super) fn without_secrets(&self, said: String) -> String {
        if self.secrets.iter().any(|secret| said.contains(secret.expose_secret())) {
            return "the driver's words are left out: they repeat the password".to_owned();
        }
        let hosts = self.hosts_elsewhere.iter().map(ExposeSecret::expose_secret);
        hosts.fold(said, |said, host| said.replace(&format!("\"{host}\""), "of database.url"))
    }

    /// Whether the server is elsewhere and need not show who it is.
    pub(super) const fn is_unproven(&self) -> bool {
        self.is_unproven
    }
}

/// `a:1,[::1]:2`, as the two lists that libpq makes of it.
fn places(text: &str) -> Result<[(String, String); 2], UrlFault> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for place in text.split(',') {
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(UrlFault::Host)?;
                let port = if rest.is_empty() { Some("") } else { rest.strip_prefix(':') };
                (host, port.ok_or(UrlFault::Host)?)
            }
            None => place.split_once(':').unwrap_or((place, "")),
        };
        let is_number =
            port.bytes().all(|one| one.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0);
        if !port.is_empty() && !is_number {
            return Err(UrlFault::Port);
        }
        let host = decoded(host)?;
        if !is_host(&host) {
            return Err(UrlFault::Host);
        }
        hosts.push(host);
        ports.push(port);
    }
    let ports = if ports.iter().all(|port| port.is_empty()) { String::new() } else { ports.join(",") };
    Ok([("host".to_owned(), hosts.join(",")), ("port".to_owned(), ports)])
}

/// A name, an address, or the path of a socket, which may be abstract; none stands for libpq's own.
fn is_host(text: &str) -> bool {
    let is_path = text.starts_with(['/', '@']);
    is_path || text.bytes().all(|one| one.is_ascii_alphanumeric() || b"._-:%".contains(&one))
}

fn one_parameter(text: &str) -> Result<(String, String), UrlFault> {
    let (name, value) =
        text.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or(UrlFault::Parameter)?;
    if name.is_empty() || !name.bytes().all(|one| one.is_ascii_lowercase() || one == b'_') {
        return Err(UrlFault::Parameter);
    }
    let (name, value) = (name.to_owned(), decoded(value)?);
    // JDBC's spelling, which libpq knows too.
    let is_jdbc = name == "ssl" && value == "true";
    Ok(if is_jdbc { ("sslmode".to_owned(), "require".to_owned()) } else { (name, value) })
}

fn decoded(text: &str) -> Result<String, UrlFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(UrlFault::Percent)?;
        let is_hex = digits.bytes().all(|one| one.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_hex && *byte != 0);
        bytes.push(byte.ok_or(UrlFault::Percent)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| UrlFault::Percent)
}

fn keyword((name, value): &(String, String)) -> String {
    format!("{name}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn is_here(host: &str) -> bool {
    host.is_empty()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a server elsewhere is spoken to without having shown who it is, or in the clear: libpq's own default.
fn is_unproven(all: &[(String, String)]) -> bool {
    let of = |name: &str| all.iter().rev().find(|(given, _)| given == name).map_or("", |(_, value)| value);
    let hosts = if of("hostaddr").is_empty() { of("host") } else { of("hostaddr") };
    !hosts.split(',').all(is_here) && of("sslmode") != "verify-full"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let server = Server::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        server.conninfo().replace(" connect_timeout='3' tcp_user_timeout='4000' application_name='rekey'", "")
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        for (text, keywords) in [
            ("rekey@127.0.0.1/rekey", "user='rekey' host='127.0.0.1' dbname='rekey'"),
            ("ada:se%40cr%2Fet@db:5433/x", "user='ada' password='se@cr/et' host='db' port='5433' dbname='x'"),
            ("ada:a?b&c=1:d@db/x", "user='ada' password='a?b&c=1:d' host='db' dbname='x'"),
            (r"ada:it's\@db/x", r"user='ada' password='it\'s\\' host='db' dbname='x'"),
            ("[::1]:5432/x", "host='::1' port='5432' dbname='x'"),
            ("a:1,b/x", "host='a,b' port='1,' dbname='x'"),
            ("/x?host=/run/postgresql", "dbname='x' host='/run/postgresql'"),
            ("%2Frun%2Fpg/x?ssl=true", "host='/run/pg' dbname='x' sslmode='require'"),
            ("db", "host='db'"),
        ] {
            assert_eq!(read(text), keywords, "{text}");
        }
        assert!(read("db/x?connect_timeout=9").contains("connect_timeout='9' tcp_user_timeout='4000'"));
    }

    #[test]
    fn what_libpq_would_misread_is_refused() {
        for (text, fault) in [
            ("rekey:Winter%zoo@127.0.0.1/rekey", UrlFault::Percent),
            ("rekey:Winter%0@127.0.0.1/rekey", UrlFault::Percent),
            ("rekey:Winter%00@127.0.0.1/rekey", UrlFault::Percent),
            ("rekey:Winter%+1@127.0.0.1/rekey", UrlFault::Percent),
            ("rekey:Winter@Lighthouse@127.0.0.1/rekey", UrlFault::At),
            ("rekey:Winter/Lighthouse@127.0.0.1/rekey", UrlFault::At),
            ("rekey:1/2?sslmode=3@127.0.0.1/rekey", UrlFault::At),
            ("rekey:Winter", UrlFault::Port),
            ("rekey:0/x", UrlFault::Port),
            ("rekey:+5/x", UrlFault::Port),
            ("[::1/x", UrlFault::Host),
            ("db\"1/x", UrlFault::Host),
            ("[::1]5432/x", UrlFault::Host),
            ("db/x?Winter", UrlFault::Parameter),
            ("db/x?a=b=c", UrlFault::Parameter),
            ("db/x?Winter%20=1", UrlFault::Parameter),
            ("ada:Winter\nzoo@db/x", UrlFault::Control),
        ] {
            assert_eq!(Server::parse(text).err(), Some(fault), "{text}");
        }
    }

    #[test]
    fn a_message_that_repeats_a_secret_is_left_out() {
        let server = Server::parse("rekey:Winter@db/x?sslpassword=Lighthouse").unwrap();
        for said in ["bad: Winter", "cannot open with \"Lighthouse\""] {
            assert!(!server.without_secrets(said.to_owned()).contains(said));
        }
        let plain = "password authentication failed for user \"rekey\"";
        assert_eq!(server.without_secrets(plain.to_owned()), plain);
        let unknown = "could not translate host name \"db\" to address: Name or service not known";
        let told = "could not translate host name of database.url to address: Name or service not known";
        assert_eq!(server.without_secrets(unknown.to_owned()), told);
        let same = Server::parse("rekey:rekey@db/rekey").unwrap();
        assert_eq!(same.without_secrets(plain.to_owned()), plain, "it is the user's name as well");
    }

    #[test]
    fn a_database_elsewhere_has_to_prove_who_it_is() {
        let is_unproven = |text: &str| Server::parse(text).unwrap().is_unproven();
        for text in [
            "rekey@127.0.0.1/rekey",
            "rekey@[::1]:5432/rekey",
            "rekey@localhost/rekey",
            "/rekey?host=/run/postgresql",
            "rekey:secret@db.example.com/rekey?sslrootcert=ca.pem&sslmode=verify-full",
        ] {
            assert!(!is_unproven(text), "{text}");
        }
        for text in [
            "rekey@database/rekey",
            "rekey@10.0.0.7/rekey?sslmode=require",
            "/rekey?host=db.example.com",
            "rekey@localhost,db.example.com/rekey",
            "rekey@localhost/rekey?hostaddr=10.0.0.7",
        ] {
            assert!(is_unproven(text), "{text}");
        }
    }
}
