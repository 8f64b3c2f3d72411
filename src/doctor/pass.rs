//! As whom the doctor's two peers join.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::reach::Minter;
use crate::redact::Redacted;
use crate::wire::{FromText, PeerId, RoomId};

/// How long a token of the doctor's own is valid.
const LIFE: Duration = Duration::from_secs(300);

/// What the two peers show to be let in.
pub(super) enum Passes {
    /// Nothing: the server is in open mode.
    None { room: RoomId },
    /// Tokens from the command line, whose claims decide the room and the peers.
    Given(Vec<Redacted<String>>),
    /// Tokens that the doctor makes, with the server's own secret.
    Minted { room: RoomId, minter: Minter },
}

/// One of the doctor's two peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Second,
}

impl Passes {
    pub(super) fn none() -> Self {
        Self::None { room: own_room() }
    }

    pub(super) fn given(tokens: Vec<Redacted<String>>) -> Self {
        Self::Given(tokens)
    }

    pub(super) fn minted(minter: Minter) -> Self {
        Self::Minted { room: own_room(), minter }
    }

    /// The `join` of a peer; `None` if there is no token for it.
    pub(super) fn join(&self, which: Which) -> Option<Value> {
        let peer = match which {
            Which::First => "doctor-1",
            Which::Second => "doctor-2",
        };
        let join = json!({"type": "join", "roomId": null, "peerId": peer});
        Some(match self {
            Self::None { room } => with(join, "roomId", json!(room)),
            Self::Given(tokens) => {
                let token = tokens.get(which as usize)?.expose();
                json!({"type": "join", "token": token})
            }
            Self::Minted { room, minter } => {
                let peer = PeerId::parse(peer).expect("within the alphabet of identifiers");
                let token = minter.token(room, &peer, LIFE);
                with(with(join, "roomId", json!(room)), "token", json!(token.expose()))
            }
        })
    }

    pub(super) fn has_token(&self) -> bool {
        !matches!(self, Self::None { .. })
    }
}

fn with(mut message: Value, field: &str, value: Value) -> Value {
    message[field] = value;
    message
}

/// A room that nobody else is in.
fn own_room() -> RoomId {
    let room = format!("doctor~{}", Uuid::new_v4().simple());
    RoomId::parse(&room).expect("within the alphabet of identifiers")
}
