//! ICE servers, as browsers want them for `new RTCPeerConnection({iceServers})` (W3C, "WebRTC:
//! Real-Time Communication in Browsers", section 4.2.2).

use std::fmt;

use serde::{Serialize, Serializer};

use super::Timestamp;
use crate::redact::Redacted;

/// One STUN or TURN server, or several that take the same credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// Where it is.
    pub urls: Vec<IceUrl>,
    /// What a TURN server asks for. A STUN server asks for nothing.
    #[serde(flatten)]
    pub credentials: Option<TurnCredentials>,
}

/// A user name and a password for a TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnCredentials {
    /// Reaches the logs of the TURN server.
    pub username: Redacted<String>,
    /// The password.
    pub credential: Redacted<String>,
}

/// How the connections of a client are to be made. It is part of `joined`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IceConfiguration {
    /// The servers.
    pub ice_servers: Vec<IceServer>,
    /// When the credentials in `ice_servers` end. Absent if they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_servers_expire_at: Option<Timestamp>,
    /// Whether all media must go through a TURN server. Otherwise this is absent.
    #[serde(
        rename = "iceTransportPolicy",
        serialize_with = "relay",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub relay_only: bool,
}

/// The address of a STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Clone, PartialEq, Eq)]
pub struct IceUrl {
    text: String,
    /// Whether it relays media (`turn:`), or only tells clients their addresses (`stun:`).
    pub relays: bool,
    /// How it is reached.
    pub transport: Transport,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// How a STUN or TURN server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram a message.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

impl IceUrl {
    /// What a valid URL looks like.
    pub const EXPECTED: &str = "stun:HOST, turn:HOST or turns:HOST, each with an optional :PORT, \
         and for turn also with ?transport=udp or ?transport=tcp";

    /// Parses a URL.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let (relays, tls) = match scheme {
            "stun" => (false, false),
            "stuns" => (false, true),
            "turn" => (true, false),
            "turns" => (true, true),
            _ => return None,
        };
        let (place, query) = rest.split_once('?').map_or((rest, None), |(it, at)| (it, Some(at)));
        let transport = match (tls, query) {
            (true, None) => Transport::Tls,
            (true, Some("transport=tcp")) if relays => Transport::Tls,
            (false, None) => Transport::Udp,
            (false, Some("transport=udp")) if relays => Transport::Udp,
            (false, Some("transport=tcp")) if relays => Transport::Tcp,
            _ => return None,
        };
        let (host, port) = host_and_port(place)?;
        let port = port.unwrap_or(if tls { 5349 } else { 3478 });
        Some(Self { text: text.to_owned(), relays, transport, host: host.to_owned(), port })
    }

    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || !host.bytes().all(named) {
        return None;
    }
    if port.is_empty() {
        return (!place.ends_with(':')).then_some((host, None));
    }
    Some((host, Some(port.parse().ok().filter(|port| *port > 0)?)))
}

impl Serialize for TurnCredentials {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Exposed<'a> {
            username: &'a str,
            credential: &'a str,
        }
        let (username, credential) = (self.username.expose(), self.credential.expose());
        Exposed { username, credential }.serialize(serializer)
    }
}

impl Serialize for IceUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Debug for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn relay<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("relay")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_what_it_is_and_how_it_is_reached() {
        use Transport::{Tcp, Tls, Udp};
        for (text, relays, transport, host, port) in [
            ("stun:stun.example", false, Udp, "stun.example", 3478),
            ("stuns:stun.example", false, Tls, "stun.example", 5349),
            ("turn:turn.example:80?transport=tcp", true, Tcp, "turn.example", 80),
            ("turn:192.0.2.1?transport=udp", true, Udp, "192.0.2.1", 3478),
            ("turns:turn.example:443?transport=tcp", true, Tls, "turn.example", 443),
            ("turn:[2001:db8::1]", true, Udp, "2001:db8::1", 3478),
            ("turn:[2001:db8::1]:99", true, Udp, "2001:db8::1", 99),
        ] {
            let url = IceUrl::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.relays, url.transport), (relays, transport), "{text}");
            assert_eq!((url.host.as_str(), url.port), (host, port), "{text}");
            assert_eq!(url.as_str(), text);
        }
        for text in [
            "",
            "turn.example",
            "turn:",
            "turn::80",
            "turn:a:",
            "turn:a:0",
            "turn:a:65536",
            "turn://a",
            "turn:a?transport=sctp",
            "stun:a?transport=udp",
            "stun:a?transport=tcp",
            "stuns:a?transport=tcp",
            "turns:a?transport=udp",
            "turn:[a]",
            "turn:[::1",
            "turn:[::1]x",
            "turn:a b",
            "http:a",
        ] {
            assert_eq!(IceUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn credentials_are_on_the_wire_and_in_no_log() {
        let server = IceServer {
            urls: vec![IceUrl::parse("turn:turn.example").unwrap()],
            credentials: Some(TurnCredentials {
                username: Redacted::new("17:x".to_owned()),
                credential: Redacted::new("s3cret".to_owned()),
            }),
        };
        let text = serde_json::to_string(&server).unwrap();
        let expected = r#"{"urls":["turn:turn.example"],"username":"17:x","credential":"s3cret"}"#;
        assert_eq!(text, expected);
        assert!(!format!("{server:?}").contains("s3cret"), "{server:?}");
    }
}
