//! Where Rekey listens, and under which address people know it.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::fault::shown;
use super::layers::Layers;
use super::network::Network;
use super::reading::Complaint;

/// The sections `http` and `metrics`.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Address and port of pages and API.
    pub listen: SocketAddr,
    /// The address that people see: an origin, without a slash at its end.
    pub public_url: String,
    /// Whether it is `https`; if not, it is loopback, and cookies have neither prefix nor `Secure`.
    pub is_secure: bool,
    /// Threads that serve requests; nothing means one a core.
    pub workers: Option<usize>,
    /// From whom forwarded addresses are believed.
    pub trusted_proxies: Vec<Network>,
    /// Address and port of `/metrics`; nothing means off.
    pub metrics_listen: Option<SocketAddr>,
}

impl HttpSettings {
    /// Whether an address is that of a proxy whose word on the client's address is taken.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    pub(super) fn read(layers: &mut Layers) -> Self {
        let listen = layers.parsed("http.listen", socket);
        let public_url = layers.parsed("http.public_url", origin).unwrap_or_default();
        let workers = usize::try_from(layers.number("http.workers", 0..=1024)).unwrap_or_default();
        let metrics_listen = layers
            .parsed("metrics.listen", |text| if text.is_empty() { Ok(None) } else { socket(text).map(Some) });
        Self {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            is_secure: public_url.starts_with("https:"),
            public_url,
            workers: (workers > 0).then_some(workers),
            trusted_proxies: trusted_proxies(layers),
            metrics_listen: metrics_listen.flatten(),
        }
    }
}

fn trusted_proxies(layers: &mut Layers) -> Vec<Network> {
    let key = "http.trusted_proxies";
    let mut networks = Vec::new();
    for text in layers.list(key) {
        match Network::parse(text.trim()) {
            Some(network) => networks.push(network),
            None => layers.fault(
                key,
                format!("{} is no network", shown(&text)),
                "write an address, or a network with nothing behind its prefix, such as 10.0.0.0/8",
            ),
        }
    }
    networks
}

fn socket(text: &str) -> Result<SocketAddr, Complaint> {
    text.parse().map_err(|_| {
        (format!("{} is no address with a port", shown(text)), "write it like 127.0.0.1:8080 or [::1]:8080")
    })
}

/// The public URL, reduced to its origin.
fn origin(text: &str) -> Result<String, Complaint> {
    const HINT: &str = "write it like https://rekey.example.com, with nothing behind the host and port";
    if text.is_empty() {
        return Err(("is not set".to_owned(), HINT));
    }
    let is_clean = !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
    let url = Url::parse(text).ok().filter(|_| is_clean);
    let url = url.ok_or_else(|| ("is no URL".to_owned(), HINT))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("must not hold credentials".to_owned(), HINT));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(("must have neither path nor query".to_owned(), HINT));
    }
    match url.scheme() {
        "https" => {}
        "http" if url.host().as_ref().is_some_and(is_loopback) => {}
        "http" => return Err(("is http on a host that is not loopback".to_owned(), "use https")),
        _ => return Err((format!("has the scheme {}", shown(url.scheme())), "use https")),
    }
    Ok(url.origin().ascii_serialization())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_public_url_is_https_or_loopback_and_is_reduced_to_its_origin() {
        for (text, expected) in [
            ("https://rekey.example.com", "https://rekey.example.com"),
            ("https://Rekey.Example.com/", "https://rekey.example.com"),
            ("https://rekey.example.com:443", "https://rekey.example.com"),
            ("https://rekey.example.com:8443/", "https://rekey.example.com:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(origin(text).ok().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_public_urls_are_refused() {
        for text in [
            "",
            "rekey.example.com",
            "http://rekey.example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "https://user@rekey.example.com",
            "https://rekey.example.com/desk",
            "https://rekey.example.com/?a=b",
            "https://rekey.example.com/#a",
            "https://rekey.example.com\n",
            "https:\\\\rekey.example.com",
            "ftp://rekey.example.com",
            "https://",
            "javascript:alert(1)",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}
