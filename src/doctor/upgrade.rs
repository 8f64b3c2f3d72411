//! Does the WebSocket handshake get through, and what did proxies change?
//!
//! The handshake is made with hyper, not with tungstenite, because a refusal has to be read whole:
//! its headers say which proxy answered, and its body why the server refused.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::client::conn::http1;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, LOCATION, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    SERVER, UPGRADE, VIA,
};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Doctor;
use super::finding::{Answer, Good, Wrong};
use super::plain::plain;
use super::target::Target;
use super::tls::Opened;

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The subprotocol that the server selects. Browsers carry a token beside it.
const SUBPROTOCOL: &str = "visio";
/// The most that is read of a refusal.
const BODY: usize = 64 * 1024;

/// Asks for a WebSocket, and compares the answer with what the server would have said.
pub(super) async fn gets_through(stream: Opened, doctor: &Doctor) -> Answer<Socket> {
    let asked = timeout(doctor.patience, ask(stream, doctor)).await;
    asked.unwrap_or_else(|_| {
        Err(Wrong::new(
            "Something takes connections, but does not answer an HTTP request.",
            "Check that the port serves HTTP, and that the process behind it is not stuck.",
        ))
    })
}

async fn ask(stream: Opened, doctor: &Doctor) -> Answer<Socket> {
    let key = generate_key();
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| no_http(&error, doctor))?;
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request(doctor, &key)).await;
    let answer = answer.map_err(|error| no_http(&error, doctor))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(answer, doctor).await);
    }
    let headers = answer.headers().clone();
    broken(&headers, &key).map_or(Ok(()), Err)?;
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| no_http(&error, doctor))?;
    let stream = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    Ok(passed(socket, &headers))
}

fn request(doctor: &Doctor, key: &str) -> Request<Body> {
    let target = &doctor.target;
    let request = Request::get(target.path_and_query().expose())
        .header(HOST, target.authority())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, key)
        .header(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    let request = match &doctor.origin {
        Some(origin) => request.header(ORIGIN, origin),
        None => request,
    };
    request.body(Body::empty()).expect("the parts were checked with the flags")
}

/// The handshake succeeded. What a proxy left out of it may still hurt somebody.
fn passed(socket: Socket, headers: &HeaderMap) -> Good<Socket> {
    let by = proxies(headers);
    let through = by.as_ref().map(|by| format!(", through {by}")).unwrap_or_default();
    let says = format!("The WebSocket handshake gets through{through}.");
    let good = Good::new(socket, says);
    let good = by.into_iter().fold(good, |good, by| good.with("through", by));
    if headers.get(SEC_WEBSOCKET_PROTOCOL).is_some_and(|it| it == SUBPROTOCOL) {
        return good;
    }
    good.but(
        "But a proxy on the way removed the header Sec-WebSocket-Protocol, or this is not a visio \
         server.",
        "Pass that header on in both directions. Browsers send visit tokens in it, and hang up if \
         the answer lacks it.",
    )
}

/// An answer that claims to switch protocols, and is not the server's.
fn broken(headers: &HeaderMap, key: &str) -> Option<Wrong> {
    let is = |name: HeaderName, wanted: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted))
    };
    if !is(UPGRADE, "websocket") || !is(CONNECTION, "upgrade") {
        return Some(Wrong::new(
            "The answer switches protocols, but a proxy removed the header Upgrade or Connection \
             from it.",
            "Browsers refuse that. Make the proxy pass on both headers of an answer with 101.",
        ));
    }
    if headers.get(SEC_WEBSOCKET_ACCEPT).is_none_or(|it| *it != derive_accept_key(key.as_bytes())) {
        return Some(Wrong::new(
            "The answer does not belong to this handshake: Sec-WebSocket-Accept is wrong.",
            "A proxy answers from a cache, or changes Sec-WebSocket-Key. Switch caching off for \
             this path.",
        ));
    }
    headers.contains_key(SEC_WEBSOCKET_EXTENSIONS).then(|| {
        Wrong::new(
            "A proxy switched on an extension that was not offered, such as compression.",
            "Browsers refuse that. Switch WebSocket compression off in the proxy.",
        )
    })
}

/// Who answered, as far as they say so. The server itself sends neither header.
fn proxies(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(SERVER).iter().chain(headers.get_all(VIA));
    let names: Vec<_> = values.filter_map(|it| it.to_str().ok()).map(plain).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn no_http(error: &hyper::Error, doctor: &Doctor) -> Wrong {
    if error.is_parse() {
        let secure = if doctor.target.secure { "" } else { " If it speaks TLS, use wss." };
        return Wrong::new(
            "What answers there does not speak HTTP.",
            format!("Check the port.{secure}"),
        );
    }
    Wrong::new(
        "The connection was closed before the handshake was answered.",
        "Read the log of the server and of each proxy. A firewall that does not know WebSockets \
         may have closed it; with wss it sees less.",
    )
}

/// Explains an answer that is not 101.
async fn refused(answer: Response<hyper::body::Incoming>, doctor: &Doctor) -> Wrong {
    let (head, body) = answer.into_parts();
    let body = timeout(Duration::from_secs(2), to_bytes(Body::new(body), BODY)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let refusal = Refusal {
        status: head.status,
        headers: &head.headers,
        body: &String::from_utf8_lossy(&body),
        target: &doctor.target,
        origin: doctor.origin.as_deref(),
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
