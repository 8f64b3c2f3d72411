//! How the server under test is set up.

use std::time::Duration;

use visio_signaling::ice::IceSettings;

/// Settings of the server under test. The defaults are those of the contract, except for limits
/// that would get in the way of fast tests.
#[derive(Debug, Clone)]
pub struct Settings {
    pub max_peers_per_room: usize,
    pub max_message_bytes: usize,
    pub max_connections: usize,
    pub max_connections_per_ip: usize,
    pub message_rate: u32,
    pub message_burst: u32,
    pub byte_rate: u32,
    pub byte_burst: u32,
    pub heartbeat: Duration,
    /// None unless a scenario is about it, so that the end of a connection is the end of its seat.
    pub grace: Duration,
    pub join_timeout: Duration,
    pub allowed_origins: Vec<String>,
    /// The STUN and TURN servers that clients are told of.
    pub ice: IceSettings,
    /// If set, clients need a token signed with this.
    pub jwt_secret: Option<&'static str>,
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
            byte_rate: 0,
            byte_burst: 0,
            heartbeat: Duration::from_secs(25),
            grace: Duration::ZERO,
            join_timeout: Duration::from_secs(30),
            allowed_origins: Vec::new(),
            ice: IceSettings::NONE,
            jwt_secret: None,
        }
    }
}
