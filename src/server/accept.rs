//! From an accepted socket to HTTP: admission, TLS and timeouts.
//!
//! The accept loop never waits for a client. Every socket takes a permit before anything else is
//! done for it, and costs little more than that until its client sends a first byte. A WebSocket
//! takes a second permit, and `--max-connections` limits those. There are some more socket permits
//! than WebSocket permits, so that a full server can still refuse clients and answer `/health`.
//! These spare permits have short timeouts, so that nobody can hold on to them.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tower::Service;
use tracing::debug;

use super::App;
use super::limits::Permit;
use super::metered::{Meter, Metered, drain};
use super::shortage::Shortage;
use crate::ports::Registry;
use crate::server::tls::Tls;

/// How long a client has for its first byte, for the TLS handshake, and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for a connection with a spare permit.
const SPARE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a connection may speak HTTP. A client that polls for longer opens another one.
const HTTP_TIME: Duration = Duration::from_secs(60);
/// The most bytes a connection may send while it speaks HTTP.
const HTTP_BYTES: usize = 256 * 1024;
/// The most bytes hyper may buffer of a request.
const HEAD_BYTES: usize = 16 * 1024;
/// The most unsent bytes TLS may buffer.
const TLS_BUFFER: usize = 16 * 1024;
/// The most unsent bytes the kernel may buffer for a slow client. Without this it would be up to
/// 4 MiB, several times a mailbox. Linux doubles the value, to allow for its own overhead. At a
/// round trip of 200 ms a client still gets 2.6 Mbit/s, five times what one peer may send.
const SEND_BUFFER: usize = 64 * 1024;
/// The first byte of every handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Connection: close\r\nContent-Length: 0\r\n\r\n";
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Connection: close\r\nContent-Length: 45\r\n\r\nthis port speaks TLS: use https:// or wss://\n";

/// The address at the other end of a socket, and what the socket may do. It is never logged.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) address: SocketAddr,
    pub(super) permit: Arc<Permit>,
    /// Counts what is read from the socket, below TLS.
    pub(super) meter: Arc<Meter>,
}

/// Accepts connections, for as long as it is polled.
pub(super) async fn run<R: Registry>(listener: &TcpListener, app: &App<R>, router: &Router) {
    let mut shortage = Shortage::none(listener);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shortage.over() => continue,
        };
        match accepted {
            Ok((stream, address)) => match app.limits.socket(address.ip()) {
                Ok(permit) => {
                    let meter = Arc::new(Meter::new(HTTP_BYTES));
                    let caller = Caller { address, permit: Arc::new(permit), meter };
                    let tls = app.config.tls.clone();
                    tokio::spawn(connection(stream, caller, router.clone(), tls));
                }
                Err(_) => turn_away(stream, app.config.tls.is_some()),
            },
            Err(error) if of_one_client(&error) => debug!(%error, "a client gave up"),
            Err(error) => {
                if let Some(stream) = shortage.failed(listener, error).await {
                    turn_away(stream, app.config.tls.is_some());
                }
                shortage.keep(listener);
            }
        }
    }
}

/// Whether the error concerns only this client, so that the next one can be accepted (`accept(2)`,
/// section "Error handling").
fn of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Closes a connection for which there is not even a spare permit. The client is told why, if that
/// is possible without waiting.
fn turn_away(stream: TcpStream, secured: bool) {
    debug!("refused a connection: too many are open");
    if let (false, Ok(mut stream)) = (secured, stream.into_std()) {
        let _ = stream.write(CROWDED);
    }
}

/// Serves one connection for as long as it speaks HTTP.
async fn connection(stream: TcpStream, caller: Caller, router: Router, tls: Option<Arc<Tls>>) {
    if let Err(error) = tune(&stream) {
        debug!(%error, "could not set a socket option");
    }
    let limit = if caller.permit.spare { SPARE_TIMEOUT } else { HEAD_TIMEOUT };
    // A client that sends nothing must cost no buffers.
    let mut first = [0];
    let Ok(Ok(1)) = timeout(limit, stream.peek(&mut first)).await else { return };
    let stream = Metered::new(stream, Arc::clone(&caller.meter));
    let ended = match tls {
        None => Box::pin(http(stream, caller, router)).await,
        Some(tls) => {
            match timeout(limit, Box::pin(secure(stream, &caller, first[0], &tls))).await {
                Ok(Ok(stream)) => Box::pin(http(stream, caller, router)).await,
                Ok(Err(error)) => {
                    debug!(%error, "a TLS handshake failed");
                    return;
                }
                Err(_) => {
                    debug!("a TLS handshake took too long");
                    return;
                }
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, "an HTTP connection failed");
    }
}

/// Sends small messages without delay, and keeps the kernel's send buffer small.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(SEND_BUFFER)
}

/// Does the TLS handshake. A client that does not speak TLS is told so in plain text.
async fn secure(
    mut stream: Metered<TcpStream>,
    caller: &Caller,
    first: u8,
    tls: &Tls,
) -> io::Result<TlsStream<Metered<TcpStream>>> {
    if first != TLS_HANDSHAKE {
        stream.write_all(NOT_TLS).await?;
        stream.shutdown().await?;
        drain(&mut stream, &caller.meter).await;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not TLS"));
    }
    let limited = |session: &mut tokio_rustls::rustls::ServerConnection| {
        session.set_buffer_limit(Some(TLS_BUFFER));
    };
    tls.acceptor().accept_with(stream, limited).await
}

async fn http<S>(stream: S, caller: Caller, router: Router) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spare = caller.permit.spare;
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let mut router = router.clone();
        request.extensions_mut().insert(caller.clone());
        async move {
            let mut response = router.call(request).await?;
            if spare && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if spare { SPARE_TIMEOUT } else { HEAD_TIMEOUT })
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    match timeout(if spare { HEAD_TIMEOUT } else { HTTP_TIME }, serving.as_mut()).await {
        Ok(served) => served,
        Err(_) => {
            serving.as_mut().graceful_shutdown();
            // A client that does not even read its answer is dropped.
            timeout(HEAD_TIMEOUT, serving).await.unwrap_or(Ok(()))
        }
    }
}
