//! SOCKETS: the standalone server.
//!
//! [`serve`] takes a bound listener and a future that says when to stop. HTTP and WebSockets share
//! the port: every connection starts as HTTP/1.1, and a request for a WebSocket turns it
//! (`upgrade`) into a `session` with a `mailbox`. `http` answers the rest.

mod drain;
mod http;
mod limits;
mod mailbox;
mod probe;
mod session;
mod upgrade;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::Service;
use tracing::{debug, warn};

use crate::config::Config;
use crate::core::ConnectionId;
use crate::drive::Driver;
use crate::ports::Registry;
use crate::wire::{FromText, PeerId, Timestamp};

use limits::Admission;
use mailbox::{Bounds, Mailboxes};
use probe::Prober;

/// A client has this long to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection may speak HTTP for this long; a poller opens another.
const HTTP_TIME: Duration = Duration::from_secs(60);
/// After a drain the last sessions have this long to close: somewhat longer than a goodbye takes.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Out of file descriptors, say: give those that are open some time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
struct App<R> {
    config: Config,
    driver: Arc<Driver<R, Mailboxes>>,
    admission: Arc<Admission>,
    prober: Prober,
    draining: AtomicBool,
    opened: AtomicU64,
    /// Every session holds a sender; when there is none left, all have ended.
    alive: mpsc::WeakSender<()>,
}

/// Where a request came from. Never logged.
#[derive(Clone, Copy)]
struct ClientAddress(SocketAddr);

/// Serves on `listener` until `stop`, then drains and returns.
pub async fn serve<R: Registry>(
    listener: TcpListener,
    config: Config,
    registry: R,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let (alive, mut ended) = mpsc::channel(1);
    let app = Arc::new(App::new(config, registry, address, alive.downgrade()));
    let router = http::router(Arc::clone(&app));
    tokio::select! {
        () = accept(&listener, &router) => {}
        () = stop => {}
    }
    // While draining it goes on answering: a load balancer has to hear that it is not ready.
    app.draining.store(true, Ordering::Release);
    tokio::select! {
        () = accept(&listener, &router) => {}
        () = drain::run(&app.driver.outbox, app.config.drain) => {}
    }
    drop((listener, alive));
    // A client that reads nothing does not hold up the end.
    let _ = timeout(LAST_WORDS, ended.recv()).await;
    Ok(())
}

impl<R: Registry> App<R> {
    fn new(config: Config, registry: R, address: SocketAddr, alive: mpsc::WeakSender<()>) -> Self {
        let bounds = Bounds { messages: config.queue_messages, bytes: config.queue_bytes };
        let driver = Driver {
            registry,
            outbox: Mailboxes::new(bounds),
            rules: config.rules.clone(),
            mint_peer_id,
        };
        Self {
            driver: Arc::new(driver),
            admission: Arc::new(Admission::new(
                config.max_connections,
                config.max_connections_per_ip,
            )),
            prober: Prober::new(address),
            draining: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            alive,
            config,
        }
    }

    fn next_connection(&self) -> ConnectionId {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        ConnectionId::new(format!("c{number}"))
    }
}

async fn accept(listener: &TcpListener, router: &Router) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                tokio::spawn(connection(stream, address, router.clone()));
            }
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, as long as it speaks HTTP.
async fn connection(stream: TcpStream, address: SocketAddr, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a socket refused TCP_NODELAY");
    }
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ClientAddress(address));
        router.clone().call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let served = match timeout(HTTP_TIME, serving.as_mut()).await {
        Ok(served) => served,
        Err(_) => {
            serving.as_mut().graceful_shutdown();
            // Whoever does not even read its answer is left.
            timeout(HEAD_TIMEOUT, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        debug!(%error, "an HTTP connection broke");
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn mint_peer_id(_: &ConnectionId) -> PeerId {
    let id = uuid::Uuid::new_v4().to_string();
    PeerId::parse(&id).expect("a UUID is within the alphabet of identifiers")
}
