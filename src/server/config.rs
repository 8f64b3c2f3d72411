//! The settings of the standalone server: what was typed, and what it means.
//!
//! [`Flags`] is the command line, with an environment variable behind each flag. [`Config`] is
//! what the server runs on. The step between them happens once, and after it nothing parses,
//! defaults or checks again.

mod keys;
mod listen;
mod token;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};

use crate::core::Rules;
use crate::health::words::Service;
use crate::origin;
use crate::server::audit::Audit;
use crate::server::network::Network;
use crate::server::tls::{Tls, TlsError};
use crate::token::Gatekeeper;

pub use keys::{KeyError, KeyFile, KeyFlags};
pub use listen::{Addresses, Listen};
pub use token::TokenFlags;

// What holds where a flag is not given.
const MAX_MESSAGE_BYTES: u32 = 32_768;
const MAX_CONNECTIONS: u32 = 100_000;
const MAX_CONNECTIONS_PER_IP: u32 = 1000;
const MESSAGE_RATE: u32 = 50;
const MESSAGE_BURST: u32 = 200;
const BYTE_RATE: u32 = 65_536;
const DRAIN_SECONDS: u64 = 30;
const REGION: &str = "local";
const SERVICE_NAME: &str = "visio-conference";

/// `visio serve`, as typed. For the limits on connections and rates, 0 means no limit.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Address or name, and port, to listen on; port 0 picks one. Of a name with several addresses
    /// the first that can be bound is taken. Without it, PORT alone means 0.0.0.0:PORT
    #[arg(long, env = "VISIO_LISTEN", value_name = "ADDR")]
    listen: Option<Listen>,

    /// The platform's choice of a port, as on Heroku, Fly or Cloud Run
    #[arg(long, env = "PORT", hide = true)]
    port: Option<u16>,

    /// Let strangers in: serve without visit tokens on an address that is not loopback
    #[arg(long, env = "VISIO_OPEN", value_parser = BoolishValueParser::new())]
    open: bool,

    #[command(flatten)]
    keys: KeyFlags,

    /// Certificate to show, then those of its issuers, in PEM: serve https and wss. Read again on
    /// SIGHUP
    #[arg(long, env = "VISIO_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's key, in PEM, without a passphrase
    #[arg(long, env = "VISIO_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Origin of a page that may connect and poll /health, such as `https://clinic.example`;
    /// repeatable, comma separated in the variable [default: any]
    #[arg(long, env = "VISIO_ALLOWED_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    allowed_origin: Vec<String>,

    /// Seats in a room, 1 to 256
    #[arg(long, env = "VISIO_MAX_PEERS_PER_ROOM", value_name = "N")]
    #[arg(default_value_t = Rules::DEFAULT.max_peers_per_room)]
    #[arg(value_parser = value_parser!(u16).range(1..=i64::from(Rules::MOST_PEERS_PER_ROOM)))]
    max_peers_per_room: u16,

    /// Largest message, in bytes, 1024 to 1048576
    #[arg(long, env = "VISIO_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value_t = MAX_MESSAGE_BYTES)]
    #[arg(value_parser = value_parser!(u32).range(1024..=1_048_576))]
    max_message_bytes: u32,

    /// Open WebSockets in all; of all sockets there may be an eighth more. It is lowered, with a
    /// warning, to what the limit on open files allows
    #[arg(long, env = "VISIO_MAX_CONNECTIONS", value_name = "N", default_value_t = MAX_CONNECTIONS)]
    max_connections: u32,

    /// Open WebSockets from one address; for IPv6, from one /64
    #[arg(long, env = "VISIO_MAX_CONNECTIONS_PER_IP", value_name = "N", default_value_t = MAX_CONNECTIONS_PER_IP)]
    max_connections_per_ip: u32,

    /// Network or address of a proxy whose X-Forwarded-For is believed, such as 10.0.0.0/8;
    /// repeatable, comma separated in the variable [default: none]
    #[arg(long, env = "VISIO_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,

    /// Messages a second that one connection may send on average
    #[arg(long, env = "VISIO_MESSAGE_RATE", value_name = "N", default_value_t = MESSAGE_RATE)]
    message_rate: u32,

    /// Messages that one connection may send at once
    #[arg(long, env = "VISIO_MESSAGE_BURST", value_name = "N", default_value_t = MESSAGE_BURST)]
    message_burst: u32,

    /// Bytes a second that one connection may send on average, all that a socket reads included; and
    /// that it, or its peer's other connections, may make one other receive
    #[arg(long, env = "VISIO_BYTE_RATE", value_name = "BYTES", default_value_t = BYTE_RATE)]
    byte_rate: u32,

    /// Bytes that one connection may send at once [default: half of what may wait for one client,
    /// which is 262144 or, with more seats or larger messages, more]
    #[arg(long, env = "VISIO_BYTE_BURST", value_name = "BYTES")]
    byte_burst: Option<u32>,

    /// Seconds of silence before a ping; after twice as many the connection is dead. 1 to 3600
    #[arg(long, env = "VISIO_HEARTBEAT_SECONDS", value_name = "SECONDS", default_value_t = Rules::DEFAULT.heartbeat_seconds)]
    #[arg(value_parser = value_parser!(u64).range(1..=3600))]
    heartbeat_seconds: u64,

    /// Write one line of JSON an event of a visit to this file; - is standard output
    #[arg(long, env = "VISIO_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,

    /// How long an admission, or a place in the lobby, outlives its connection
    #[arg(long, env = "VISIO_GRACE_SECONDS", default_value_t = Rules::DEFAULT.grace_seconds, value_parser = value_parser!(u64).range(0..=600))]
    grace_seconds: u64,

    /// Seconds that clients are given to move elsewhere on Ctrl-C or SIGTERM, 0 to 3600
    #[arg(long, env = "VISIO_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = DRAIN_SECONDS)]
    #[arg(value_parser = value_parser!(u64).range(0..=3600))]
    drain_seconds: u64,

    /// The region that /health names
    #[arg(long, env = "VISIO_REGION", value_name = "NAME", default_value = REGION)]
    region: String,

    /// The service that /health names
    #[arg(long, env = "VISIO_SERVICE_NAME", value_name = "NAME")]
    #[arg(default_value = SERVICE_NAME)]
    service_name: String,
}

/// What the server runs on.
#[derive(Debug, Clone)]
pub struct Config {
    /// What decisions depend on.
    pub rules: Rules,
    /// Who is let in.
    pub gatekeeper: Gatekeeper,
    /// The file that its keys are from, to be read again.
    pub key_file: Option<Arc<KeyFile>>,
    /// The certificate, where there is TLS.
    pub tls: Option<Arc<Tls>>,
    /// Where it is written down what happens in visits.
    pub audit: Option<Arc<Audit>>,
    /// Pages that may connect; empty for any.
    pub allowed_origins: Vec<String>,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Open WebSockets in all; 0 for no limit.
    pub max_connections: usize,
    /// Open WebSockets from one address; 0 for no limit.
    pub max_connections_per_ip: usize,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Messages a second and connection; 0 for no limit.
    pub message_rate: u32,
    /// Messages at once; 0 for no limit.
    pub message_burst: u32,
    /// Bytes a second and connection; 0 for no limit.
    pub byte_rate: u32,
    /// Bytes at once; 0 for no limit.
    pub byte_burst: u32,
    /// A connection that has not joined by then is closed.
    pub join_timeout: Duration,
    /// What may wait for one client, in messages.
    pub queue_messages: usize,
    /// What may wait for one client, in bytes.
    pub queue_bytes: usize,
    /// How long a drain may take.
    pub drain: Duration,
    /// Who `/health` says this is.
    pub service: Service,
}

/// A setting that makes no sense beside the others.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A key of visit tokens that will not do.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file that cannot be written to.
    #[error("--audit {0}: expected a file that can be appended to: {1}")]
    Audit(PathBuf, String),
    /// A certificate that will not do.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A name that stands for no address.
    #[error("--listen {0}: expected an address, or a name that resolves to an address: {1}")]
    Nowhere(String, String),
    /// Open mode on an address that strangers reach.
    #[error(
        "--listen {0}: refusing to listen on {1} in open mode: without visit tokens anybody who \
         reaches this address can join any visit. Three ways out: listen on a loopback address, such as \
         --listen 127.0.0.1:8080; or let in only who has a token, with --jwt-secret, \
         --jwt-public-key or --jwks; or let strangers in, with --open (VISIO_OPEN=true)"
    )]
    OpenToThePublic(String, SocketAddr),
    /// Something that is no origin.
    #[error(
        "--allowed-origin {0:?}: expected a scheme and a host with nothing after them, such as \
         https://clinic.example or http://localhost:3000"
    )]
    NotAnOrigin(String),
    /// A list that is there and empty.
    #[error(
        "--allowed-origin (VISIO_ALLOWED_ORIGIN) is set and names no origin: name those whose pages \
         may connect, or leave it out, if the pages of all sites may"
    )]
    NoOrigin,
}

/// Variables that are refused when they are there and empty, because each of them switches on a
/// protection or a record that somebody counts on. All others count as not set then: that is what
/// a template makes of a setting that nobody filled in.
pub const NEVER_EMPTY: [&str; 8] = [
    "VISIO_ALLOWED_ORIGIN",
    "VISIO_AUDIT",
    "VISIO_JWKS",
    "VISIO_JWT_AUDIENCE",
    "VISIO_JWT_PUBLIC_KEY",
    "VISIO_JWT_SECRET",
    "VISIO_TLS_CERT",
    "VISIO_TLS_KEY",
];

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Flags {
    /// Where to listen, and what to run on.
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
        let queue_bytes = queue_bytes(self.max_peers_per_room, self.max_message_bytes);
        let config = Config {
            rules: Rules {
                max_peers_per_room: self.max_peers_per_room,
                heartbeat_seconds: self.heartbeat_seconds,
                grace_seconds: self.grace_seconds,
                ..Rules::DEFAULT
            },
            gatekeeper,
            key_file,
            tls: tls(self.tls_cert, self.tls_key)?,
            audit: self.audit.as_deref().map(audit).transpose()?,
            allowed_origins: origins(&self.allowed_origin)?,
            max_message_bytes: self.max_message_bytes as usize,
            max_connections: self.max_connections as usize,
            max_connections_per_ip: self.max_connections_per_ip as usize,
            trusted_proxies: self.trusted_proxy,
            message_rate: self.message_rate,
            message_burst: self.message_burst,
            byte_rate: self.byte_rate,
            byte_burst: self.byte_burst.unwrap_or_else(|| byte_burst(queue_bytes)),
            queue_bytes,
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
            tls: None,
            audit: None,
            allowed_origins: Vec::new(),
            max_message_bytes: MAX_MESSAGE_BYTES as usize,
            max_connections: MAX_CONNECTIONS as usize,
            max_connections_per_ip: MAX_CONNECTIONS_PER_IP as usize,
            trusted_proxies: Vec::new(),
            message_rate: MESSAGE_RATE,
            message_burst: MESSAGE_BURST,
            byte_rate: BYTE_RATE,
            byte_burst: byte_burst(QUEUE_BYTES),
            join_timeout: Duration::from_secs(30),
            queue_messages: 1024,
            queue_bytes: QUEUE_BYTES,
            drain: Duration::from_secs(DRAIN_SECONDS),
            service: Service { name: SERVICE_NAME.into(), region: REGION.into(), version: VERSION },
        }
    }
}

/// What may wait for one client, at least.
const QUEUE_BYTES: usize = 512 * 1024;

/// What may wait for one client: a few of the largest messages, and the news of a room that fills
/// up at once, of which everyone is told with everybody's metadata.
fn queue_bytes(max_peers_per_room: u16, max_message_bytes: u32) -> usize {
    let news = usize::from(max_peers_per_room) * 32 * 1024;
    QUEUE_BYTES.max(news).max(4 * max_message_bytes as usize)
}

/// Half of what may wait for one client. So one peer alone cannot fill the queue of another at once,
/// which would then be closed for not reading: it is the sender who meets its limit first. There
/// are 16 KiB in it for every seat: an offer with all its candidates.
fn byte_burst(queue_bytes: usize) -> u32 {
    u32::try_from(queue_bytes / 2).unwrap_or(u32::MAX)
}

fn tls(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Arc<Tls>>, TlsError> {
    let files = cert.zip(key);
    files.map(|(cert, key)| Tls::load(cert, key).map(Arc::new)).transpose()
}

/// An empty list is what a template makes of a variable that somebody forgot. It lets nobody in by
/// mistake.
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
