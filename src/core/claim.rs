//! Who speaks.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Grant;
use crate::wire::{JoinDefaults, PeerId, RoomId};

/// Names one WebSocket connection. The runtime chooses it; clients never see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(Arc<str>);

impl ConnectionId {
    /// Takes the runtime's own name of a connection.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl Serialize for ConnectionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ConnectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A connection and the seat it claims. Whether it holds that seat is for the room to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The connection that speaks.
    pub conn: ConnectionId,
    /// The room it speaks in.
    pub room: RoomId,
    /// The peer it says it is.
    pub peer: PeerId,
}

/// What the edge keeps of a connection between two of its messages.
#[derive(Debug)]
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// What its URL said.
    pub defaults: JoinDefaults,
    /// What its last good token says, from the handshake or from a `join`.
    pub grant: Option<Grant>,
    /// The seat it took, as far as it knows.
    pub claim: Option<Claim>,
    /// Whether it has sent a message yet: the first one may bring a join along.
    pub spoke: bool,
}

impl Connection {
    /// A connection that was just opened.
    pub const fn new(id: ConnectionId, defaults: JoinDefaults) -> Self {
        Self { id, defaults, grant: None, claim: None, spoke: false }
    }
}
