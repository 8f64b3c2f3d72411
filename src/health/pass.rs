//! What lets the health check in where tokens are needed.
//!
//! A secret between those who check and those who let in, so that health does not depend on who
//! makes the tokens. It opens the check's own throw-away rooms and no visit.

use std::sync::Arc;

use crate::core::Grant;
use crate::token::{BadKey, Gatekeeper, Keys, Refused, mint};
use crate::wire::{PeerId, Role, RoomId, Timestamp, Token};

/// How long a token of the check is good for, in milliseconds.
const LIFE: u64 = 60_000;

/// The secret.
#[derive(Clone)]
pub struct Pass {
    secret: String,
    keys: Arc<Keys>,
}

impl Pass {
    /// A pass with this secret, which has to be as long as any that signs tokens.
    pub fn new(secret: &str) -> Result<Self, BadKey> {
        Ok(Self { keys: Arc::new(Keys::from_secret(secret)?), secret: secret.to_owned() })
    }

    /// A gatekeeper that lets the check into its rooms as well.
    pub fn beside(&self, gatekeeper: Gatekeeper) -> Gatekeeper {
        let keys = Arc::clone(&self.keys);
        gatekeeper.or(move |token, now| {
            let grant = keys.verify(token, None, now)?;
            if super::is_own(&grant.room) { Ok(grant) } else { Err(Refused::Signature) }
        })
    }

    /// The token of one of the check's peers.
    pub fn token(&self, room: &RoomId, peer: &PeerId, now: Timestamp) -> Option<Token> {
        let grant = Grant {
            subject: peer.clone(),
            room: room.clone(),
            role: Role::Guest,
            name: None,
            lobby: false,
            capacity: None,
            expires_at: Timestamp(now.0 + LIFE),
            visit_end: None,
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
    fn it_opens_the_checks_rooms_and_no_visit() {
        let pass = Pass::new("a secret between two functions, 32+").unwrap();
        let others = Keys::from_secret("the secret that makes visit tokens").unwrap();
        let gatekeeper = pass.beside(others.gatekeeper(None));
        let peer = PeerId::parse("doctor").unwrap();
        let check = |room: &str| {
            let room = RoomId::parse(room).unwrap();
            gatekeeper.check(&pass.token(&room, &peer, NOW).unwrap(), NOW)
        };
        assert!(check("health-check~1").is_ok_and(|grant| grant.is_some()));
        assert!(check("visit-42").is_err());
        assert!(Pass::new("short").is_err());
    }
}
