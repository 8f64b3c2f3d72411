//! Where to listen: an address, or a name that resolves to addresses.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use super::ConfigError;

/// A host and a port, as typed: `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen(String);

/// The value of `--listen`, and the addresses it resolves to. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    typed: String,
    /// The addresses in the resolver's order. The server listens on the first that it can bind.
    pub all: Vec<SocketAddr>,
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected an address or a name, and a port, such as 127.0.0.1:8080, \
             [::1]:8080 or localhost:8080";
        let is_name = || {
            let (host, port) = text.rsplit_once(':')?;
            let host = !host.is_empty() && !host.contains([':', '/', '[', ']', ' ']);
            (host && port.parse::<u16>().is_ok()).then_some(())
        };
        let good = text.parse::<SocketAddr>().is_ok() || is_name().is_some();
        good.then(|| Self(text.to_owned())).ok_or(expected)
    }
}

impl Listen {
    /// Resolves a name with this machine's resolver.
    pub(super) fn resolve(self) -> Result<Addresses, ConfigError> {
        let resolved = self.0.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        match resolved {
            Ok(mut all) if !all.is_empty() => {
                all.dedup();
                Ok(Addresses { typed: self.0, all })
            }
            Ok(_) => Err(ConfigError::Nowhere(self.0, "it has no address".into())),
            Err(error) => Err(ConfigError::Nowhere(self.0, error.to_string())),
        }
    }
}

impl Addresses {
    /// The first address that other machines can reach.
    pub(super) fn public(&self) -> Option<SocketAddr> {
        let is_public = |it: &&SocketAddr| !it.ip().to_canonical().is_loopback();
        self.all.iter().find(is_public).copied()
    }
}

impl From<SocketAddr> for Addresses {
    fn from(address: SocketAddr) -> Self {
        Self { typed: address.to_string(), all: vec![address] }
    }
}

/// The value as given on the command line.
impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_public_address_among_several_is_public() {
        let of = |all: &[&str]| {
            let all = all.iter().map(|text| text.parse().unwrap()).collect();
            Addresses { typed: "name:80".into(), all }.public().map(|it| it.to_string())
        };
        assert_eq!(of(&["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"]), None);
        assert_eq!(of(&["127.0.0.1:80", "192.0.2.1:80"]).as_deref(), Some("192.0.2.1:80"));
        assert_eq!(of(&["[2001:db8::1]:80", "[::1]:80"]).as_deref(), Some("[2001:db8::1]:80"));
    }

    #[test]
    fn only_a_host_with_a_port_is_valid() {
        for good in ["127.0.0.1:0", "[::1]:80", "localhost:8080", "visio.clinic.example:443"] {
            assert_eq!(good.parse(), Ok(Listen(good.into())));
        }
        for bad in ["", "localhost", ":80", "::1:80", "[::1", "a:b", "a:65536", "http://a:80"] {
            assert!(bad.parse::<Listen>().is_err(), "{bad}");
        }
        let all = Listen("127.0.0.1:80".into()).resolve().unwrap().all;
        assert_eq!(all, ["127.0.0.1:80".parse().unwrap()]);
    }
}
