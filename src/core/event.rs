//! What happened.

use super::{ConnectionId, Grant};
use crate::wire::{DisplayName, HostMessage, Metadata, PeerId, RequestId, Role, Signal};

/// Something that concerns a room. All but [`Event::Lost`] are the speaker's own doing.
#[derive(Debug)]
pub enum Event<'a> {
    /// The speaker asks for a seat.
    Join(JoinRequest),
    /// The speaker sends something to a peer, or to all.
    Signal {
        /// The message.
        signal: Signal<'a>,
        /// Echoed in a refusal.
        request_id: Option<RequestId>,
    },
    /// The speaker asks who is there.
    Peers {
        /// Echoed in the answer.
        request_id: Option<RequestId>,
    },
    /// The speaker asks which rooms there are.
    RoomList {
        /// Echoed in the answer.
        request_id: Option<RequestId>,
    },
    /// The speaker asks for what only a host may do.
    Host {
        /// What.
        message: HostMessage,
        /// Echoed in the answer.
        request_id: Option<RequestId>,
    },
    /// The speaker gives up its seat.
    Leave,
    /// A connection ended, or a delivery found it gone.
    Lost(ConnectionId),
    /// The time has come at which something was to end.
    Due,
}

impl Event<'_> {
    /// The one peer that this is for, if it is a message to one.
    pub fn receiver(&self) -> Option<&PeerId> {
        if let Self::Signal { signal, .. } = self { signal.to.peer() } else { None }
    }
}

/// What comes with a request for a seat.
#[derive(Debug, Clone, Default)]
pub struct JoinRequest {
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// What the others should know.
    pub metadata: Option<Metadata>,
    /// Whether the client named the room. If not, it is told who is there once more, in the words
    /// of clients that know no rooms.
    pub named_room: bool,
    /// What its token says; `None` in open mode.
    pub grant: Option<Grant>,
    /// Echoed in the answer.
    pub request_id: Option<RequestId>,
}

impl JoinRequest {
    /// What it may do: what its token says, else what everybody may.
    pub fn role(&self) -> Role {
        self.grant.as_ref().map_or(Role::Guest, |grant| grant.role)
    }
}
