//! The conformance suite on the standalone server, on a free port of this machine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod standalone;

use std::net::SocketAddr;
use std::sync::Arc;

use conformance::{Profile, Runtime, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use visio_signaling::core::Rules;
use visio_signaling::ice::minted_with;
use visio_signaling::server;
use visio_signaling::server::config::Config;
use visio_signaling::server::memory::MemoryRegistry;
use visio_signaling::token::{Gatekeeper, Keys};

/// A server within this process.
struct Standalone {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Runtime for Standalone {
    const PROFILE: Profile = Profile {
        ordered: true,
        close_codes: true,
        explains_bad_frames: true,
        explains_refusals: true,
        hears_bare_pings: true,
        heartbeat_seconds: None,
        idle_limit: None,
        age_limit: None,
        join_timeout: true,
        limits_rates: true,
        limits_connections: true,
        closes_slow_clients: true,
        keeps_unread: true,
        lists_rooms: true,
        ways_in: &["/", "/ws"],
        one_address: true,
        ends_by_itself: true,
        serves_page: true,
    };

    async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ice = settings.ice.resolve(minted_with).expect("good settings");
        let config = Config {
            rules: Rules {
                turn_ttl: ice.ttl(),
                max_peers_per_room: settings.max_peers_per_room.try_into().expect("a few seats"),
                heartbeat_seconds: settings.heartbeat.as_secs(),
                grace_seconds: settings.grace.as_secs().try_into().expect("a few seconds"),
                ..Rules::default()
            },
            ice: Arc::new(ice),
            gatekeeper: gatekeeper(settings.jwt_secret),
            allowed_origins: settings.allowed_origins,
            max_message_bytes: settings.max_message_bytes,
            max_connections: settings.max_connections,
            max_connections_per_ip: settings.max_connections_per_ip,
            message_rate: settings.message_rate,
            message_burst: settings.message_burst,
            byte_rate: settings.byte_rate,
            byte_burst: settings.byte_burst,
            join_timeout: settings.join_timeout,
            ..Config::default()
        };
        let task = tokio::spawn(async move {
            let registry = MemoryRegistry::default();
            let forever = std::future::pending();
            server::serve(listener, config, registry, forever).await.expect("a server");
        });
        Self { address, task }
    }

    fn websocket_url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    fn http_address(&self) -> String {
        self.address.to_string()
    }
}

fn gatekeeper(secret: Option<&str>) -> Gatekeeper {
    let keys = secret.map(|secret| Keys::from_secret(secret).expect("a long secret"));
    keys.map_or_else(Gatekeeper::default, |keys| keys.gatekeeper(None))
}

impl Drop for Standalone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

every_scenario!(Standalone);
