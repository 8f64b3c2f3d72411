//! Where visits are held, and how their peers are let in.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::reach::{Minter, Socket, Way, Wrong};
use crate::wire::{FromText, PeerId, RoomId};

/// How much longer than a visit should last its tokens are valid.
const SPARE: Duration = Duration::from_secs(180);

/// A server, and rooms in it that nobody else is in.
pub(super) struct Venue {
    pub(super) way: Way,
    /// The address that took the first connection. All others go there, too.
    addresses: Vec<SocketAddr>,
    pub(super) minter: Option<Minter>,
    run: Uuid,
}

impl Venue {
    pub(super) fn new(way: Way, address: SocketAddr, minter: Option<Minter>) -> Self {
        Self { way, addresses: vec![address], minter, run: Uuid::new_v4() }
    }

    /// The room of a visit.
    pub(super) fn room(&self, visit: &str) -> RoomId {
        let room = format!("load~{}-{visit}", self.run.simple());
        RoomId::parse(&room).expect("within the alphabet of identifiers")
    }

    /// Opens a WebSocket.
    pub(super) async fn open(&self) -> Result<Socket, Wrong> {
        self.way.open(&self.addresses).await
    }

    /// The first message of a peer whose visit should last so long.
    pub(super) fn join(&self, room: &RoomId, peer: &str, visit: Duration) -> Value {
        let mut join = json!({"type": "join", "roomId": room, "peerId": peer, "requestId": "join"});
        if let Some(minter) = &self.minter {
            let peer = PeerId::parse(peer).expect("within the alphabet of identifiers");
            let patience = self.way.patience * 4;
            let token = minter.token(room, &peer, visit + patience + SPARE);
            join["token"] = json!(token.expose());
        }
        join
    }
}

/// The peer id of the `nth` peer of a visit.
pub(super) fn name(nth: usize) -> String {
    format!("load-{nth}")
}
