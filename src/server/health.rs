//! The server's own health: a [visit](crate::health_check::visit) to its own listener.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::ServerName;
use tracing::warn;
use uuid::Uuid;

use super::now;
use crate::health::{Check, Report, Took};
use crate::health_check::cached::Cached;
use crate::health_check::pass::Pass;
use crate::health_check::timed;
use crate::health_check::turn::{Trouble, TurnServers};
use crate::health_check::visit::{Dial, Entrance, Stream, Uri, connect};
use crate::server::config::Config;
use crate::server::tls::Tls;
use crate::wire::{IceUrl, PeerId, RoomId, Token};

/// How long the check's visit may take. Its two peers and the server are on the same machine.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs one check at a time, and at most one in ten seconds.
pub(super) struct HealthCheck {
    entrance: Entrance<OwnDoor>,
    turn_servers: Option<TurnServers>,
    last: Cached<Report>,
}

impl HealthCheck {
    /// A check of the server that listens on `address`, with a pass that it accepts.
    pub(super) fn new(address: SocketAddr, config: &Config, pass: Pass) -> Self {
        let tls = config.tls.clone();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/ws", reachable(address));
        let entrance = Entrance::new(&url, OwnDoor { tls, pass });
        Self {
            entrance: entrance.expect("an address makes a URL"),
            turn_servers: TurnServers::new(&config.ice).expect("ring has what TLS needs"),
            last: Cached::new(now),
        }
    }

    /// The last report, or a new one if that is too old.
    pub(super) async fn report(&self) -> Report {
        self.last.or_find(self.check()).await
    }

    async fn check(&self) -> Report {
        let visit = timed(self.entrance.visit(PATIENCE));
        let ((visit, visit_took), (turn_servers, turn_took)) =
            tokio::join!(visit, timed(self.turn_servers()));
        if let Err(failure) = &visit {
            warn!(%failure, "the health check's own visit failed");
        }
        let took = Took { visit: visit_took, turn_servers: turn_took };
        let report = Report::of_visit(visit, Check::Operational, now());
        Report { turn_servers, took, ..report }
    }

    async fn turn_servers(&self) -> Check {
        let Some(servers) = &self.turn_servers else { return Check::NotConfigured };
        let complain = |url: &IceUrl, trouble: &Trouble| {
            warn!(?url, %trouble, "a STUN or TURN server does not do what visits need");
        };
        servers.check(now(), complain).await
    }
}

/// Creates a pass whose secret never leaves this process.
pub(super) fn own_pass() -> Pass {
    let secret = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    Pass::new(&secret).expect("two UUIDs are long enough")
}

/// Connects the same way as clients do: through TLS if there is a certificate. The connection
/// trusts only that certificate, whatever name is in it, and only while it is valid. So the check
/// fails once the certificate has expired.
struct OwnDoor {
    tls: Option<Arc<Tls>>,
    pass: Pass,
}

impl Dial for OwnDoor {
    async fn dial(&self, to: &Uri) -> io::Result<Box<dyn Stream>> {
        let stream = connect(to).await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::IpAddress(stream.peer_addr()?.ip().into());
        Ok(Box::new(tls.own_connector().connect(name, stream).await?))
    }

    fn token(&self, room: &RoomId, peer: &PeerId) -> Option<Token> {
        self.pass.token(room, peer, now())
    }
}

/// The address to connect to. A wildcard address becomes loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
