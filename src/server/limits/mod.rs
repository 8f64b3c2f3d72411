//! What one client, one address and all of them together may ask of the server.

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

    /// Who sent a request with these `X-Forwarded-For` headers over a connection from `peer`.
    pub(super) fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> IpAddr {
        network::behind(peer, &self.trusted_proxies, forwarded_for)
    }

    /// A permit for a socket that was just accepted, whatever it is going to be. A proxy's sockets
    /// are many people's, so there is no address to count them by.
    pub(super) fn socket(&self, peer: IpAddr) -> Result<Permit, Crowded> {
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(peer));
        self.sockets.admit((!is_proxy).then_some(peer))
    }

    /// A permit for a WebSocket of this client.
    pub(super) fn websocket(&self, client: IpAddr) -> Result<Permit, Crowded> {
        self.websockets.admit(Some(client))
    }

    /// Counts a token that was not valid. Where there were too many from this address: how long
    /// whoever sent it shall wait before the next. A good token is not to be kept waiting for the
    /// bad ones of others behind the same address.
    pub(super) fn failed_token(&self, from: IpAddr) -> Result<(), Duration> {
        self.failed_tokens.count(from, Instant::now())
    }
}
