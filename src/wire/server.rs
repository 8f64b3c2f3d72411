//! What the server sends: one type, one encoder.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::{
    Code, DisplayName, Incoming, Metadata, PeerId, Reason, RequestId, Role, RoomId, Timestamp,
    Version,
};
use crate::redact::Redacted;

/// A message to a client. `peers` is always the whole room without the receiver, in seat order,
/// so that a lost or crossed message is repaired by the next.
#[expect(missing_docs, reason = "the fields are those of docs/protocol.md, by the same names")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ServerMessage {
    /// The answer to `join`: the seat is taken.
    Joined {
        room_id: RoomId,
        peer_id: PeerId,
        version: Version,
        peers: Vec<PeerInfo>,
        /// Ready for `new RTCPeerConnection({iceServers})`; none until STUN and TURN can be set.
        ice_servers: [&'static str; 0],
        heartbeat_seconds: u64,
        resumed: bool,
        role: Role,
        /// When the token or the visit ends, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// Who is there, for a client that joined without naming a room.
    BootstrapPeers { peers: Vec<BootstrapPeer> },
    /// Somebody took a seat.
    PeerJoined {
        /// A client that moved may still hear of its old room, and versions of two rooms say
        /// nothing to each other.
        room_id: RoomId,
        peer_id: PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        role: Role,
        version: Version,
        peers: Vec<PeerInfo>,
        /// The same id on a new page: drop what you had with it.
        rejoined: bool,
    },
    /// Somebody's seat ended.
    PeerLeft {
        room_id: RoomId,
        peer_id: PeerId,
        reason: LeaveReason,
        version: Version,
        peers: Vec<PeerInfo>,
    },
    /// The answer to `join` for a guest that a host must admit, and again when a host comes or the
    /// last one goes.
    Waiting {
        room_id: RoomId,
        peer_id: PeerId,
        host_present: bool,
        since: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// Somebody waits to be admitted: for hosts.
    Knock {
        peer_id: PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        since: Timestamp,
    },
    /// All who wait to be admitted, for a host: when it joins, and when there are fewer.
    Lobby { waiting: Vec<Knocker> },
    /// A host turned this one away. The connection ends.
    Denied {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// The visit will end by itself.
    VisitEnding { ends_at: Timestamp },
    /// The visit is over. The connection ends.
    VisitEnded {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// The answer to `peers`.
    Roster {
        room_id: RoomId,
        version: Version,
        peers: Vec<PeerInfo>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// The answer to `room_list`.
    RoomList {
        rooms: Vec<RoomSummary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// The answer to `ping`.
    Pong {
        server_time: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// This server is draining: come back after that long.
    GoingAway { reconnect_after_ms: u64 },
    /// Something was refused, or the connection ends.
    Error(Rejection),
    /// Another peer's message, already stamped.
    #[serde(skip)]
    Relayed(Redacted<String>),
}

impl ServerMessage {
    /// The text of the frame.
    pub fn encode(self) -> String {
        if let Self::Relayed(text) = self {
            return text.into_exposed();
        }
        serde_json::to_string(&self).expect("messages have string keys and no failing parts")
    }
}

impl From<Rejection> for ServerMessage {
    fn from(rejection: Rejection) -> Self {
        Self::Error(rejection)
    }
}

/// A peer as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// Its id in the room.
    pub peer_id: PeerId,
    /// What the person is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// What it may do.
    pub role: Role,
    /// When it took its seat.
    pub joined_at: Timestamp,
    /// What it wants the others to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// Somebody in the lobby, as hosts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Knocker {
    /// Its id.
    pub peer_id: PeerId,
    /// What the person is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// Since when it waits.
    pub since: Timestamp,
}

/// A peer in `bootstrap_peers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BootstrapPeer {
    /// Its id in the room.
    pub id: PeerId,
}

/// A room in `room_list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomSummary {
    /// The room.
    pub room_id: RoomId,
    /// How many seats are taken.
    pub peer_count: usize,
}

/// Why a seat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The peer said so.
    Left,
    /// Its connection ended without a word.
    Disconnected,
    /// A host removed it, or sent it to the lobby.
    Removed,
    /// The visit is over.
    Ended,
    /// Its token has expired.
    Expired,
}

/// A refusal, as the client is told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// The stable name.
    pub code: Code,
    /// For a person: names the field and what was expected. Holds nothing the client sent.
    pub message: Cow<'static, str>,
    /// The peer that the refused message named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PeerId>,
    /// What a host says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How long to wait, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The refused message's own mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

impl Rejection {
    /// A refusal with nothing but its code and its text.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { code, message, to: None, reason: None, retry_after_ms: None, request_id: None }
    }

    /// The same, naming the peer that the message was for.
    #[must_use]
    pub fn to(self, to: Option<PeerId>) -> Self {
        Self { to, ..self }
    }

    /// The same, with what a host says about it.
    #[must_use]
    pub fn because(self, reason: Option<Reason>) -> Self {
        Self { reason, ..self }
    }

    /// The same, with how long to wait; rounded up, so that waiting as told is enough.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let ms = u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// The same, as the answer to a frame that nobody has looked at.
    #[must_use]
    pub fn answering_frame(self, frame: &Result<Incoming<'_>, Self>) -> Self {
        match frame {
            Ok(Incoming { request_id, message }) => {
                self.to(message.to().cloned()).answering(request_id.clone())
            }
            Err(rejection) => self.answering(rejection.request_id.clone()),
        }
    }

    /// The same, as the answer to a marked message.
    #[must_use]
    pub fn answering(self, request_id: Option<RequestId>) -> Self {
        Self { request_id, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relayed_message_goes_out_as_it_is_and_prints_nothing() {
        let message = ServerMessage::Relayed(Redacted::new("{\"sdp\":\"secret\"}".into()));
        assert!(!format!("{message:?}").contains("secret"));
        assert_eq!(message.encode(), "{\"sdp\":\"secret\"}");
    }
}
