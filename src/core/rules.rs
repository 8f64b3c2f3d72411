//! What the operator decides.

use std::time::Duration;

use super::presence::UnreadBounds;
use crate::wire::Timestamp;

/// The settings that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Seats in a room.
    pub max_peers_per_room: u16,
    /// How long a seat, or a place in the lobby, outlives its connection.
    pub grace_seconds: u16,
    /// How much may wait for peers that are away.
    pub unread: UnreadBounds,
    /// How long the TURN credentials of a client last; `None`: they do not end.
    pub turn_ttl: Option<Duration>,
    /// How often the server pings, in seconds; clients are told.
    pub heartbeat_seconds: u64,
}

impl Rules {
    /// What holds unless an operator says otherwise.
    pub const DEFAULT: Self = Self {
        max_peers_per_room: 16,
        grace_seconds: 20,
        unread: UnreadBounds { messages: 64, bytes: 64 * 1024, bytes_in_room: 256 * 1024 },
        turn_ttl: None,
        heartbeat_seconds: 25,
    };

    /// The longest grace time that an operator can give, in seconds.
    pub const MOST_GRACE_SECONDS: u16 = 600;

    /// The most seats that an operator can give a room. A mesh of video calls ends long before.
    pub const MOST_PEERS_PER_ROOM: u16 = 256;
}

impl Rules {
    /// When a client that is told of ICE servers at `now` is to be told of new ones. Half of the
    /// time is left then, because a call that restarts ICE needs credentials that last.
    pub(super) fn next_ice(&self, now: Timestamp) -> Option<Timestamp> {
        self.turn_ttl.map(|ttl| now.after(ttl / 2))
    }

    /// How long a seat outlives its connection.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds.into())
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}
