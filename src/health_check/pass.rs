//! Tokens that let the health check into rooms of its own.
//!
//! The check and the server share a secret, so a check does not depend on whoever issues visit
//! tokens. A token signed with this secret opens a throw-away room of the check and never a visit.
//! Whatever room it names, it grants a room that no client can name.

use std::sync::Arc;

use crate::core::Grant;
use crate::token::{BadKey, Gatekeeper, Keys, mint};
use crate::wire::{PeerId, Role, RoomId, Timestamp, Token};

/// How long a token of the check is valid, in milliseconds.
const LIFE: u64 = 60_000;

/// The secret of the health check.
#[derive(Clone)]
pub struct Pass {
    secret: String,
    keys: Arc<Keys>,
}

impl Pass {
    /// A pass with this secret, which must be at least as long as any secret that signs tokens.
    pub fn new(secret: &str) -> Result<Self, BadKey> {
        Ok(Self { keys: Arc::new(Keys::from_secret(secret)?), secret: secret.to_owned() })
    }

    /// Extends a gatekeeper, so that it also lets the check into its own rooms.
    pub fn beside(&self, gatekeeper: Gatekeeper) -> Gatekeeper {
        let keys = Arc::clone(&self.keys);
        gatekeeper.with_own_rooms(move |token, now| keys.verify(token, None, now))
    }

    /// The token of one of the check's peers.
    pub fn token(&self, room: &RoomId, peer: &PeerId, now: Timestamp) -> Option<Token> {
        let grant = Grant {
            subject: peer.clone(),
            room: room.clone(),
            role: Role::Guest,
            name: None,
            relay_only: false,
            lobby: false,
            capacity: None,
            expires_at: Timestamp(now.0 + LIFE),
            visit_end: None,
            readmitted_at: None,
        };
        mint(&self.secret, &grant, None).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn a_pass_opens_the_services_own_rooms_and_no_visit() {
        let pass = Pass::new("a secret between two functions, 32+").unwrap();
        let others = Keys::from_secret("the secret that makes visit tokens").unwrap();
        let peer = PeerId::parse("doctor").unwrap();
        for gatekeeper in [others.gatekeeper(None), Gatekeeper::default()] {
            let gatekeeper = pass.beside(gatekeeper);
            for room in ["health-check~1", "visit-42"] {
                let room = RoomId::parse(room).unwrap();
                let token = pass.token(&room, &peer, NOW).unwrap();
                let grant = gatekeeper.check(&token, NOW).unwrap().unwrap();
                assert_eq!((&grant.room, &grant.subject), (&room.own(), &peer));
            }
        }
        assert!(Pass::new("short").is_err());
    }
}
