//! From an HTTP request to a WebSocket: admission and the handshake.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::debug;

use super::accept::Caller;
use super::limits::{Crowded, Permit, RateLimiter};
use super::line::Line;
use super::metered::{Meter, Metered};
use super::reader::{BUFFER, Batch, Reader};
use super::session::{Held, Session, Timeouts};
use super::{App, now};
use crate::core::{Connection, Grant};
use crate::origin;
use crate::ports::Registry;
use crate::token::{self, Gatekeeper, Refused};
use crate::wire::JoinDefaults;

/// The most bytes read for one byte of a message. Every frame has a header, so a message in the
/// smallest fragments costs the most.
const FRAMING: usize = 8;
/// The most bytes read past the end of a message. With TLS that is a whole record more.
const AHEAD: usize = BUFFER + 32 * 1024;
/// When a client may retry a full or draining server, in seconds.
const RETRY_AFTER: &str = "5";
/// The subprotocol that the server selects if a client offers it.
const SUBPROTOCOL: &str = "visio";
const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// The header in which a proxy names the client's address.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether the request asks for a WebSocket at all.
pub(super) fn is_wanted(request: &Request) -> bool {
    let upgrade = request.headers().get(header::UPGRADE);
    upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a request for a WebSocket, and starts its session.
pub(super) fn websocket<R: Registry>(
    app: Arc<App<R>>,
    caller: Caller,
    mut request: Request,
) -> Response {
    let client = client(&app, &caller, &request);
    let permit = match admit(&app, &request, client) {
        Ok(permit) => permit,
        Err(refusal) => return *refusal,
    };
    let grant = match identify(&app.gatekeeper, &request) {
        // A client without a token will bring one in its `join`, and so does somebody who guesses.
        Ok(None) if !app.gatekeeper.is_open() && app.limits.failed_tokens(client).is_some() => {
            return unauthorized(&app, client, Refused::Missing);
        }
        Ok(grant) => grant,
        Err(refused) => return unauthorized(&app, client, refused),
    };
    let handshake = without_body(&request);
    let mut response = match create_response_with_body(&handshake, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            let message = format!("expected a WebSocket handshake: {error}");
            return refuse(StatusCode::BAD_REQUEST, "Bad Request", &message);
        }
    };
    if offers_subprotocol(&request) {
        let name = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    let defaults = JoinDefaults::parse(request.uri().query().unwrap_or_default());
    let upgrade = hyper::upgrade::on(&mut request);
    let held = Held {
        _socket: caller.permit,
        websocket: permit,
        limits: Arc::clone(&app.limits),
        _alive: app.alive.upgrade(),
    };
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => start(&app, held, caller.meter, (defaults, grant), upgraded),
            Err(error) => debug!(%error, "could not complete a handshake"),
        }
    });
    response
}

/// Recovers the TCP or TLS stream below the HTTP connection, and runs the session over it.
fn start<R: Registry>(
    app: &App<R>,
    held: Held,
    meter: Arc<Meter>,
    allowed: (JoinDefaults, Option<Grant>),
    upgraded: Upgraded,
) {
    meter.restart(FRAMING * app.config.max_message_bytes + AHEAD);
    let upgraded = match upgraded.downcast::<TokioIo<Metered<TcpStream>>>() {
        Ok(Parts { io, read_buf, .. }) => {
            // The halves of a TCP stream need no lock.
            let (read, write) = io.into_inner().into_inner().into_split();
            let read = Metered::new(read, Arc::clone(&meter));
            return run(app, held, allowed, (read, meter, write), Batch::of(&read_buf));
        }
        Err(upgraded) => upgraded,
    };
    match upgraded.downcast::<TokioIo<TlsStream<Metered<TcpStream>>>>() {
        Ok(Parts { io, read_buf, .. }) => {
            let (read, write) = split(io.into_inner());
            run(app, held, allowed, (read, meter, write), Batch::of(&read_buf));
        }
        Err(_) => debug!("an upgraded connection was neither TCP nor TLS"),
    }
}

/// Starts a session over the two halves of a stream. The bytes in `batch` were already read.
fn run<R: Registry>(
    app: &App<R>,
    held: Held,
    (defaults, grant): (JoinDefaults, Option<Grant>),
    (read, meter, write): (
        impl AsyncRead + Send + Unpin + 'static,
        Arc<Meter>,
        impl AsyncWrite + Send + Unpin + 'static,
    ),
    batch: Batch,
) {
    let id = app.next_connection();
    app.metrics().opened.inc();
    let opened = Instant::now();
    let mailbox = app.mailboxes.open(&id, Some(Line::new(write)));
    let session = Box::new(Session {
        reader: Reader::new(read, meter, app.config.max_message_bytes),
        driver: app.driver_for(&id, &mailbox),
        mailbox,
        connection: Connection { grant, ..Connection::new(id, defaults) },
        rate_limiter: RateLimiter::new(app.limits.rates, opened),
        account: None,
        timeouts: Timeouts {
            heartbeat: Duration::from_secs(app.config.rules.heartbeat_seconds),
            join_timeout: app.config.join_timeout,
        },
        opened,
        joined: false,
        taken: 0,
        bytes: 0,
        max_message_bytes: app.config.max_message_bytes,
        held,
    });
    tokio::spawn(session.run(batch));
}

/// The client's address: the TCP peer, or the address that a trusted proxy names.
fn client<R>(app: &App<R>, caller: &Caller, request: &Request) -> IpAddr {
    let headers = request.headers().get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    app.limits.client(caller.address.ip(), headers)
}

/// Checks everything that can be refused before the handshake.
fn admit<R: Registry>(
    app: &App<R>,
    request: &Request,
    client: IpAddr,
) -> Result<Permit, Box<Response>> {
    let refused = &app.metrics().refused_handshakes;
    if app.draining.load(Ordering::Acquire) {
        refused.count("draining");
        return Err(unavailable("this server is shutting down").into());
    }
    if !origin_allowed(&app.config.allowed_origins, request) {
        refused.count("origin");
        let message = "this page's origin is not on the list of --allowed-origin";
        return Err(refuse(StatusCode::FORBIDDEN, "Forbidden", message).into());
    }
    if announces_body(request) {
        refused.count("body");
        let message = "expected a WebSocket handshake without a body";
        return Err(refuse(StatusCode::BAD_REQUEST, "Bad Request", message).into());
    }
    app.limits.websocket(client).map_err(|crowded| {
        let (reason, message) = match crowded {
            Crowded::Server => ("server_full", "this server has reached its limit of connections"),
            Crowded::Address => ("address_full", "too many connections from this address"),
        };
        refused.count(reason);
        unavailable(message).into()
    })
}

/// What the handshake's token grants. Open mode ignores tokens. A handshake without a token is
/// valid, because `join` may bring one.
fn identify(gatekeeper: &Gatekeeper, request: &Request) -> Result<Option<Grant>, Refused> {
    if gatekeeper.is_open() {
        return Ok(None);
    }
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let [authorization, protocols] = [header::AUTHORIZATION, header::SEC_WEBSOCKET_PROTOCOL]
        .map(|name| request.headers().get_all(name).into_iter().map(text));
    let token = token::offered(query, authorization, protocols)?;
    token.map_or(Ok(None), |token| gatekeeper.check(&token, now()))
}

/// The header as text. Bytes that are not UTF-8 are replaced, which cannot make a valid token.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// Whether the request announces a body. A proxy would read as body what we read as frames, or the
/// other way round.
fn announces_body(request: &Request) -> bool {
    let lengths = request.headers().get_all(header::CONTENT_LENGTH);
    request.headers().contains_key(header::TRANSFER_ENCODING)
        || lengths.iter().any(|length| length != "0")
}

fn origin_allowed(allowed: &[String], request: &Request) -> bool {
    let origin = request.headers().get(header::ORIGIN);
    origin.is_none_or(|origin| origin::is_allowed(allowed, origin.as_bytes()))
}

fn offers_subprotocol(request: &Request) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut names = offers.iter().filter_map(|value| value.to_str().ok());
    names.any(|list| list.split(',').any(|name| name.trim() == SUBPROTOCOL))
}

/// A copy of the request without its body, which is the type that tungstenite expects.
fn without_body(request: &Request) -> hyper::Request<()> {
    let mut copy = hyper::Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn unavailable(message: &str) -> Response {
    let refusal = refuse(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", message);
    ([(header::RETRY_AFTER, RETRY_AFTER)], refusal).into_response()
}

/// Refuses a token and says why. An address with too many invalid tokens is no longer told why, so
/// nobody can guess tokens by trial and error.
fn unauthorized<R>(app: &App<R>, client: IpAddr, refused: Refused) -> Response {
    app.metrics().refused_handshakes.count("token");
    app.metrics().failed_tokens.count(refused.reason());
    if let Err(wait) = app.limits.failed_token(client) {
        let message = "too many invalid tokens from this address";
        let refusal = refuse(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", message);
        let seconds = wait.as_secs() + 1;
        let headers = [(header::RETRY_AFTER, seconds.into()), (header::CONNECTION, CLOSE)];
        return (headers, refusal).into_response();
    }
    let refusal = refuse(StatusCode::UNAUTHORIZED, "Unauthorized", &refused.to_string());
    ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
}

fn refuse(status: StatusCode, error: &str, message: &str) -> Response {
    (status, Json(json!({"error": error, "message": message}))).into_response()
}
