//! The server's own health: a [visit](crate::health::visit) to its own listener.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tracing::warn;

use super::now;
use crate::health::kept::Kept;
use crate::health::visit::{Entrance, Plain};
use crate::health::{Check, Report};

/// How long a visit of two peers on the same machine may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the check, at most once at a time and once in ten seconds.
pub(super) struct Prober {
    entrance: Entrance<Plain>,
    last: Kept<Report>,
}

impl Prober {
    /// A prober of the server that listens on `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        let url = format!("ws://{}/ws", reachable(address));
        let entrance = Entrance::new(&url, Plain);
        Self { entrance: entrance.expect("an address makes a URL"), last: Kept::new(now) }
    }

    /// The last finding, or a new one.
    pub(super) async fn report(&self) -> Report {
        self.last.or_find(self.check()).await
    }

    async fn check(&self) -> Report {
        let visit = self.entrance.visit(PATIENCE).await;
        if let Err(failure) = &visit {
            warn!(%failure, "the health check's own visit failed");
        }
        Report::of_visit(visit, Check::Operational, now())
    }
}

/// A wildcard address is listened on, but not connected to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
