//! `rekey check --live`: asks the server on this machine whether it is ready. What containers call.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

/// The server answers within 5 s whatever happens to its database.
const PATIENCE: Duration = Duration::from_secs(6);

pub(super) async fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let address = reachable(config.http.listen);
    let asked = tokio::task::spawn_blocking(move || ask(address)).await;
    let status = asked
        .unwrap_or_else(|_| Err(std::io::ErrorKind::Interrupted.into()))
        .map_err(|error| Failure::Failed(format!("nothing answers at {address}: {error}")))?;
    let ready = status == Some(200);
    let said = if ready { "ready" } else { "not ready" };
    output.print(&json!({ "ready": ready, "status": status }), said);
    if ready { Ok(()) } else { Err(Failure::Failed(format!("the server at {address} is not ready"))) }
}

/// A server that listens everywhere is asked on the loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(address: SocketAddr) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(64).read_to_end(&mut head)?;
    Ok(status(&String::from_utf8_lossy(&head)))
}

/// `HTTP/1.1 200 OK`.
fn status(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_and_nothing_else() {
        assert_eq!(status("HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status("HTTP/1.1 503 Service Unavailable"), Some(503));
        for head in ["", "HTTP/1.1", "HTTP/1.1 2", "SSH-2.0-OpenSSH", "HTTP/1.1 ok "] {
            assert_eq!(status(head), None, "{head}");
        }
    }

    #[test]
    fn everywhere_is_asked_on_the_loopback() {
        assert_eq!(reachable("0.0.0.0:8080".parse().unwrap()).to_string(), "127.0.0.1:8080");
        assert_eq!(reachable("[::]:8080".parse().unwrap()).to_string(), "[::1]:8080");
        assert_eq!(reachable("10.1.2.3:80".parse().unwrap()).to_string(), "10.1.2.3:80");
    }
}
