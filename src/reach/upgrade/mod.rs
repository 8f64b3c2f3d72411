//! Does the WebSocket handshake get through, and what did proxies change?
//!
//! The handshake is made with hyper, not with tungstenite, because a refusal has to be read whole:
//! its headers say which proxy answered, and its body why the server refused.

mod refusal;

use axum::body::Body;
use hyper::client::conn::http1;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    SERVER, UPGRADE, VIA,
};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Way;
use super::answer::{Answer, Good, Wrong};
use super::plain::plain;
use super::tls::Opened;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The subprotocol that the server selects. Browsers carry a token beside it.
const SUBPROTOCOL: &str = "visio";

/// Asks for a WebSocket, and compares the answer with what the server would have said.
pub(crate) async fn gets_through(stream: Opened, way: &Way) -> Answer<Socket> {
    let asked = timeout(way.patience, ask(stream, way)).await;
    asked.unwrap_or_else(|_| {
        Err(Wrong::new(
            "Something takes connections, but does not answer an HTTP request.",
            "Check that the port serves HTTP, and that the process behind it is not stuck.",
        ))
    })
}

async fn ask(stream: Opened, way: &Way) -> Answer<Socket> {
    let key = generate_key();
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| no_http(&error, way))?;
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request(way, &key)).await;
    let answer = answer.map_err(|error| no_http(&error, way))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal::explained(answer, way).await);
    }
    let headers = answer.headers().clone();
    broken(&headers, &key).map_or(Ok(()), Err)?;
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| no_http(&error, way))?;
    let stream = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    Ok(passed(socket, &headers))
}

fn request(way: &Way, key: &str) -> Request<Body> {
    let target = &way.target;
    let request = Request::get(target.path_and_query().expose())
        .header(HOST, target.authority())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, key)
        .header(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    let request = match &way.origin {
        Some(origin) => request.header(ORIGIN, origin),
        None => request,
    };
    request.body(Body::empty()).expect("the parts were checked with the flags")
}

/// The handshake succeeded. What a proxy left out of it may still hurt somebody.
fn passed(socket: Socket, headers: &HeaderMap) -> Good<Socket> {
    let by = proxies(headers);
    let through = by.as_ref().map(|by| format!(", by way of {by}")).unwrap_or_default();
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

fn no_http(error: &hyper::Error, way: &Way) -> Wrong {
    if error.is_parse() {
        let secure = if way.target.secure { "" } else { " If it speaks TLS, use wss." };
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
