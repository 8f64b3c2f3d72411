//! What the operator decides.

/// The settings that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Seats in a room.
    pub max_peers_per_room: usize,
    /// For how long an admission, or a place in the lobby, outlives its connection.
    pub grace_seconds: u64,
    /// How often the server pings, in seconds; clients are told.
    pub heartbeat_seconds: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_peers_per_room: 16, grace_seconds: 20, heartbeat_seconds: 25 }
    }
}
