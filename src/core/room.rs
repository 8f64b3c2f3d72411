//! A room and its seats.

use super::{ConnectionId, Session};
use crate::wire::{
    DisplayName, Metadata, PeerId, PeerInfo, Role, RoomId, RoomSummary, Timestamp, Version,
};

/// The unit of consistency: who sits in one visit. What else must hold for a visit (who waits in
/// its lobby, what waits for an absent peer, whether it has ended) belongs in here as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    id: RoomId,
    version: Version,
    /// In the order they were taken.
    seats: Vec<Seat>,
}

/// A peer's place in a room. A seat is one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Who sits here.
    pub peer: PeerId,
    /// By which connection: no other may speak for this seat.
    pub conn: ConnectionId,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// What it may do.
    pub role: Role,
    /// When it sat down.
    pub joined_at: Timestamp,
    /// What it wants the others to know.
    pub metadata: Option<Metadata>,
}

impl Room {
    /// A room in which nobody sits, last changed at `version`.
    pub const fn empty(id: RoomId, version: Version) -> Self {
        Self { id, version, seats: Vec::new() }
    }

    /// Its name.
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Which of its states this is.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Who sits in it, in the order they sat down.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// The seat of a peer.
    pub fn seat(&self, peer: &PeerId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.peer == *peer)
    }

    /// How it is listed.
    pub fn summary(&self) -> RoomSummary {
        RoomSummary { room_id: self.id.clone(), peer_count: self.seats.len() }
    }

    /// The seat that the session claims, if its connection is the one that holds it.
    pub(super) fn held_by(&self, who: &Session) -> Option<&Seat> {
        self.seat(&who.peer).filter(|seat| seat.conn == who.conn)
    }

    /// Everybody but `except`, as they are shown to it.
    pub(super) fn peers_without(&self, except: &PeerId) -> Vec<PeerInfo> {
        self.others(except).map(Seat::info).collect()
    }

    /// Every seat but that of `except`.
    pub(super) fn others<'a>(&'a self, except: &'a PeerId) -> impl Iterator<Item = &'a Seat> {
        self.seats.iter().filter(move |seat| seat.peer != *except)
    }

    /// The room after `seat` was taken, in place of any that this peer had. The new seat is the
    /// last, because whoever came last offers.
    pub(super) fn with(&self, seat: Seat) -> Self {
        let mut next = self.without(&seat.peer);
        next.seats.push(seat);
        next
    }

    /// The room after the seat of `peer` ended.
    pub(super) fn without(&self, peer: &PeerId) -> Self {
        let seats = self.others(peer).cloned().collect();
        Self { id: self.id.clone(), version: self.version.next(), seats }
    }
}

impl Seat {
    fn info(&self) -> PeerInfo {
        PeerInfo {
            peer_id: self.peer.clone(),
            display_name: self.name.clone(),
            role: self.role,
            joined_at: self.joined_at,
            metadata: self.metadata.clone(),
        }
    }
}
