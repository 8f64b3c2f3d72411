//! The contract, as a client sees it: scenarios that speak only the wire.
//!
//! One file a behaviour, one list. A runtime is a type that implements [`Runtime`];
//! [`every_scenario!`] makes a test of each over it, so no runtime can skip one unnoticed. What a
//! scenario needs to be set differently from the defaults, it says in its [`Settings`].

pub mod client;

pub mod joining;

use std::time::Duration;

/// How the server under test is to be set up. The defaults are those of the contract, but for the
/// limits that would get in the way of fast tests.
#[derive(Debug, Clone)]
pub struct Settings {
    pub max_peers_per_room: usize,
    pub max_message_bytes: usize,
    pub max_connections: usize,
    pub max_connections_per_ip: usize,
    pub message_rate: u32,
    pub message_burst: u32,
    pub heartbeat: Duration,
    pub join_timeout: Duration,
    pub allowed_origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_peers_per_room: 16,
            max_message_bytes: 32_768,
            max_connections: 0,
            max_connections_per_ip: 0,
            message_rate: 0,
            message_burst: 0,
            heartbeat: Duration::from_secs(25),
            join_timeout: Duration::from_secs(30),
            allowed_origins: Vec::new(),
        }
    }
}

/// Something that speaks the protocol.
pub trait Runtime {
    /// Starts one of its own for a scenario; it ends when dropped.
    async fn start(settings: Settings) -> Self;

    /// `ws://host:port/ws`
    fn websocket_url(&self) -> String;

    /// `host:port` of its HTTP side.
    fn http_address(&self) -> String;
}

/// The list: a test of every scenario, over the runtime that is named.
#[macro_export]
macro_rules! every_scenario {
    ($runtime:ident) => {
        $crate::scenarios! { $runtime;
            joining:
                the_first_peer_finds_an_empty_room,
                the_second_peer_sees_the_first_and_is_seen_by_it;
        }
    };
}

/// Turns the list into tests.
#[macro_export]
macro_rules! scenarios {
    ($runtime:ident; $($behaviour:ident: $($scenario:ident),+;)+) => {
        $(mod $behaviour {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                $crate::conformance::$behaviour::$scenario::<super::$runtime>().await;
            })+
        })+
    };
}
