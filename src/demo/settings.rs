//! The demo's configuration: the defaults, with everything kept in one folder and limits so wide that nobody who
//! clicks about meets them.
//!
//! The rule: it is read as any other configuration is, but neither file nor environment has a say in it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use crate::config::{Config, Faults};

/// The settings of a demo that keeps its files in `folder` and listens on `address`.
pub(super) fn config(folder: &Path, address: SocketAddr) -> Result<Config, Faults> {
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = [
        ("HTTP__LISTEN", address.to_string()),
        ("HTTP__PUBLIC_URL", public_url(address)),
        ("HTTP__WORKERS", "2".to_owned()),
        ("APP__NAME", super::cast::APP.to_owned()),
        ("DATABASE__URL", format!("sqlite://{}", file("rekey.db"))),
        ("MAIL__FROM", "Example Help Desk <no-reply@example.com>".to_owned()),
        ("KEYS__FILE", file("keys.toml")),
        ("KEYS__CHECKPOINTS_FILE", file("checkpoints.log")),
        ("LOG__LEVEL", "warn".to_owned()),
        ("SESSIONS__HOURS", "24".to_owned()),
        ("SESSIONS__IDLE_MINUTES", "60".to_owned()),
        ("SESSIONS__STEP_UP_MINUTES", "15".to_owned()),
        ("LIMITS__LETTERS_PER_DAY", "100".to_owned()),
        ("LIMITS__TICKETS_PER_HOUR", "1000000".to_owned()),
        ("POLICY__APPROVALS_PER_HOUR", "10000".to_owned()),
        // Whoever tries it on a Sunday should see deadlines run as well.
        ("DESK__DAYS", "mon,tue,wed,thu,fri,sat,sun".to_owned()),
        ("DESK__OPENS", "07:00".to_owned()),
        ("DESK__CLOSES", "22:00".to_owned()),
    ];
    Config::load(None, settings.map(|(name, value)| (format!("REKEY__{name}").into(), value.into())))
}

/// What to type into a browser on this machine.
fn public_url(address: SocketAddr) -> String {
    let ip = if address.ip().is_loopback() { address.ip() } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_stays_on_this_machine_wherever_it_listens() {
        for (listen, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            let config = config(Path::new("var/demo"), listen.parse().unwrap()).ok().unwrap();
            assert_eq!((config.http.public_url.as_str(), config.http.is_secure), (url, false));
        }
    }
}
