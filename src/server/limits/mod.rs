//! The limits on one client, on one address, and on all clients together.

mod accounts;
mod admission;
mod by_address;
mod files;
mod rate;

pub(super) use accounts::{Account, Accounts};
pub(super) use admission::{Admission, Crowded, Permit};
pub use files::{fewest_open_files, most_connections};
pub(super) use rate::{RateLimiter, Rates, Verdict};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::server::config::Config;
use crate::server::network::{self, Network};
use by_address::ByAddress;

/// The short connections beside WebSockets that one address may open in a burst.
const SHORT: usize = 100;
/// The invalid tokens that one address may send: a second, and in a burst. Only failures are
/// limited, not attempts: a whole clinic may share one address, and a page from yesterday that
/// keeps retrying must not lock a colleague out. After too many failures, somebody who guesses
/// tokens learns nothing more, and needs a new connection for every guess.
const FAILED_TOKENS: (f64, f64) = (1.0 / 3.0, 20.0);

/// The limits that connections share.
#[derive(Debug)]
pub(super) struct Limits {
    trusted_proxies: Vec<Network>,
    sockets: Arc<Admission>,
    websockets: Arc<Admission>,
    failed_tokens: ByAddress,
    new_connections: ByAddress,
    pub(super) rates: Rates,
    pub(super) accounts: Arc<Accounts>,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        let (most, most_per_ip) = (config.max_connections, config.max_connections_per_ip);
        let rates = Rates {
            messages: (config.message_rate, config.message_burst),
            bytes: (config.byte_rate, config.byte_burst),
        };
        // An operator who lifts the limit on connections from one address means new ones too.
        let a_second = if most_per_ip == 0 { 0 } else { config.connection_rate };
        let sockets = Admission::new(most, most_per_ip).with_spare_permits();
        Self {
            trusted_proxies: config.trusted_proxies.clone(),
            sockets: Arc::new(sockets),
            websockets: Arc::new(Admission::new(most, most_per_ip)),
            failed_tokens: ByAddress::new(FAILED_TOKENS.0, FAILED_TOKENS.1),
            new_connections: ByAddress::new(a_second.into(), (most_per_ip + SHORT) as f64),
            rates,
            accounts: Arc::new(Accounts::new(rates)),
        }
    }

    /// The client that sent a request with these `X-Forwarded-For` headers, over a connection from
    /// `peer`.
    pub(super) fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        network::behind(peer, &self.trusted_proxies, forwarded_for)
    }

    /// A permit for an accepted socket. A proxy's sockets carry many clients, so they are not
    /// counted by address.
    pub(super) fn socket(&self, peer: IpAddr) -> Result<Permit, Crowded> {
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(peer));
        if !is_proxy && self.new_connections.admit(peer, Instant::now()).is_err() {
            return Err(Crowded::Address);
        }
        self.sockets.admit((!is_proxy).then_some(peer))
    }

    /// A permit for a WebSocket from this client.
    pub(super) fn websocket(&self, client: IpAddr) -> Result<Permit, Crowded> {
        self.websockets.admit(Some(client))
    }

    /// Counts an invalid token. `Err` means too many came from this address, and says how long to
    /// wait. A valid token never has to wait for the invalid ones of others behind the same
    /// address.
    pub(super) fn failed_token(&self, from: IpAddr) -> Result<(), Duration> {
        self.failed_tokens.count(from, Instant::now())
    }

    /// How long an address that has sent too many invalid tokens has to wait.
    pub(super) fn failed_tokens(&self, from: IpAddr) -> Option<Duration> {
        self.failed_tokens.wait(from, Instant::now())
    }
}
