//! SOCKETS: the standalone server.
//!
//! [`serve`] takes a bound listener and a future that says when to stop. HTTP and WebSockets share
//! the port. Every connection starts as HTTP/1.1 in `accept`, inside TLS if there is a certificate.
//! A request for a WebSocket turns it into a `session` with a `mailbox`, in `upgrade`. Messages to
//! others go through a `speaker`, which counts their bytes. `http` answers all other requests.

mod accept;
mod alarms;
pub mod audit;
pub mod config;
mod drain;
mod farewell;
mod frames;
mod health;
mod http;
mod limits;
mod line;
mod liveness;
mod mailbox;
mod mailboxes;
pub mod memory;
mod metered;
mod metrics;
pub mod network;
mod opaque;
mod outbox;
mod page;
mod queue;
mod reader;
mod regular_file;
mod session;
mod shortage;
mod speaker;
pub mod tls;
mod unproven;
mod upgrade;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::core::ConnectionId;
use crate::drive;
use crate::ports::{Journal, Registry};
use crate::server::config::Config;
use crate::token::Gatekeeper;
use crate::wire::{FromText, PeerId, ResumeSecret, Timestamp};

pub use limits::{fewest_open_files, most_connections};

use alarms::Timed;
use health::{HealthCheck, own_pass};
use limits::Limits;
use mailbox::{Bounds, Mailbox};
use mailboxes::Mailboxes;
use metrics::{Counting, Metrics};
use speaker::{Claims, Speaker, Told};

/// How often we sweep out rooms that are no longer needed.
const SWEEP: Duration = Duration::from_secs(60);
/// How long the last sessions have to close after a drain. It must exceed the time that a session
/// allows for its closing handshake.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Carries out the decisions that one connection causes.
type Driver<R> = drive::Driver<Arc<Timed<R>>, Claims, Speaker>;

/// The state that all connections share.
struct App<R> {
    config: Config,
    registry: Arc<Timed<R>>,
    mailboxes: Arc<Mailboxes>,
    gatekeeper: Gatekeeper,
    journal: Arc<dyn Journal>,
    limits: Arc<Limits>,
    health: HealthCheck,
    draining: AtomicBool,
    opened: AtomicU64,
    /// Every session holds a sender. Once no sender is left, all sessions have ended.
    alive: mpsc::WeakSender<()>,
}

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
    let numbers = match &app.config.metrics_listen {
        Some(addresses) => Some(metrics::listener::bind(addresses).await?),
        None => None,
    };
    let numbers = metrics::listener::run(numbers, http::metrics_router(Arc::clone(&app)));
    let alarms = app.driver((), Arc::clone(&app.mailboxes));
    let mut work = Box::pin(async {
        let listener = listener;
        tokio::join!(
            accept::run(&listener, &app, &router),
            alarms::run(&alarms),
            numbers,
            sweep(&*app.registry)
        )
    });
    tokio::select! {
        _ = &mut work => {}
        () = stop => {}
    }
    // A draining server keeps answering HTTP, so a load balancer learns that it is not ready.
    app.draining.store(true, Ordering::Release);
    tokio::select! {
        _ = &mut work => {}
        () = drain::run(&app.mailboxes, app.config.drain) => {}
    }
    drop((work, alive));
    // A client that reads nothing must not hold up the shutdown.
    let _ = timeout(LAST_WORDS, ended.recv()).await;
    Ok(())
}

/// Regularly drops rooms that ended, and admissions that nobody came back to.
async fn sweep<R: Registry>(registry: &R) {
    loop {
        tokio::time::sleep(SWEEP).await;
        registry.sweep(now());
    }
}

impl<R> App<R> {
    fn metrics(&self) -> &Metrics {
        &self.mailboxes.metrics
    }
}

impl<R: Registry> App<R> {
    fn new(config: Config, registry: R, address: SocketAddr, alive: mpsc::WeakSender<()>) -> Self {
        let pass = own_pass();
        let bounds = Bounds { messages: config.queue_messages, bytes: config.queue_bytes };
        let audit = config.audit.clone().map(|audit| audit as Arc<dyn Journal>);
        let mailboxes = Arc::new(Mailboxes::new(bounds));
        let metrics = Arc::clone(&mailboxes.metrics);
        Self {
            registry: Arc::new(Timed::new(registry)),
            mailboxes,
            gatekeeper: pass.beside(config.gatekeeper.clone()),
            journal: Arc::new(Counting { metrics, next: audit }),
            limits: Arc::new(Limits::new(&config)),
            health: HealthCheck::new(address, &config, pass),
            draining: AtomicBool::new(false),
            opened: AtomicU64::new(0),
            alive,
            config,
        }
    }

    fn driver_for(&self, conn: &ConnectionId, mailbox: &Arc<Mailbox>) -> Driver<R> {
        let accounts = Arc::clone(&self.limits.accounts);
        let mailboxes = Arc::clone(&self.mailboxes);
        self.driver(
            Claims { accounts, mailbox: Arc::clone(mailbox) },
            Speaker {
                conn: conn.clone(),
                mailbox: Arc::clone(mailbox),
                mailboxes,
                told: Told::default(),
            },
        )
    }

    fn driver<C, O>(&self, connections: C, outbox: O) -> drive::Driver<Arc<Timed<R>>, C, O> {
        drive::Driver {
            registry: Arc::clone(&self.registry),
            connections,
            outbox,
            journal: Arc::clone(&self.journal),
            rules: self.config.rules.clone(),
            ice: Arc::clone(&self.config.ice),
            gatekeeper: self.gatekeeper.clone(),
            mint_secret,
            mint_peer_id,
        }
    }

    fn next_connection(&self) -> ConnectionId {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        ConnectionId::new(format!("c{number}"))
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn mint_secret() -> ResumeSecret {
    ResumeSecret::new(uuid::Uuid::new_v4().simple().to_string())
}

fn mint_peer_id(_: &ConnectionId) -> PeerId {
    let id = uuid::Uuid::new_v4().to_string();
    PeerId::parse(&id).expect("a UUID is within the alphabet of identifiers")
}
