//! What should now be done.

use super::audit::AuditEvent;
use super::{ConnectionId, Room};
use crate::wire::{CloseCode, Rejection, RequestId, RoomSummary, ServerMessage};

/// The outcome of an event. Effects are to be carried out in their order, and only once `next`
/// is stored.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Decision {
    /// The room to store; `None` where nothing changed.
    pub next: Option<Room>,
    /// What to send and to close.
    pub effects: Vec<Effect>,
    /// Where the client that spoke stands afterwards.
    pub standing: Standing,
}

/// Whether the connection that spoke holds the seat it claims, or a place in the lobby. Where
/// nobody spoke, this says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Seated,
    /// It did, and this ends it.
    Left,
    /// It does not.
    Unseated,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Deliver a message.
    Send {
        /// To whom.
        to: ConnectionId,
        /// What.
        message: ServerMessage,
    },
    /// Tell a client that messages of its own were dropped. If its connection turns out to be gone,
    /// that is [`Event::Untold`](super::Event::Untold).
    Report {
        /// Whom.
        to: ConnectionId,
        /// What.
        rejection: Rejection,
    },
    /// End a connection, after what was sent to it.
    Close {
        /// Which.
        conn: ConnectionId,
        /// With which code.
        code: CloseCode,
    },
    /// Find out which of these connections still live. If one does not, that is news: its loss is
    /// decided, and then the event that led here once more. If all do, the effects that follow
    /// hold.
    Probe(Vec<ConnectionId>),
    /// Write down what happened, for operators.
    Record(AuditEvent),
    /// Answer `room_list` with every live room.
    ListRooms {
        /// To whom.
        to: ConnectionId,
        /// The speaker's own room, for a registry that cannot tell the others.
        own: RoomSummary,
        /// Echoed in the answer.
        request_id: Option<RequestId>,
    },
}
