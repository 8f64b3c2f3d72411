//! A peer's place in a room.

use serde::{Deserialize, Serialize};

use super::key::Keys;
use super::presence::{Away, Presence};
use super::{ConnectionId, Grant};
use crate::wire::{DisplayName, Metadata, PeerId, PeerInfo, Role, Timestamp};

/// A peer's place in a room: a seat, or a place in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The peer that sits or waits here.
    #[serde(rename = "p")]
    pub peer: PeerId,
    /// Whether the peer is connected. One that waits in the lobby always is.
    #[serde(rename = "c")]
    pub presence: Presence,
    /// What resumes the seat. A place in the lobby cannot be resumed.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// What the person is called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What it may do.
    #[serde(rename = "r", alias = "o")]
    pub role: Role,
    /// When it sat down, or began to wait.
    #[serde(rename = "t", alias = "s")]
    pub since: Timestamp,
    /// What it wants the others to know.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// When its token ends; `None` in open mode.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// All its media must go through a TURN server.
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub relay_only: bool,
    /// When it is to be told of new ICE servers, if it is here then.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub next_ice: Option<Timestamp>,
}

impl Seat {
    /// Whether it may do what hosts do.
    pub(super) fn hosts(&self) -> bool {
        matches!(self.role, Role::Host | Role::Admin)
    }

    /// The connection by which the peer is here.
    pub const fn here(&self) -> Option<&ConnectionId> {
        match &self.presence {
            Presence::Here(conn) => Some(conn),
            Presence::Away(_) => None,
        }
    }

    /// What is known of a peer that has lost its connection.
    pub(super) const fn away(&self) -> Option<&Away> {
        match &self.presence {
            Presence::Here(_) => None,
            Presence::Away(away) => Some(away),
        }
    }

    /// Notes that the client is known to have its last resume token.
    pub(super) fn note_heard(&mut self) {
        if self.away().is_none_or(Away::was_heard)
            && let Some(keys) = &mut self.keys
        {
            keys.forget_before();
        }
    }

    /// When the token of the seat is no longer valid.
    pub(super) fn over_after(&self) -> Option<Timestamp> {
        self.expires_at.map(Grant::over_after)
    }

    /// When the seat ends by itself.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let grace = self.away().map(|away| away.until);
        self.over_after().into_iter().chain(grace).min()
    }

    /// When the peer is to be told of new ICE servers.
    pub(super) fn ice_due(&self) -> Option<Timestamp> {
        self.next_ice.filter(|_| self.here().is_some())
    }

    /// Whether it was taken without a token.
    pub(super) fn is_open(&self) -> bool {
        self.expires_at.is_none()
    }

    pub(super) fn info(&self) -> PeerInfo {
        PeerInfo {
            peer_id: self.peer.clone(),
            display_name: self.name.clone(),
            role: self.role,
            joined_at: self.since,
            away: self.away().is_some(),
            metadata: self.metadata.clone(),
        }
    }
}
