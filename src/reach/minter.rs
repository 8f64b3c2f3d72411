//! Visit tokens for rooms of this program's own, made with the server's secret.

use std::time::{Duration, SystemTime};

use crate::core::Grant;
use crate::redact::Redacted;
use crate::token::{BadKey, Keys, mint};
use crate::wire::{PeerId, Role, RoomId, Timestamp, Token};

/// Makes tokens.
#[derive(Clone)]
pub(crate) struct Minter {
    secret: Redacted<String>,
    audience: Option<String>,
}

impl Minter {
    /// Refuses a secret that no server accepts.
    pub(crate) fn new(secret: Redacted<String>, audience: Option<String>) -> Result<Self, BadKey> {
        Keys::from_secret(secret.expose())?;
        Ok(Self { secret, audience })
    }

    /// A token for this peer, valid for so long. It is a host, who never waits in the lobby.
    pub(crate) fn token(&self, room: &RoomId, peer: &PeerId, life: Duration) -> Token {
        let grant = Grant {
            subject: peer.clone(),
            room: room.clone(),
            role: Role::Host,
            name: None,
            lobby: false,
            capacity: None,
            relay_only: false,
            expires_at: Timestamp::from(SystemTime::now() + life),
            visit_end: None,
            readmitted_at: None,
        };
        let audience = self.audience.as_deref();
        mint(self.secret.expose(), &grant, audience).expect("the secret was checked")
    }
}
