//! As whom the doctor's two peers join.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::core::Grant;
use crate::redact::Redacted;
use crate::token::mint;
use crate::wire::{FromText, PeerId, Role, RoomId, Timestamp};

/// How long a token of the doctor's own is valid.
const LIFE: Duration = Duration::from_secs(300);

/// What the two peers show to be let in.
pub(super) enum Passes {
    /// Nothing: the server is in open mode.
    None { room: RoomId },
    /// Tokens from the command line, whose claims decide the room and the peers.
    Given(Vec<Redacted<String>>),
    /// Tokens that the doctor makes, with the server's own secret.
    Minted { room: RoomId, secret: Redacted<String>, audience: Option<String> },
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

    pub(super) fn minted(secret: Redacted<String>, audience: Option<String>) -> Self {
        Self::Minted { room: own_room(), secret, audience }
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
            Self::Minted { room, secret, audience } => {
                let peer = PeerId::parse(peer).expect("within the alphabet of identifiers");
                let grant = grant(room.clone(), peer, SystemTime::now());
                let token = mint(secret.expose(), &grant, audience.as_deref()).ok()?;
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

/// A host never waits in the lobby.
fn grant(room: RoomId, subject: PeerId, now: SystemTime) -> Grant {
    Grant {
        subject,
        room,
        role: Role::Host,
        name: None,
        lobby: false,
        capacity: None,
        relay_only: false,
        expires_at: Timestamp::from(now + LIFE),
        visit_end: None,
        readmitted_at: None,
    }
}
