//! Who waits in which lobby. Nobody there hears the room.

use std::collections::{BTreeMap, BTreeSet};

use visio_signaling::core::{Room, Seat};
use visio_signaling::wire::{RoomId, ServerMessage, Version};

use super::net::{place, request_id};

/// The connections that wait: in which lobby, and since which version of the room.
#[derive(Default)]
pub struct Lobbies(BTreeMap<usize, (RoomId, Version)>);

impl Lobbies {
    /// Takes note of a room that was stored.
    pub fn note(&mut self, room: &Room) {
        let waiting: BTreeSet<_> =
            room.waiting().iter().filter_map(Seat::here).map(place).collect();
        self.0.retain(|conn, (id, _)| id != room.id() || waiting.contains(conn));
        for conn in waiting {
            self.0.entry(conn).or_insert((room.id().clone(), room.version()));
        }
    }

    /// Nothing that was said or decided in the room since `to` waits is sent to it. `handled` says
    /// in which room each message was taken, and at which of its versions.
    pub fn check(
        &self,
        to: usize,
        message: &ServerMessage,
        handled: &BTreeMap<String, (RoomId, Version)>,
    ) {
        let Some((id, since)) = self.0.get(&to) else { return };
        let (room, version) = match message {
            ServerMessage::Relayed(text) => {
                let said = request_id(text.expose()).and_then(|id| handled.get(id));
                let Some((room, version)) = said else { return };
                (room, version)
            }
            ServerMessage::PeerJoined { room_id, version, .. }
            | ServerMessage::PeerAway { room_id, version, .. }
            | ServerMessage::PeerBack { room_id, version, .. }
            | ServerMessage::PeerLeft { room_id, version, .. }
            | ServerMessage::Roster { room_id, version, .. } => (room_id, version),
            _ => return,
        };
        assert!(room != id || version < since, "c{to} hears {id:?} from its lobby");
    }
}
