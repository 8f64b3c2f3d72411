//! The settings of the standalone server.
//!
//! [`Flags`] is the command line, with an environment variable for each flag. [`Config`] is what
//! the server runs on. Flags are parsed, checked and completed with defaults in one place, when one
//! is turned into the other, and never again.

mod error;
mod ice;
mod keys;
mod listen;
mod page;
mod queue;
mod token;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};

use crate::core::Rules;
use crate::health::words::Service;
use crate::ice::IceServers;
use crate::origin;
use crate::server::audit::Audit;
use crate::server::network::Network;
use crate::server::tls::{Tls, TlsError};
use crate::token::Gatekeeper;
use queue::{QUEUE_BYTES, byte_burst};

pub use error::ConfigError;
pub use ice::IceFlags;
pub(crate) use keys::redacted;
pub use keys::{KeyError, KeyFile, KeyFlags};
pub use listen::{Addresses, Listen};
pub use page::{Logo, PageConfig, PageError, PageFlags, PageSettings};
pub(super) use queue::queue_bytes;
pub use token::TokenFlags;

// The defaults of the flags.
const MAX_MESSAGE_BYTES: u32 = 32_768;
const MAX_CONNECTIONS: u32 = 100_000;
const MAX_CONNECTIONS_PER_IP: u32 = 1000;
const CONNECTION_RATE: u32 = 50;
const MESSAGE_RATE: u32 = 50;
const MESSAGE_BURST: u32 = 200;
const BYTE_RATE: u32 = 65_536;
const DRAIN_SECONDS: u64 = 30;
const REGION: &str = "local";
const SERVICE_NAME: &str = "visio-conference";

/// The flags of `visio serve`. For the limits on connections and rates, 0 means no limit.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Address or host name, and port, to listen on; port 0 picks a free port. If a name has
    /// several addresses, the server listens on the first that it can bind. If only PORT is set,
    /// the server listens on 0.0.0.0:PORT
    #[arg(long, env = "VISIO_LISTEN", value_name = "ADDR")]
    listen: Option<Listen>,

    /// Port chosen by the platform, as on Heroku, Fly or Cloud Run
    #[arg(long, env = "PORT", hide = true)]
    port: Option<u16>,

    /// Let anybody join any visit: serve without visit tokens on an address that is not loopback
    #[arg(long, env = "VISIO_OPEN", value_parser = BoolishValueParser::new())]
    open: bool,

    #[command(flatten)]
    keys: KeyFlags,

    #[command(flatten)]
    ice: IceFlags,

    /// Serve https and wss with this certificate chain: a PEM file with the server's certificate
    /// first, then those of its issuers. Reloaded on SIGHUP
    #[arg(long, env = "VISIO_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate: a PEM file without a passphrase. Reloaded on SIGHUP
    #[arg(long, env = "VISIO_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Origin of the pages that may connect and poll /health, such as `https://clinic.example`;
    /// repeatable, or a comma-separated list [default: any]
    #[arg(long, env = "VISIO_ALLOWED_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    allowed_origin: Vec<String>,

    #[command(flatten)]
    page: PageFlags,

    /// Maximum number of seats in a room, 1 to 256
    #[arg(long, env = "VISIO_MAX_PEERS_PER_ROOM", value_name = "N")]
    #[arg(default_value_t = Rules::DEFAULT.max_peers_per_room)]
    #[arg(value_parser = value_parser!(u16).range(1..=i64::from(Rules::MOST_PEERS_PER_ROOM)))]
    max_peers_per_room: u16,

    /// Maximum size of a message in bytes, 1024 to 1048576
    #[arg(long, env = "VISIO_MAX_MESSAGE_BYTES", value_name = "BYTES")]
    #[arg(default_value_t = MAX_MESSAGE_BYTES)]
    #[arg(value_parser = value_parser!(u32).range(1024..=1_048_576))]
    max_message_bytes: u32,

    /// Maximum number of open WebSockets. The total number of sockets may be an eighth higher. The
    /// server lowers this limit, with a warning, if the limit on open files requires it
    #[arg(long, env = "VISIO_MAX_CONNECTIONS", value_name = "N")]
    #[arg(default_value_t = MAX_CONNECTIONS)]
    max_connections: u32,

    /// Maximum number of open WebSockets from one address; for IPv6, from one /64
    #[arg(long, env = "VISIO_MAX_CONNECTIONS_PER_IP", value_name = "N")]
    #[arg(default_value_t = MAX_CONNECTIONS_PER_IP)]
    max_connections_per_ip: u32,

    /// New connections per second from one address, on average, 0 for no limit. In a burst there
    /// may be 100 more than --max-connections-per-ip; if that is 0, there is no limit
    #[arg(long, env = "VISIO_CONNECTION_RATE", value_name = "N", default_value_t = CONNECTION_RATE)]
    connection_rate: u32,

    /// Network or address of a proxy whose X-Forwarded-For the server trusts, such as 10.0.0.0/8;
    /// repeatable, or a comma-separated list [default: none]
    #[arg(long, env = "VISIO_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,

    /// Messages per second that one connection may send on average
    #[arg(long, env = "VISIO_MESSAGE_RATE", value_name = "N", default_value_t = MESSAGE_RATE)]
    message_rate: u32,

    /// Messages that one connection may send in a burst
    #[arg(long, env = "VISIO_MESSAGE_BURST", value_name = "N", default_value_t = MESSAGE_BURST)]
    message_burst: u32,

    /// Bytes per second that one connection may send on average, counted at the socket. It is also
    /// the limit on what one peer, over all its connections, may cause another peer to receive
    #[arg(long, env = "VISIO_BYTE_RATE", value_name = "BYTES", default_value_t = BYTE_RATE)]
    byte_rate: u32,

    /// Bytes that one connection may send in a burst [default: half of the queue for one client:
    /// 262144, or more if rooms have more seats or messages may be larger]
    #[arg(long, env = "VISIO_BYTE_BURST", value_name = "BYTES")]
    byte_burst: Option<u32>,

    /// Seconds of silence after which a client is pinged, 1 to 3600. After twice as many the
    /// connection is closed
    #[arg(long, env = "VISIO_HEARTBEAT_SECONDS", value_name = "SECONDS")]
    #[arg(default_value_t = Rules::DEFAULT.heartbeat_seconds)]
    #[arg(value_parser = value_parser!(u64).range(1..=3600))]
    heartbeat_seconds: u64,

    /// Append one line of JSON for each event of a visit to this file; - is standard output
    #[arg(long, env = "VISIO_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,

    /// Seconds for which a peer that lost its connection keeps its seat, or its place in the lobby,
    /// 0 to 600; 0 ends the seat with its connection
    #[arg(long, env = "VISIO_GRACE_SECONDS", value_name = "SECONDS")]
    #[arg(default_value_t = Rules::DEFAULT.grace_seconds)]
    #[arg(value_parser = value_parser!(u16).range(..=i64::from(Rules::MOST_GRACE_SECONDS)))]
    grace_seconds: u16,

    /// Address and port for /metrics alone; without it, /metrics is on the main port
    #[arg(long, env = "VISIO_METRICS_LISTEN", value_name = "ADDR")]
    metrics_listen: Option<Listen>,

    /// Seconds that clients have to reconnect elsewhere after Ctrl-C or SIGTERM, 0 to 3600
    #[arg(long, env = "VISIO_DRAIN_SECONDS", value_name = "SECONDS")]
    #[arg(default_value_t = DRAIN_SECONDS)]
    #[arg(value_parser = value_parser!(u64).range(0..=3600))]
    drain_seconds: u64,

    /// Region that /health reports
    #[arg(long, env = "VISIO_REGION", value_name = "NAME", default_value = REGION)]
    region: String,

    /// Service name that /health reports
    #[arg(long, env = "VISIO_SERVICE_NAME", value_name = "NAME")]
    #[arg(default_value = SERVICE_NAME)]
    service_name: String,
}

/// What the server runs on.
#[derive(Debug, Clone)]
pub struct Config {
    /// The rules that decisions depend on.
    pub rules: Rules,
    /// Verifies visit tokens.
    pub gatekeeper: Gatekeeper,
    /// The file with the gatekeeper's keys, which can be reloaded.
    pub key_file: Option<Arc<KeyFile>>,
    /// The STUN and TURN servers that clients are told of.
    pub ice: Arc<IceServers>,
    /// The certificate, if the server uses TLS.
    pub tls: Option<Arc<Tls>>,
    /// The audit log.
    pub audit: Option<Arc<Audit>>,
    /// The origins of pages that may connect; empty for any.
    pub allowed_origins: Vec<String>,
    /// The visit page.
    pub page: PageConfig,
    /// The largest message, in bytes.
    pub max_message_bytes: usize,
    /// The most open WebSockets; 0 for no limit.
    pub max_connections: usize,
    /// The most open WebSockets from one address; 0 for no limit.
    pub max_connections_per_ip: usize,
    /// New connections per second from one address; 0 for no limit.
    pub connection_rate: u32,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Messages per second and connection; 0 for no limit.
    pub message_rate: u32,
    /// Messages in a burst; 0 for no limit.
    pub message_burst: u32,
    /// Bytes per second and connection; 0 for no limit.
    pub byte_rate: u32,
    /// Bytes in a burst; 0 for no limit.
    pub byte_burst: u32,
    /// How long a connection has to join before it is closed.
    pub join_timeout: Duration,
    /// The most messages that may wait for one client.
    pub queue_messages: usize,
    /// The most bytes that may wait for one client.
    pub queue_bytes: usize,
    /// Where `/metrics` is, if not on the main port.
    pub metrics_listen: Option<Addresses>,
    /// How long a drain may take.
    pub drain: Duration,
    /// The service that `/health` reports.
    pub service: Service,
}

/// Variables that may not be set and empty, because each turns on a protection or a record that
/// somebody relies on. Any other empty variable counts as not set, because that is what a template
/// makes of a setting that nobody filled in.
pub const NEVER_EMPTY: [&str; 9] = [
    "VISIO_ALLOWED_ORIGIN",
    "VISIO_AUDIT",
    "VISIO_JWKS",
    "VISIO_JWT_AUDIENCE",
    "VISIO_JWT_PUBLIC_KEY",
    "VISIO_JWT_SECRET",
    "VISIO_RELAY_ONLY",
    "VISIO_TLS_CERT",
    "VISIO_TLS_KEY",
];

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Flags {
    /// Checks the flags and turns them into the addresses to listen on and the configuration.
    pub fn resolve(self) -> Result<(Addresses, Config), ConfigError> {
        let listen = match (self.listen, self.port) {
            (Some(listen), _) => listen.resolve()?,
            (None, Some(port)) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into(),
            (None, None) => LOOPBACK.into(),
        };
        let (gatekeeper, key_file) = self.keys.resolve()?;
        if let (true, false, Some(public)) = (gatekeeper.is_open(), self.open, listen.public()) {
            return Err(ConfigError::OpenToThePublic(listen.to_string(), public));
        }
        let ice = self.ice.resolve().map_err(ConfigError::Ice)?;
        let queue_bytes = QUEUE_BYTES
            .max(queue_bytes(self.max_peers_per_room.into()))
            .max(4 * self.max_message_bytes as usize);
        let config = Config {
            rules: Rules {
                max_peers_per_room: self.max_peers_per_room,
                heartbeat_seconds: self.heartbeat_seconds,
                grace_seconds: self.grace_seconds,
                turn_ttl: ice.ttl(),
                ..Rules::DEFAULT
            },
            page: self.page.resolve(!gatekeeper.is_open())?,
            gatekeeper,
            key_file,
            ice,
            tls: tls(self.tls_cert, self.tls_key)?,
            audit: self.audit.as_deref().map(audit).transpose()?,
            allowed_origins: origins(&self.allowed_origin)?,
            max_message_bytes: self.max_message_bytes as usize,
            max_connections: self.max_connections as usize,
            max_connections_per_ip: self.max_connections_per_ip as usize,
            connection_rate: self.connection_rate,
            trusted_proxies: self.trusted_proxy,
            message_rate: self.message_rate,
            message_burst: self.message_burst,
            byte_rate: self.byte_rate,
            byte_burst: self.byte_burst.unwrap_or_else(|| byte_burst(queue_bytes)),
            queue_bytes,
            metrics_listen: self.metrics_listen.map(Listen::resolve).transpose()?,
            drain: Duration::from_secs(self.drain_seconds),
            service: Service { name: self.service_name, region: self.region, version: VERSION },
            ..Config::default()
        };
        Ok((listen, config))
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            gatekeeper: Gatekeeper::default(),
            key_file: None,
            ice: Arc::default(),
            tls: None,
            audit: None,
            allowed_origins: Vec::new(),
            page: PageConfig::default(),
            max_message_bytes: MAX_MESSAGE_BYTES as usize,
            max_connections: MAX_CONNECTIONS as usize,
            max_connections_per_ip: MAX_CONNECTIONS_PER_IP as usize,
            connection_rate: CONNECTION_RATE,
            trusted_proxies: Vec::new(),
            message_rate: MESSAGE_RATE,
            message_burst: MESSAGE_BURST,
            byte_rate: BYTE_RATE,
            byte_burst: byte_burst(QUEUE_BYTES),
            join_timeout: Duration::from_secs(30),
            queue_messages: 1024,
            queue_bytes: QUEUE_BYTES,
            metrics_listen: None,
            drain: Duration::from_secs(DRAIN_SECONDS),
            service: Service { name: SERVICE_NAME.into(), region: REGION.into(), version: VERSION },
        }
    }
}

fn tls(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Arc<Tls>>, TlsError> {
    let files = cert.zip(key);
    files.map(|(cert, key)| Tls::load(cert, key).map(Arc::new)).transpose()
}

/// Parses the list of origins. An empty list is refused, because that is what a template makes of a
/// variable that somebody forgot. It must not let every page connect by mistake.
fn origins(typed: &[String]) -> Result<Vec<String>, ConfigError> {
    let mut texts = typed.iter().filter(|text| !text.trim().is_empty()).peekable();
    if !typed.is_empty() && texts.peek().is_none() {
        return Err(ConfigError::NoOrigin);
    }
    texts.map(|text| origin(text)).collect()
}

fn audit(path: &Path) -> Result<Arc<Audit>, ConfigError> {
    let failed = |error: std::io::Error| ConfigError::Audit(path.into(), error.to_string());
    Audit::open(path).map(Arc::new).map_err(failed)
}

fn origin(text: &str) -> Result<String, ConfigError> {
    origin::parse(text).ok_or_else(|| ConfigError::NotAnOrigin(text.trim().into()))
}

#[cfg(test)]
mod tests;
