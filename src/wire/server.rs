//! Messages from the server: one type, one encoder.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::{
    Code, DisplayName, IceConfiguration, IceServer, Incoming, Metadata, PeerId, Reason, RequestId,
    ResumeToken, Role, RoomId, Timestamp, Version,
};
use crate::redact::Redacted;

/// A message to a client. `peers` always lists the whole room except the receiver, in seat order,
/// so the next message repairs one that was lost or overtaken.
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
        #[serde(flatten)]
        ice: IceConfiguration,
        /// Resumes this seat on a new connection, after this one was lost.
        resume_token: ResumeToken,
        /// After a resume: the number of text frames that the server took from the client on the
        /// connection whose token it resumed with.
        #[serde(skip_serializing_if = "Option::is_none")]
        received: Option<u64>,
        heartbeat_seconds: u64,
        resumed: bool,
        role: Role,
        /// When the token expires, or the visit if that is sooner. Absent if neither has an end.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// The peers in the room, for a client that joined without naming a room.
    BootstrapPeers { peers: Vec<BootstrapPeer> },
    /// A peer took a seat.
    PeerJoined {
        /// The room that changed. A client that moved may still get messages about its old room,
        /// and the versions of two rooms cannot be compared.
        room_id: RoomId,
        peer_id: PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        role: Role,
        version: Version,
        peers: Vec<PeerInfo>,
        /// True if the peer came back on a new page. Clients must then drop their state for it.
        rejoined: bool,
    },
    /// A peer lost its connection. It keeps its seat, and may resume it until then.
    PeerAway {
        room_id: RoomId,
        peer_id: PeerId,
        until: Timestamp,
        version: Version,
        peers: Vec<PeerInfo>,
    },
    /// A peer resumed its seat. Nothing has to be negotiated again.
    PeerBack { room_id: RoomId, peer_id: PeerId, version: Version, peers: Vec<PeerInfo> },
    /// A peer lost or gave up its seat.
    PeerLeft {
        room_id: RoomId,
        peer_id: PeerId,
        reason: LeaveReason,
        version: Version,
        peers: Vec<PeerInfo>,
    },
    /// The answer to `join` for a guest that a host must admit. It is sent again when the first
    /// host joins or the last one leaves. One that is older than the last `joined` of this room
    /// counts for nothing, and so does a `joined` that is older than this.
    Waiting {
        room_id: RoomId,
        peer_id: PeerId,
        version: Version,
        host_present: bool,
        since: Timestamp,
        /// What a host lets the guest know.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Reason>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// Tells hosts that a guest waits to be admitted. It counts unless a `lobby` of this version or
    /// of a later one has come.
    Knock {
        room_id: RoomId,
        version: Version,
        peer_id: PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        since: Timestamp,
    },
    /// All guests who wait to be admitted. A host gets it when it joins, and when somebody leaves
    /// the lobby. One of an older version than the last counts for nothing.
    Lobby { room_id: RoomId, version: Version, waiting: Vec<Knocker> },
    /// A host denied this guest. The connection is closed.
    Denied {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// The visit will end by itself at `ends_at`.
    VisitEnding { ends_at: Timestamp },
    /// The visit is over. The connection is closed.
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
    /// The answer to `renew`: when the seat ends now.
    Renewed {
        expires_at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<RequestId>,
    },
    /// The ICE servers anew, because the credentials that the client has will end.
    IceServers {
        ice_servers: Vec<IceServer>,
        /// When the new credentials end. Absent if they do not.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
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
    /// This server is draining. The client should reconnect after this time.
    GoingAway { reconnect_after_ms: u64 },
    /// A message was refused, or the connection is being closed.
    Error(Rejection),
    /// Another peer's message, with `from` already stamped.
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
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// Its role in the visit.
    pub role: Role,
    /// When it took its seat.
    pub joined_at: Timestamp,
    /// Whether it has lost its connection, and may resume its seat.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// What it tells the others about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// A guest in the lobby, as hosts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Knocker {
    /// Its id.
    pub peer_id: PeerId,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// When it began to wait.
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
    /// The room's id.
    pub room_id: RoomId,
    /// How many seats are taken.
    pub peer_count: usize,
}

/// Why a seat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The peer left, or moved to another room.
    Left,
    /// Its connection ended without a `leave`, where there is no grace time.
    Disconnected,
    /// Its connection ended without a `leave`, and it did not come back within the grace time.
    Timeout,
    /// A host removed it, or sent it to the lobby.
    Removed,
    /// The visit is over.
    Ended,
    /// Its token has expired.
    Expired,
}

/// A refusal, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// The stable code.
    pub code: Code,
    /// A text for people. It names the field and what was expected, and quotes nothing the client
    /// sent.
    pub message: Cow<'static, str>,
    /// The peer that the refused message was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PeerId>,
    /// The reason a host gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How long to wait before a retry, if a retry can succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// How many messages were dropped ([`Code::PeerGone`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The request id of the refused message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

impl Rejection {
    /// A refusal with only a code and a text.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            to: None,
            reason: None,
            retry_after_ms: None,
            count: None,
            request_id: None,
        }
    }

    /// Adds the peer that the message was for.
    #[must_use]
    pub fn to(self, to: Option<PeerId>) -> Self {
        Self { to, ..self }
    }

    /// Tells a connection that another one has its seat now.
    pub fn replaced() -> Self {
        Self::new(Code::Replaced, "another connection took this peer id")
    }

    /// Adds how many messages it is about.
    #[must_use]
    pub fn counting(self, count: usize) -> Self {
        Self { count: Some(count), ..self }
    }

    /// Adds the reason a host gave.
    #[must_use]
    pub fn because(self, reason: Option<Reason>) -> Self {
        Self { reason, ..self }
    }

    /// Adds how long to wait, rounded up so that the wait is never too short.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let ms = u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// Makes this the answer to a frame that was not handled.
    #[must_use]
    pub fn answering_frame(self, frame: &Result<Incoming<'_>, Self>) -> Self {
        match frame {
            Ok(Incoming { request_id, message }) => {
                self.to(message.to().cloned()).answering(request_id.clone())
            }
            Err(rejection) => self.answering(rejection.request_id.clone()),
        }
    }

    /// Adds the request id of the message it answers.
    #[must_use]
    pub fn answering(self, request_id: Option<RequestId>) -> Self {
        Self { request_id, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_wait_too_short_a_time() {
        for (micros, told) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
            let refused = Rejection::new(Code::RateLimited, "slower");
            let refused = refused.retry_after(Duration::from_micros(micros));
            assert_eq!(refused.retry_after_ms, Some(told));
        }
    }

    #[test]
    fn a_relayed_message_is_sent_unchanged_and_never_printed() {
        let message = ServerMessage::Relayed(Redacted::new("{\"sdp\":\"secret\"}".into()));
        assert!(!format!("{message:?}").contains("secret"));
        assert_eq!(message.encode(), "{\"sdp\":\"secret\"}");
    }
}
