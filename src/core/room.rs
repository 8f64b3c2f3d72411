//! A room and its seats.
//!
//! Both can be written as JSON and read again, for a registry that is another machine. The names
//! in it are short, because such registries bill by size; a field that is added needs a default,
//! for rooms that were stored before it.

use serde::{Deserialize, Serialize};

use super::{ConnectionId, Session};
use crate::wire::{
    DisplayName, Metadata, PeerId, PeerInfo, Role, RoomId, RoomSummary, Timestamp, Version,
};

/// The unit of consistency: who sits in one visit. What else must hold for a visit (who waits in
/// its lobby, what waits for an absent peer, whether it has ended) belongs in here as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    #[serde(rename = "i")]
    id: RoomId,
    #[serde(rename = "v")]
    version: Version,
    /// In the order they were taken.
    #[serde(rename = "s")]
    seats: Vec<Seat>,
}

/// A peer's place in a room. A seat is one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who sits here.
    #[serde(rename = "p")]
    pub peer: PeerId,
    /// By which connection: no other may speak for this seat.
    #[serde(rename = "c")]
    pub conn: ConnectionId,
    /// What the person is called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What it may do.
    #[serde(rename = "r")]
    pub role: Role,
    /// When it sat down.
    #[serde(rename = "t")]
    pub joined_at: Timestamp,
    /// What it wants the others to know.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;

    #[test]
    fn a_room_is_the_same_after_it_was_written_and_read() {
        let metadata = serde_json::value::RawValue::from_string(r#"{"device": "phone"}"#.into());
        let seat = |peer: &str, name, metadata| Seat {
            peer: PeerId::parse(peer).unwrap(),
            conn: ConnectionId::new("L0SM9cOFvHcCIhw="),
            name,
            role: Role::Guest,
            joined_at: Timestamp(1_700_000_000_000),
            metadata,
        };
        let ada =
            seat("ada", DisplayName::parse("Ada \"L\" é"), Metadata::from_json(&metadata.unwrap()));
        let empty = Room::empty(RoomId::parse("visit-42").unwrap(), Version(7));
        let room = empty.with(ada).with(seat("bob", None, None));
        let text = serde_json::to_string(&room).unwrap();
        assert_eq!(serde_json::from_str::<Room>(&text).unwrap(), room);
        assert!(text.contains(r#""m":{"device": "phone"}"#), "{text}");
    }

    #[test]
    fn what_is_no_room_is_not_read() {
        for text in [r#"{"i":"a/b","v":1,"s":[]}"#, r#"{"i":"a","s":[]}"#, "{}"] {
            assert!(serde_json::from_str::<Room>(text).is_err(), "{text}");
        }
    }
}
