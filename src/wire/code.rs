//! Error codes, and the WebSocket close codes that go with them. Their names are stable and are
//! never reused.

use serde::Serialize;

/// Why something was refused. The names are part of the protocol. The texts sent with them may
/// change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The frame was not JSON.
    InvalidJson,
    /// The frame was JSON, but not a valid message. The text names the field.
    InvalidMessage,
    /// The protocol has no such `type`.
    UnknownType,
    /// The connection holds no seat.
    NotJoined,
    /// The connection already holds a seat.
    AlreadyJoined,
    /// The room has no such peer.
    PeerNotFound,
    /// The peer has lost its connection, and nothing more can wait for it. The message was dropped.
    PeerAway,
    /// The peer did not come back in time. What waited for it was dropped.
    PeerGone,
    /// Every seat of the room is taken.
    RoomFull,
    /// The token is missing, invalid, not yet valid or no longer valid.
    Unauthorized,
    /// The peer's role, or its token, does not allow this.
    Forbidden,
    /// The client sends too much. `retryAfterMs` says when it may continue.
    RateLimited,
    /// The client did not join in time.
    JoinTimeout,
    /// The client sent nothing for two heartbeats, or did not answer a ping in time.
    IdleTimeout,
    /// Another connection took this peer id.
    Replaced,
    /// A host removed this peer.
    Removed,
    /// A host ended the visit.
    VisitEnded,
    /// The visit has reached its end time.
    VisitExpired,
    /// The client did not read what was sent to it.
    SlowConsumer,
    /// The server failed. Nothing was changed.
    Internal,
}

impl Code {
    /// The name on the wire, also used as the reason of a close frame.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::InvalidMessage => "invalid_message",
            Self::UnknownType => "unknown_type",
            Self::NotJoined => "not_joined",
            Self::AlreadyJoined => "already_joined",
            Self::PeerNotFound => "peer_not_found",
            Self::PeerAway => "peer_away",
            Self::PeerGone => "peer_gone",
            Self::RoomFull => "room_full",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::JoinTimeout => "join_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::VisitEnded => "visit_ended",
            Self::VisitExpired => "visit_expired",
            Self::SlowConsumer => "slow_consumer",
            Self::Internal => "internal",
        }
    }

    /// The close code that always follows this error, if there is one.
    pub const fn closes_with(self) -> Option<CloseCode> {
        match self {
            Self::Unauthorized => Some(CloseCode::Unauthorized),
            Self::JoinTimeout | Self::IdleTimeout => Some(CloseCode::Timeout),
            Self::Replaced => Some(CloseCode::Replaced),
            Self::Removed => Some(CloseCode::Removed),
            Self::VisitEnded | Self::VisitExpired => Some(CloseCode::Ended),
            Self::SlowConsumer => Some(CloseCode::SlowConsumer),
            Self::InvalidJson
            | Self::InvalidMessage
            | Self::UnknownType
            | Self::NotJoined
            | Self::AlreadyJoined
            | Self::PeerNotFound
            | Self::PeerAway
            | Self::PeerGone
            | Self::RoomFull
            | Self::Forbidden
            | Self::RateLimited
            | Self::Internal => None,
        }
    }
}

/// The close codes the server uses: standard ones (RFC 6455, section 7.4.1), and our own in the
/// range 4000 to 4999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The server is going away.
    Away = 1001,
    /// The client broke the WebSocket protocol.
    Protocol = 1002,
    /// The client sent a binary frame.
    Binary = 1003,
    /// The client sent a text frame that is not UTF-8.
    NotText = 1007,
    /// The client sent a message larger than the limit.
    TooLarge = 1009,
    /// The server failed.
    Internal = 1011,
    /// The client does not read ([`Code::SlowConsumer`]).
    SlowConsumer = 1013,
    /// [`Code::Unauthorized`].
    Unauthorized = 4001,
    /// A host denied this guest.
    Denied = 4003,
    /// [`Code::JoinTimeout`] or [`Code::IdleTimeout`].
    Timeout = 4008,
    /// [`Code::Replaced`].
    Replaced = 4009,
    /// [`Code::Removed`].
    Removed = 4010,
    /// [`Code::VisitEnded`] or [`Code::VisitExpired`].
    Ended = 4011,
    /// [`Code::RateLimited`], for a client that did not slow down.
    RateLimited = 4029,
}

impl CloseCode {
    /// The reason in the close frame. The `error` sent before it says more.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Away => "going away",
            Self::Protocol => "not the WebSocket protocol",
            Self::Binary => "binary frame",
            Self::NotText => "not UTF-8",
            Self::TooLarge => "message too large",
            Self::Internal => Code::Internal.name(),
            Self::SlowConsumer => Code::SlowConsumer.name(),
            Self::Unauthorized => Code::Unauthorized.name(),
            Self::Timeout => "timeout",
            Self::Replaced => Code::Replaced.name(),
            Self::Removed => Code::Removed.name(),
            Self::Ended => Code::VisitEnded.name(),
            Self::Denied => "denied",
            Self::RateLimited => Code::RateLimited.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_close_frame_names_the_error_before_it() {
        for (code, reason) in [
            (Code::Unauthorized, "unauthorized"),
            (Code::Replaced, "replaced"),
            (Code::Removed, "removed"),
            (Code::VisitEnded, "visit_ended"),
            (Code::SlowConsumer, "slow_consumer"),
        ] {
            assert_eq!(code.closes_with().map(CloseCode::reason), Some(reason));
        }
        assert_eq!(CloseCode::Away.reason(), "going away");
    }

    #[test]
    fn a_code_is_encoded_as_its_name() {
        for code in [Code::InvalidJson, Code::PeerNotFound, Code::RoomFull, Code::SlowConsumer] {
            let encoded = serde_json::to_string(&code).unwrap();
            assert_eq!(encoded.trim_matches('"'), code.name());
        }
    }
}
