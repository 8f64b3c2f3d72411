//! What a visit token says, once it was verified.

use serde::{Deserialize, Serialize};

use crate::wire::{Code, DisplayName, Join, PeerId, Rejection, Role, RoomId, Timestamp};

/// How far the clock of whoever makes tokens may be off, in milliseconds.
pub const LEEWAY: u64 = 60_000;

/// How long before its end a visit is told of it.
pub(super) const WARNING_MS: u64 = 5 * 60 * 1000;

/// Who may come to which visit, as what, and until when. Where there is one, it decides: what a
/// client says of itself may repeat it, not contradict it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whom it was made for: the peer id.
    #[serde(rename = "p")]
    pub subject: PeerId,
    /// The visit.
    #[serde(rename = "r")]
    pub room: RoomId,
    /// What it may do there.
    #[serde(rename = "o", default)]
    pub role: Role,
    /// What the person is called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// Whether a host must admit it. Means something for a guest alone.
    #[serde(rename = "l", default)]
    pub lobby: bool,
    /// How many seats the room has, in place of what the operator decided.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    /// Whether all its media must go through a TURN server.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub relay_only: bool,
    /// When it ends, and with it the seat.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
    /// When the visit ends, for everybody.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub visit_end: Option<Timestamp>,
    /// When it was made, if it was made on purpose to let in somebody whom a host has removed.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub readmitted_at: Option<Timestamp>,
}

impl Grant {
    /// When a token that expires then is no longer valid, whatever the clocks say.
    pub const fn over_after(expires_at: Timestamp) -> Timestamp {
        Timestamp(expires_at.0.saturating_add(LEEWAY))
    }

    /// Refuses a `join` that asks for something else.
    pub fn permits(&self, join: &Join) -> Result<(), Rejection> {
        let other_name = self.name.is_some() && differ(join.name.as_ref(), self.name.as_ref());
        let room = self.room.as_clients_write_it();
        let contradiction = if differ(join.room.as_ref(), Some(&room)) {
            "`roomId`: the token is for another visit"
        } else if differ(join.peer.as_ref(), Some(&self.subject)) {
            "`peerId`: the token is for another peer"
        } else if other_name {
            "`displayName`: the token gives another name"
        } else {
            return Ok(());
        };
        Err(Rejection::new(Code::Forbidden, contradiction))
    }

    /// `join` as the token has it.
    #[must_use]
    pub fn fill(&self, join: Join) -> Join {
        Join {
            room: Some(self.room.clone()),
            peer: Some(self.subject.clone()),
            name: self.name.clone().or(join.name),
            ..join
        }
    }
}

/// Whether something is asked for that is not what is granted.
fn differ<T: PartialEq>(asked: Option<&T>, granted: Option<&T>) -> bool {
    asked.is_some() && asked != granted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;

    fn grant(name: Option<&str>) -> Grant {
        Grant {
            subject: PeerId::parse("ada").unwrap(),
            room: RoomId::parse("visit").unwrap(),
            role: Role::Guest,
            name: name.and_then(DisplayName::parse),
            relay_only: false,
            lobby: false,
            capacity: None,
            expires_at: Timestamp(9_000),
            visit_end: None,
            readmitted_at: None,
        }
    }

    fn join(room: Option<&str>, peer: Option<&str>, name: Option<&str>) -> Join {
        let (room, peer) = (room.and_then(RoomId::parse), peer.and_then(PeerId::parse));
        Join { room, peer, name: name.and_then(DisplayName::parse), ..Join::default() }
    }

    #[test]
    fn what_a_client_says_may_repeat_the_token_and_not_contradict_it() {
        let ada = grant(Some("Ada"));
        for good in [
            join(None, None, None),
            join(Some("visit"), Some("ada"), Some("Ada")),
            join(None, Some("ada"), None),
        ] {
            assert_eq!(ada.permits(&good), Ok(()));
            let filled = ada.fill(good);
            assert_eq!(filled, join(Some("visit"), Some("ada"), Some("Ada")));
        }
        for (bad, field) in [
            (join(Some("other"), None, None), "`roomId`"),
            (join(None, Some("bob"), None), "`peerId`"),
            (join(None, None, Some("Bob")), "`displayName`"),
        ] {
            let refused = ada.permits(&bad).unwrap_err();
            assert_eq!(refused.code, Code::Forbidden);
            assert!(refused.message.starts_with(field), "{}", refused.message);
        }
    }

    #[test]
    fn a_token_without_a_name_leaves_it_to_the_client() {
        let named = join(None, None, Some("Bob"));
        assert_eq!(grant(None).permits(&named), Ok(()));
        assert_eq!(grant(None).fill(named).name, DisplayName::parse("Bob"));
    }
}
