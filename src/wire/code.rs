//! Error codes and the WebSocket close codes that go with them: stable names, never reused.

use serde::Serialize;

/// Why something was refused. The names are the contract; texts beside them may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The frame was not JSON.
    InvalidJson,
    /// The frame was JSON, but no message of the contract; the text names the field.
    InvalidMessage,
    /// The `type` is none of the contract.
    UnknownType,
    /// The connection holds no seat.
    NotJoined,
    /// The connection holds a seat already.
    AlreadyJoined,
    /// No such peer in this room.
    PeerNotFound,
    /// Every seat of the room is taken.
    RoomFull,
    /// There is no token, or it is not good, not yet or no longer.
    Unauthorized,
    /// The peer's role, or its token, does not allow this.
    Forbidden,
    /// Too many messages; `retryAfterMs` says when to go on.
    RateLimited,
    /// No successful `join` in time.
    JoinTimeout,
    /// Nothing was heard from the connection for two heartbeats.
    IdleTimeout,
    /// Another connection took this peer id.
    Replaced,
    /// A host removed this peer.
    Removed,
    /// A host ended the visit.
    VisitEnded,
    /// The time of the visit is over.
    VisitExpired,
    /// The client did not read what was sent to it.
    SlowConsumer,
    /// Our fault; nothing was changed.
    Internal,
}

impl Code {
    /// The name on the wire, also given as the reason of a close.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::InvalidMessage => "invalid_message",
            Self::UnknownType => "unknown_type",
            Self::NotJoined => "not_joined",
            Self::AlreadyJoined => "already_joined",
            Self::PeerNotFound => "peer_not_found",
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

    /// How the connection is closed after this error, where it always is.
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
            | Self::RoomFull
            | Self::Forbidden
            | Self::RateLimited
            | Self::Internal => None,
        }
    }
}

/// The close codes the server uses: RFC 6455, section 7.4.1, and 4000 to 4999 of our own.
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
    /// The client sent a message over the limit.
    TooLarge = 1009,
    /// The server failed.
    Internal = 1011,
    /// The client does not read ([`Code::SlowConsumer`]).
    SlowConsumer = 1013,
    /// [`Code::Unauthorized`].
    Unauthorized = 4001,
    /// A host turned this one away.
    Denied = 4003,
    /// [`Code::JoinTimeout`] or [`Code::IdleTimeout`].
    Timeout = 4008,
    /// [`Code::Replaced`].
    Replaced = 4009,
    /// [`Code::Removed`].
    Removed = 4010,
    /// [`Code::VisitEnded`] or [`Code::VisitExpired`].
    Ended = 4011,
    /// [`Code::RateLimited`], for a client that went on.
    RateLimited = 4029,
}

impl CloseCode {
    /// What the close frame says beside the number. The `error` before it says more.
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
    fn the_name_is_what_goes_on_the_wire() {
        for code in [Code::InvalidJson, Code::PeerNotFound, Code::RoomFull, Code::SlowConsumer] {
            let encoded = serde_json::to_string(&code).unwrap();
            assert_eq!(encoded.trim_matches('"'), code.name());
        }
    }
}
