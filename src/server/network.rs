//! Networks, the addresses that count as one client, and the client behind a proxy.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A network in CIDR notation (RFC 4632, section 3.1), or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

/// A text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a network such as 10.0.0.0/8 or fd00::/8, or an address")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(all), |bits| bits.parse().map_err(|_| NotANetwork))?;
        let this = Self { first: masked(address, bits), bits };
        // Bits beyond the mask are probably a mistake. IPv4 must not be written as mapped IPv6.
        let plain = this.first == address && address.to_canonical() == address;
        if bits <= all && plain { Ok(this) } else { Err(NotANetwork) }
    }
}

impl Network {
    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == self.first
    }
}

/// The subnet that counts as one client. An IPv6 subscriber has a whole /64 (RFC 6177), and an IPv4
/// address mapped into IPv6 counts as IPv4.
pub fn client_subnet(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v6 @ IpAddr::V6(_) => masked(v6, 64),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The client behind `peer`, according to its `X-Forwarded-For` headers.
///
/// Only trusted proxies are believed, and only the entries that they added themselves. So the
/// entries are read from the right, up to the first that is not a trusted proxy. If an entry is not
/// an address, none is believed, and the client is `peer` itself.
pub fn behind<'a>(
    peer: IpAddr,
    trusted: &[Network],
    forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut client = peer;
    for entry in forwarded_for.rev().flat_map(|header| header.rsplit(|byte| *byte == b',')) {
        match address(entry) {
            Some(found) if is_trusted(found) => client = found,
            Some(found) => return found,
            None => return peer,
        }
    }
    client
}

/// Parses an entry. Some proxies add a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let with_port = || text.parse().map(|address: std::net::SocketAddr| address.ip());
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().or_else(|_| with_port()).ok()
}

fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_an_address_and_a_mask() {
        assert!(network("10.0.0.0/8").contains(ip("10.255.0.1")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(network("192.0.2.1").contains(ip("::ffff:192.0.2.1")));
        assert!(!network("192.0.2.1").contains(ip("192.0.2.2")));
        assert!(network("2001:db8::/32").contains(ip("2001:db8:1::1")));
        assert!(!network("2001:db8::/32").contains(ip("192.0.2.1")));
        assert!(network("0.0.0.0/0").contains(ip("192.0.2.1")));
        assert!(!network("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(network("::/0").contains(ip("2001:db8::1")));
        for bad in [
            "",
            "/8",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "::/129",
            "10/8",
            "a.example",
            "::1/x",
            "::ffff:10.0.0.0/104",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }

    #[test]
    fn ipv6_counts_by_64_and_mapped_ipv4_counts_as_ipv4() {
        assert_eq!(client_subnet(ip("2001:db8::1")), client_subnet(ip("2001:db8::ffff:0:0:1")));
        assert_ne!(client_subnet(ip("2001:db8::1")), client_subnet(ip("2001:db8:0:1::1")));
        assert_eq!(client_subnet(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn the_rightmost_entry_that_is_no_trusted_proxy_is_the_client() {
        let trusted = [network("10.0.0.0/8"), network("fd00::/8")];
        let client = |peer: &str, headers: &[&str]| {
            behind(ip(peer), &trusted, headers.iter().map(|header| header.as_bytes())).to_string()
        };
        for (headers, expected) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            // The entries that the client wrote itself are further left.
            (&["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
            (&["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
            (&["198.51.100.1, 192.0.2.7,10.0.0.2"], "192.0.2.7"),
            (&["192.0.2.7", "10.0.0.2, fd00::1"], "192.0.2.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.7:4711"], "192.0.2.7"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&[" 2001:db8::1 "], "2001:db8::1"),
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["unknown"], "10.0.0.1"),
            (&["192.0.2.7, unknown"], "10.0.0.1"),
            (&["192.0.2.7, unknown, 10.0.0.2"], "10.0.0.1"),
            (&["192.0.2.7,"], "10.0.0.1"),
            (&["\u{e9}"], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", headers), expected, "{headers:?}");
        }
        assert_eq!(
            client("192.0.2.1", &["198.51.100.1"]),
            "192.0.2.1",
            "an untrusted proxy is not believed"
        );
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
    }
}
