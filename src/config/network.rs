//! Networks of IP addresses, as `trusted_proxies` names them.

use std::fmt;
use std::net::IpAddr;

/// An address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address. Bits behind the prefix must be zero, and the prefix
    /// must not: everybody is not a proxy.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, prefix)| (a, Some(prefix)));
        let address = address.parse::<IpAddr>().ok()?;
        let prefix = prefix.map_or(Some(width(address)), |prefix| prefix.parse().ok())?;
        let is_sound = (1..=width(address)).contains(&prefix) && bits(address) & !mask(address, prefix) == 0;
        is_sound.then_some(Self { address, prefix })
    }

    /// Whether an address belongs to the network; an IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && bits(address) & mask(address, self.prefix) == bits(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address as a number, its bits at the low end.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(address: IpAddr, prefix: u8) -> u128 {
    let all = u128::MAX >> (128 - width(address));
    let host = width(address).saturating_sub(prefix);
    all & u128::MAX.checked_shl(u32::from(host)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::1/128", "2001:db8::1", "2001:db8::2"),
            ("128.0.0.0/1", "255.255.255.255", "127.0.0.1"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_or_is_everybody_is_refused() {
        for text in
            ["", "proxy", "10.0.0.1/8", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.0/", "10.0.0/8", "::/129"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
