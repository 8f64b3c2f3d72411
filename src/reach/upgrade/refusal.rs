//! What an answer to the handshake means that is not 101.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::proxies;
use crate::reach::Way;
use crate::reach::answer::Wrong;
use crate::reach::plain::plain;
use crate::reach::target::Target;

/// The most that is read of a refusal.
const BODY: usize = 64 * 1024;

/// Explains an answer that is not 101.
pub(super) async fn explained(answer: Response<hyper::body::Incoming>, way: &Way) -> Wrong {
    let (head, body) = answer.into_parts();
    let body = timeout(Duration::from_secs(2), to_bytes(Body::new(body), BODY)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let refusal = Refusal {
        status: head.status,
        headers: &head.headers,
        body: &String::from_utf8_lossy(&body),
        target: &way.target,
        origin: way.origin.as_deref(),
    };
    let by = proxies(&head.headers);
    let wrong = refusal.explained().with("status", head.status.as_u16());
    by.into_iter().fold(wrong, |wrong, by| wrong.with("through", by))
}

/// An answer that refuses the handshake.
struct Refusal<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    body: &'a str,
    target: &'a Target,
    origin: Option<&'a str>,
}

impl Refusal<'_> {
    fn explained(&self) -> Wrong {
        let code = self.status.as_u16();
        if self.is_stripped() {
            return stripped();
        }
        match code {
            300..=399 => self.redirected(),
            400 if self.wants_tls() => Wrong::new(
                "The port serves TLS, and this URL does not.",
                "Use wss or https in the URL.",
            ),
            401 => Wrong::new(
                format!("The handshake was refused with 401{}.", self.reason()),
                "The server wants a visit token in the handshake, or a proxy wants a password. \
                 Turn the proxy's own login off for this path.",
            ),
            403 => self.forbidden(),
            404 => self.not_found(),
            429 | 503 if self.says().is_some() => self.busy(),
            502..=504 => Wrong::new(
                format!("{} cannot reach the server behind it ({code}).", self.who()),
                "Check that the server runs, its address in the proxy's configuration, and that \
                 the proxy may connect to it.",
            ),
            200..=299 => Wrong::new(
                format!("An ordinary page answered ({code}), not a signaling server."),
                "Check the path of the URL: the server's is /ws. If it is right, a proxy removed \
                 the header Upgrade, or sends this path elsewhere.",
            ),
            _ => Wrong::new(
                format!("{} refused the handshake with {code}{}.", self.who(), self.reason()),
                "If a proxy answered, it may not know WebSockets: make it speak HTTP/1.1 to the \
                 server, and pass on the headers Upgrade and Connection.",
            ),
        }
    }

    /// Whether the server answered as it answers requests that ask for no WebSocket.
    fn is_stripped(&self) -> bool {
        let root = || self.json()?.get("endpoints")?.get("websocket").cloned();
        self.status == StatusCode::UPGRADE_REQUIRED
            || (self.status == StatusCode::OK && root().is_some())
    }

    /// Whether somebody says that this is a port for https. The server, nginx and Caddy do.
    fn wants_tls(&self) -> bool {
        !self.target.secure && self.body.to_ascii_lowercase().contains("https")
    }

    fn redirected(&self) -> Wrong {
        let to = self.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        let to = plain(to.split('?').next().unwrap_or_default());
        Wrong::new(
            format!("{} redirects to {to} ({}).", self.who(), self.status.as_u16()),
            "Browsers follow no redirect of a WebSocket. Use that address in the URL (wss for \
             https), or serve this one.",
        )
    }

    fn forbidden(&self) -> Wrong {
        if self.says().is_some_and(|it| it.contains("--allowed-origin")) {
            let origin = self.origin.unwrap_or_default();
            return Wrong::new(
                format!("The server does not let pages of {origin} connect."),
                "Start it with --allowed-origin and exactly that origin: scheme, host and port, no \
                 path.",
            );
        }
        if self.target.is_api_gateway() {
            return Wrong::new(
                "API Gateway refused the handshake with 403.",
                "Check the stage: it is the path of the URL, such as /prod. Then the origin \
                 (--origin) and whether the API wants an API key.",
            );
        }
        Wrong::new(
            format!("{} refused the handshake with 403{}.", self.who(), self.reason()),
            "A proxy or a web application firewall does not allow it. Read its log.",
        )
    }

    fn not_found(&self) -> Wrong {
        let ours = self.json().is_some_and(|it| it.get("available_endpoints").is_some());
        if ours {
            return Wrong::new(
                "The server is there, but not at this path (404).",
                "Use /ws as the path of the URL. If it is, a proxy changed the path.",
            );
        }
        Wrong::new(
            format!("{} knows nothing at this path (404).", self.who()),
            "Check the path of the URL, and which paths the proxy sends to the server: /ws, and \
             /demo/ and /health if you want them.",
        )
    }

    fn busy(&self) -> Wrong {
        let after = self.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
        let after = after.map(|it| format!(" in {} s", plain(it))).unwrap_or_default();
        Wrong::new(
            format!("The server takes no more connections now{}.", self.reason()),
            format!(
                "Try again{after}. If it lasts, raise --max-connections or the limits for one \
                 address. Behind a proxy set --trusted-proxy, or all clients share one address."
            ),
        )
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body).ok()
    }

    /// The server's reason, or API Gateway's.
    fn says(&self) -> Option<String> {
        self.json()?.get("message")?.as_str().map(plain)
    }

    fn reason(&self) -> String {
        self.says().map(|says| format!(": {says}")).unwrap_or_default()
    }

    fn who(&self) -> String {
        proxies(self.headers).unwrap_or_else(|| "The server, or a proxy,".to_owned())
    }
}

fn stripped() -> Wrong {
    Wrong::new(
        "The server was reached, but a proxy on the way removed the header Upgrade from the \
         request.",
        "Make the proxy pass the upgrade on. For nginx: proxy_http_version 1.1; proxy_set_header \
         Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\". For an AWS load \
         balancer, use an Application Load Balancer. For a CDN, switch WebSockets on.",
    )
}
