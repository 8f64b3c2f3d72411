//! The lobby: peers that wait to be let in.

use super::{Claim, Room, Seat};
use crate::wire::{Knocker, PeerId, ServerMessage};

impl Room {
    /// Peers that wait, in the order they came. They are in no roster, and only hosts hear them.
    pub fn waiting(&self) -> &[Seat] {
        &self.waiting
    }

    /// What a host sees of the lobby.
    pub(super) fn lobby(&self) -> ServerMessage {
        let knocker = |waiting: &Seat| Knocker {
            peer_id: waiting.peer.clone(),
            display_name: waiting.name.clone(),
            since: waiting.since,
        };
        ServerMessage::Lobby {
            room_id: self.id().clone(),
            version: self.version(),
            waiting: self.waiting.iter().map(knocker).collect(),
        }
    }

    pub(super) fn waiting_peer(&self, peer: &PeerId) -> Option<&Seat> {
        self.waiting.iter().find(|waiting| waiting.peer == *peer)
    }

    /// The claimed place in the lobby, if this connection holds it.
    pub(super) fn waits(&self, who: &Claim) -> Option<&Seat> {
        self.waiting_peer(&who.peer).filter(|waiting| waiting.here() == Some(&who.conn))
    }

    /// Whether the connection holds what it claims: a seat, or a place in the lobby.
    pub fn holds(&self, who: &Claim) -> bool {
        self.held_by(who).is_some() || self.waits(who).is_some()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Seat> {
        self.seats().iter().filter(|seat| seat.hosts())
    }

    pub(super) fn has_host(&self) -> bool {
        self.hosts().next().is_some()
    }

    /// The room after a place in the lobby was taken, in place of any that this peer had.
    pub(super) fn with_waiting(&self, waiting: Seat) -> Self {
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
