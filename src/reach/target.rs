//! What a URL on the command line means.

use std::fmt;
use std::str::FromStr;

use form_urlencoded::Serializer;

use crate::health_check::visit::Uri;
use crate::redact::Redacted;

/// The fields of a URL's query that would make the server join by itself.
const JOINS: [&str; 6] = ["roomId", "peerId", "userId", "displayName", "username", "token"];

/// Where the signaling server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether there is TLS.
    pub(crate) secure: bool,
    /// Whether the URL names the port, so the `Host` header does too.
    explicit_port: bool,
    path: String,
    /// What is left of the query, which a proxy may need.
    query: Redacted<String>,
    /// The token in the query.
    pub(crate) token: Option<Redacted<String>>,
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a URL such as wss://visio.clinic.example/ws or \
             https://visio.clinic.example";
        let uri: Uri = text.parse().map_err(|_| expected)?;
        let (secure, page) = match uri.scheme_str() {
            Some("wss") => (true, false),
            Some("https") => (true, true),
            Some("ws") => (false, false),
            Some("http") => (false, true),
            _ => return Err(expected),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(expected)?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("expected a URL without a user and a password");
        }
        let (query, token) = without_join(uri.query().unwrap_or_default());
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            secure,
            explicit_port: uri.port_u16().is_some(),
            path: if page { of_page(uri.path()) } else { uri.path().to_owned() },
            query: Redacted::new(query),
            token,
        })
    }
}

/// The path of the WebSocket that belongs to the URL of a page. Behind API Gateway it is the same.
fn of_page(path: &str) -> String {
    let known = ["/", "/health", "/status", "/livez", "/readyz"].contains(&path);
    if known || path == "/demo" || path.starts_with("/demo/") {
        return "/ws".to_owned();
    }
    path.to_owned()
}

/// The query without what belongs to a `join`, and the token in it.
fn without_join(query: &str) -> (String, Option<Redacted<String>>) {
    let fields = || form_urlencoded::parse(query.as_bytes());
    let token = fields().find(|(name, _)| name == "token").map(|(_, it)| it.into_owned());
    let rest = fields().filter(|(name, _)| !JOINS.contains(&name.as_ref()));
    (Serializer::new(String::new()).extend_pairs(rest).finish(), token.map(Redacted::new))
}

impl Target {
    /// The target of the handshake's request.
    pub(crate) fn path_and_query(&self) -> Redacted<String> {
        let query = self.query.expose();
        let mark = if query.is_empty() { "" } else { "?" };
        Redacted::new(format!("{}{mark}{query}", self.path))
    }

    /// The `Host` header.
    pub(crate) fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.explicit_port { format!("{host}:{}", self.port) } else { host }
    }

    /// Whether this is the name of an API that AWS gave it.
    pub(crate) fn is_api_gateway(&self) -> bool {
        self.host.contains(".execute-api.") && self.host.contains(".amazonaws.")
    }
}

/// The URL, without its query.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn the_url_of_a_page_leads_to_its_websocket() {
        for (typed, meant) in [
            ("wss://a.example/ws", "wss://a.example/ws"),
            ("wss://a.example", "wss://a.example/"),
            ("ws://127.0.0.1:8080/", "ws://127.0.0.1:8080/"),
            ("https://a.example", "wss://a.example/ws"),
            ("https://a.example/demo/?room=1", "wss://a.example/ws"),
            ("http://[::1]:8080/health", "ws://[::1]:8080/ws"),
            (
                "https://x.execute-api.eu-west-3.amazonaws.com/prod",
                "wss://x.execute-api.eu-west-3.amazonaws.com/prod",
            ),
        ] {
            assert_eq!(target(typed).to_string(), meant);
        }
        assert_eq!((target("wss://a").port, target("ws://a").port), (443, 80));
        assert_eq!(target("ws://[::1]:9").host, "::1");
    }

    #[test]
    fn a_query_is_sent_but_for_what_would_join_and_is_never_shown() {
        let target = target("wss://a.example/ws?roomId=r&key=s%26t&token=secret&userId=u");
        assert_eq!(target.path_and_query().expose(), "/ws?key=s%26t");
        assert_eq!(target.token.as_ref().unwrap().expose(), "secret");
        assert!(!format!("{target} {target:?}").contains("secret"));
        assert!(!format!("{target} {target:?}").contains("s%26t"));
    }

    #[test]
    fn anything_but_a_url_of_a_server_is_refused() {
        for bad in ["", "a.example", "ftp://a.example", "wss://", "wss://user:pass@a.example/"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
