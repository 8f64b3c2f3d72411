//! The token with which a client resumes its seat on a new connection.

use serde::{Serialize, Serializer};

use super::{FromText, PeerId, RoomId};
use crate::redact::Redacted;

/// Names a seat, and proves that the client was given that seat. Clients treat it as opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeToken {
    /// The room.
    pub room: RoomId,
    /// The peer that holds the seat.
    pub peer: PeerId,
    /// The proof.
    pub secret: ResumeSecret,
}

/// The secret part of a resume token: random, and never printed or stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeSecret(Redacted<Box<str>>);

impl ResumeSecret {
    /// Wraps a secret. The runtime makes it, from at least 122 random bits.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Redacted::new(text.into()))
    }

    /// The secret itself, for code that hashes it or hands it out.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl ResumeToken {
    /// The token in `text`, unless it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        // The name of one of the service's own rooms has a slash in it, so read from the end.
        let mut parts = text.rsplitn(3, '/');
        let (secret, peer, room) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            room: RoomId::parse_stored(room)?,
            peer: PeerId::parse(peer)?,
            secret: ResumeSecret::new(secret),
        })
    }
}

impl Serialize for ResumeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { room, peer, secret } = self;
        serializer.collect_str(&format_args!(
            "{}/{}/{}",
            room.as_str(),
            peer.as_str(),
            secret.expose()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_after_it_was_written_and_read() {
        let visit = RoomId::parse("visit~1").unwrap();
        for room in [visit.own(), visit] {
            let peer = PeerId::parse("ada@clinic").unwrap();
            let token = ResumeToken { room, peer, secret: ResumeSecret::new("5ec2e7") };
            let text: String =
                serde_json::from_str(&serde_json::to_string(&token).unwrap()).unwrap();
            assert_eq!(ResumeToken::parse(&text), Some(token.clone()));
            assert!(!format!("{token:?}").contains("5ec2e7"));
        }
    }

    #[test]
    fn a_string_that_is_not_a_token_is_none() {
        for text in ["", "x", "room/secret", "ro om/ada/s", "room//s", "/ada/s"] {
            assert_eq!(ResumeToken::parse(text), None, "{text}");
        }
    }
}
