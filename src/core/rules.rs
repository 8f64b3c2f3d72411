//! What the operator decides.

/// The settings that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Seats in a room.
    pub max_peers_per_room: u16,
    /// For how long an admission, or a place in the lobby, outlives its connection.
    pub grace_seconds: u64,
    /// How often the server pings, in seconds; clients are told.
    pub heartbeat_seconds: u64,
}

impl Rules {
    /// What holds unless an operator says otherwise.
    pub const DEFAULT: Self =
        Self { max_peers_per_room: 16, grace_seconds: 20, heartbeat_seconds: 25 };

    /// The most seats that an operator can give a room. A mesh of video calls ends long before.
    pub const MOST_PEERS_PER_ROOM: u16 = 256;
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}
