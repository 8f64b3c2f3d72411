//! From a request to a WebSocket: the `$connect` route decides.
//!
//! Between the request and the end of `$connect`, the connection has an id but cannot be reached.
//! If the client disconnects meanwhile, `$connect` still runs to its end, and `$disconnect`
//! follows.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::session::{self, End};
use super::{Front, refuse};
use crate::event::{Caller, Maker};
use crate::function::Failure;
use crate::options::Integration;

const MAX_FRAME: usize = 32 * 1024;
pub(super) const MAX_MESSAGE: usize = 128 * 1024;
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 16 * 1024;

/// Whether the request asks for a WebSocket.
pub(super) fn is_wanted(request: &Request) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers the handshake, and starts the session.
pub(super) async fn upgrade(front: Arc<Front>, peer: SocketAddr, mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let request = request.map(drop);
    let Ok(accepted) = create_response_with_body(&request, Body::empty) else {
        return refuse(StatusCode::BAD_REQUEST);
    };
    let (answer, answered) = oneshot::channel();
    let site = Arc::clone(&front.site);
    // hyper drops this handler if the client disconnects, but the handshake must continue.
    site.tasks.spawn(async move {
        let caller = caller(&front, peer, request.headers());
        let protocol = match connect(&front, &caller, &request).await {
            Ok(protocol) => protocol,
            Err(status) => {
                let _ = answer.send(refuse(status));
                return;
            }
        };
        front.site.meter.opened();
        let connection = front.connections.insert(caller);
        // If the client is gone, the upgrade fails.
        let _ = answer.send(with_protocol(accepted, protocol));
        match upgrade.await {
            Ok(stream) => {
                let socket = WebSocketStream::from_raw_socket(
                    TokioIo::new(stream),
                    Role::Server,
                    Some(limits()),
                );
                session::run(&front, &connection, socket.await).await;
            }
            Err(_) => session::close(&front, &connection, &End::lost()),
        }
    });
    answered.await.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR))
}

/// Invokes `$connect`, and returns the subprotocol to echo.
async fn connect(
    front: &Front,
    caller: &Caller,
    request: &hyper::Request<()>,
) -> Result<Option<HeaderValue>, StatusCode> {
    const ROUTE: &str = "$connect";
    if front.routes.get(ROUTE) != Some(&Integration::Lambda) {
        return Ok(None);
    }
    let _held = front.site.pending.hold();
    let maker = Maker { ids: &front.site.ids, now: caller.connected_at };
    let event = maker.connect(caller, request.headers(), request.uri());
    verdict(front.signaling.invoke(ROUTE, event.json).await)
}

/// The result of the handshake: the function's own status, 502 if there is none, or 500 if the
/// function was not even invoked.
fn verdict(outcome: Result<Bytes, Failure>) -> Result<Option<HeaderValue>, StatusCode> {
    let answer = outcome.map_err(|failure| match failure {
        Failure::Throttled => StatusCode::INTERNAL_SERVER_ERROR,
        Failure::Error | Failure::Crashed => StatusCode::BAD_GATEWAY,
        Failure::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    })?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|_| StatusCode::BAD_GATEWAY)?;
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.filter(|status| !status.is_informational());
    match status.ok_or(StatusCode::BAD_GATEWAY)? {
        status if status.is_success() => Ok(protocol(&answer)),
        status => Err(status),
    }
}

/// The subprotocol in the function's headers, in any casing, from single or multiple values.
fn protocol(answer: &Value) -> Option<HeaderValue> {
    let named = |headers: &Value| {
        let headers = headers.as_object()?;
        let is_it = |name: &str| name.eq_ignore_ascii_case("sec-websocket-protocol");
        headers.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.clone())
    };
    let found = named(&answer["headers"]).or_else(|| named(&answer["multiValueHeaders"]))?;
    let first = if found.is_array() { &found[0] } else { &found };
    HeaderValue::from_str(first.as_str()?).ok()
}

fn with_protocol(mut response: Response, protocol: Option<HeaderValue>) -> Response {
    if let Some(protocol) = protocol {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

fn caller(front: &Front, peer: SocketAddr, headers: &HeaderMap) -> Caller {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.as_bytes());
    let text = |name| text(name).map(|value| String::from_utf8_lossy(value).into_owned());
    Caller {
        connection: front.site.ids.short(),
        connected_at: front.site.clock.now(),
        source_ip: peer.ip().to_string(),
        user_agent: text(header::USER_AGENT),
        host: text(header::HOST).unwrap_or_default(),
    }
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_FRAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(answer: &str) -> Result<Option<HeaderValue>, StatusCode> {
        verdict(Ok(Bytes::copy_from_slice(answer.as_bytes())))
    }

    #[test]
    fn the_function_decides_the_handshake() {
        for accepted in [r#"{"statusCode":200}"#, r#"{"statusCode":201,"body":"x"}"#] {
            assert_eq!(says(accepted), Ok(None), "{accepted}");
        }
        for status in [301, 401, 403, 501] {
            let refused = StatusCode::from_u16(status).unwrap();
            assert_eq!(says(&format!(r#"{{"statusCode":{status}}}"#)), Err(refused));
        }
        for bad in ["null", "{}", "", r#"{"statusCode":"200"}"#, r#"{"statusCode":7}"#, "[200]"] {
            assert_eq!(says(bad), Err(StatusCode::BAD_GATEWAY), "{bad}");
        }
        let failed = |failure| verdict(Err(failure)).unwrap_err().as_u16();
        assert_eq!(failed(Failure::Error), 502);
        assert_eq!(failed(Failure::Crashed), 502);
        assert_eq!(failed(Failure::Throttled), 500);
        assert_eq!(failed(Failure::TimedOut), 504);
    }

    #[test]
    fn the_subprotocol_is_found_in_any_casing() {
        for headers in [
            r#""headers":{"Sec-WebSocket-Protocol":"visio"}"#,
            r#""headers":{"sec-websocket-protocol":"visio"}"#,
            r#""multiValueHeaders":{"SEC-WEBSOCKET-PROTOCOL":["visio"]}"#,
        ] {
            let protocol = says(&format!(r#"{{"statusCode":200,{headers}}}"#));
            assert_eq!(protocol, Ok(Some(HeaderValue::from_static("visio"))), "{headers}");
        }
        assert_eq!(says(r#"{"statusCode":200,"headers":{"X":"y"}}"#), Ok(None));
    }
}
