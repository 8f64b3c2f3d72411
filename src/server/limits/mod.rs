//! The limits on one client, on one address, and on all clients together.

mod accounts;
mod admission;
mod failures;
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
use failures::Failures;

/// The limits that connections share.
#[derive(Debug)]
pub(super) struct Limits {
    trusted_proxies: Vec<Network>,
    sockets: Arc<Admission>,
    websockets: Arc<Admission>,
    failed_tokens: Failures,
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
        let sockets = Admission::new(most, most_per_ip).with_spare_permits();
        Self {
            trusted_proxies: config.trusted_proxies.clone(),
            sockets: Arc::new(sockets),
            websockets: Arc::new(Admission::new(most, most_per_ip)),
            failed_tokens: Failures::default(),
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
}
