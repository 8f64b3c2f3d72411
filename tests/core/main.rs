//! The pure half, tested from outside: properties of decisions, a simulated world, the contract of
//! registries and the frames of the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "server")]
#[path = "../contract/registry.rs"]
mod contract;
mod deciding;
mod delivering;
mod dice;
mod documents;
mod frames;
mod lobby;
mod properties;
#[cfg(feature = "server")]
mod registry;
mod rejoining;
mod removal;
mod resuming;
#[path = "../contract/schema.rs"]
mod schema;
mod splicing;
mod tokens;

use visio_signaling::core::{Claim, ConnectionId};
use visio_signaling::wire::{FromText, PeerId, RoomId};

fn peer(name: &str) -> PeerId {
    PeerId::parse(name).expect("a peer id")
}

fn room_id(name: &str) -> RoomId {
    RoomId::parse(name).expect("a room id")
}

fn claim(conn: &str, room: &str, name: &str) -> Claim {
    Claim { conn: ConnectionId::new(conn), room: room_id(room), peer: peer(name) }
}
