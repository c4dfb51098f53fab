//! Where a request comes from, and how many costly ones a network may send.
//!
//! The rule: a forwarded address is believed only from a proxy that the configuration names, and only as far as
//! the chain of such proxies goes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;

use super::problem::Problem;
use crate::config::HttpSettings;
use crate::domain::Time;

/// How many sign-ins a network may try at once; after that, one a second.
const BURST: i64 = 60;
/// How many networks are remembered.
const NETWORKS: usize = 50_000;

/// The network of the client: 24 bits of IPv4, 48 of IPv6, as text.
#[must_use]
pub fn network(request: &HttpRequest, settings: &HttpSettings) -> Option<String> {
    let peer = request.peer_addr()?.ip();
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    Some(prefix(client(peer, forwarded, settings)))
}

/// The address nearest to us that is no proxy of ours.
fn client<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a str>, settings: &HttpSettings) -> IpAddr {
    let mut address = peer;
    let all: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    for next in all.iter().rev().map(|text| text.trim()) {
        if !settings.trusts(address) {
            break;
        }
        // What cannot be read was not written by our proxy: the last address that was stands.
        let Some(next) = parse(next) else { break };
        address = next;
    }
    address
}

/// An address as proxies write it: with or without a port, IPv6 perhaps in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inner, _)| inner);
    bare.parse().ok().or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

fn prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from_bits(address.to_bits() & !0xff)),
        IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
    }
}

/// Counts sign-ins by network, in this process: it protects the processor, not the accounts.
#[derive(Default)]
pub struct Throttle {
    /// When each network will have used up what it may.
    paid_until: Mutex<HashMap<String, i64>>,
}

impl Throttle {
    /// Lets a try through, or says when to come back.
    ///
    /// # Errors
    /// 429.
    pub fn admit(&self, network: Option<&str>, now: Time) -> Result<(), Problem> {
        let second = now.and_utc().timestamp();
        let mut all = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= NETWORKS {
            all.retain(|_, until| *until > second);
            // Still full: a flood from everywhere. Forgetting is kinder than refusing.
            if all.len() >= NETWORKS {
                all.clear();
            }
        }
        let until = all.entry(network.unwrap_or_default().to_owned()).or_insert(second);
        // Further ahead than a burst it was left by a clock that has stepped back since.
        let paid = if *until - second > BURST { second } else { (*until).max(second) };
        let next = paid + 1;
        if next - second > BURST {
            return Err(Problem::too_many(Some(now + chrono::Duration::seconds(next - second - BURST))));
        }
        *until = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings(proxies: &str) -> HttpSettings {
        let variables = [("REKEY__HTTP__TRUSTED_PROXIES".into(), proxies.into())];
        Config::load(None, variables).ok().unwrap().http
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_proxy_of_ours() {
        let settings = settings("10.0.0.0/8");
        for (peer, forwarded, expected) in [
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let found = client(peer.parse().unwrap(), [forwarded].into_iter(), &settings);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded}");
        }
    }

    #[test]
    fn neighbours_share_a_network() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ] {
            assert_eq!(prefix(address.parse().unwrap()), network);
        }
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_a_second() {
        let throttle = Throttle::default();
        let noon = chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 0).unwrap();
        for _ in 0..BURST {
            assert!(throttle.admit(Some("a"), noon).is_ok());
        }
        assert_eq!(throttle.admit(Some("a"), noon).unwrap_err().retry_after(noon), Some(1));
        assert!(throttle.admit(Some("b"), noon).is_ok(), "others are served");
        let later = noon + chrono::Duration::seconds(2);
        assert!(throttle.admit(Some("a"), later).is_ok());
        assert!(throttle.admit(Some("a"), later).is_ok());
        assert!(throttle.admit(Some("a"), later).is_err());
    }

    #[test]
    fn a_clock_that_steps_back_shuts_nobody_out() {
        let throttle = Throttle::default();
        let noon = chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 0).unwrap();
        assert!(throttle.admit(Some("a"), noon).is_ok());
        let earlier = noon - chrono::Duration::hours(1);
        for _ in 0..BURST {
            assert!(throttle.admit(Some("a"), earlier).is_ok());
        }
        assert!(throttle.admit(Some("a"), earlier).is_err(), "and the limit holds");
    }
}
