//! The lobby: peers that wait to be let in.

use serde::{Deserialize, Serialize};

use super::{ConnectionId, Room, Seat, Session};
use crate::wire::{DisplayName, Knocker, Metadata, PeerId, Role, ServerMessage, Timestamp};

/// Somebody in the lobby: in no roster, and heard by nobody but the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who waits.
    #[serde(rename = "p")]
    pub peer: PeerId,
    /// By which connection.
    #[serde(rename = "c")]
    pub conn: ConnectionId,
    /// What the person is called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What it wants the others to know, once it is among them.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What it will be once it is among them.
    #[serde(rename = "o", default)]
    pub role: Role,
    /// Since when it waits.
    #[serde(rename = "s")]
    pub since: Timestamp,
    /// When its token ends.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
}

impl Room {
    /// Who waits, in the order they came.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// What a host sees of the lobby.
    pub(super) fn lobby(&self) -> ServerMessage {
        let knocker = |waiting: &Waiting| Knocker {
            peer_id: waiting.peer.clone(),
            display_name: waiting.name.clone(),
            since: waiting.since,
        };
        ServerMessage::Lobby { waiting: self.waiting.iter().map(knocker).collect() }
    }

    pub(super) fn waiting_peer(&self, peer: &PeerId) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| waiting.peer == *peer)
    }

    /// The place in the lobby that the session claims, if its connection is the one that holds it.
    pub(super) fn waits(&self, who: &Session) -> Option<&Waiting> {
        self.waiting_peer(&who.peer).filter(|waiting| waiting.conn == who.conn)
    }

    /// Whether the session holds a seat, or a place in the lobby.
    pub fn holds(&self, who: &Session) -> bool {
        self.held_by(who).is_some() || self.waits(who).is_some()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Seat> {
        self.seats().iter().filter(|seat| seat.hosts())
    }

    /// The room after a place in the lobby was taken, in place of any that this peer had.
    pub(super) fn with_waiting(&self, waiting: Waiting) -> Self {
        let mut next = self.changed();
        next.seats.retain(|seat| seat.peer != waiting.peer);
        next.keep_word_alone(&waiting.peer);
        match next.waiting.iter_mut().find(|known| known.peer == waiting.peer) {
            Some(known) => *known = waiting,
            None => next.waiting.push(waiting),
        }
        next
    }
}
