//! What happened.

use super::{Claim, ConnectionId, Grant};
use crate::wire::{DisplayName, HostMessage, Metadata, PeerId, RequestId, Role, Signal};

/// Something that concerns a room.
#[derive(Debug)]
pub enum Event<'a> {
    /// A client said something.
    Said {
        /// The connection that speaks, and the seat it claims.
        who: &'a Claim,
        /// Echoed in the answer.
        request_id: Option<RequestId>,
        /// What it said.
        what: Said<'a>,
    },
    /// A connection ended, or a delivery found it gone.
    Lost(ConnectionId),
    /// The time has come at which something was to end: [`Room::next_due`].
    ///
    /// [`Room::next_due`]: super::Room::next_due
    Due,
}

/// What a client can say to a room.
#[derive(Debug)]
pub enum Said<'a> {
    /// It asks for a seat.
    Join(JoinRequest),
    /// It sends something to one peer, or to all.
    Signal(Signal<'a>),
    /// It asks who is there.
    Peers,
    /// It asks which rooms there are.
    RoomList,
    /// It asks for what only a host may do.
    Host(HostMessage),
    /// It gives up its seat.
    Leave,
}

impl Claim {
    /// What the client of this connection says, without a `requestId`.
    pub const fn says<'a>(&'a self, what: Said<'a>) -> Event<'a> {
        Event::Said { who: self, request_id: None, what }
    }
}

impl Event<'_> {
    /// The connection whose client said this, if one did.
    pub fn speaker(&self) -> Option<&ConnectionId> {
        if let Self::Said { who, .. } = self { Some(&who.conn) } else { None }
    }

    /// The one peer that this is for, if it is a message to one.
    pub fn receiver(&self) -> Option<&PeerId> {
        match self {
            Self::Said { what: Said::Signal(signal), .. } => signal.to.peer(),
            _ => None,
        }
    }
}

/// What comes with a request for a seat.
#[derive(Debug, Clone, Default)]
pub struct JoinRequest {
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// What the others should know.
    pub metadata: Option<Metadata>,
    /// Whether the client named the room. A client that did not may know nothing of rooms, and is
    /// also told who is there in a message made for such clients.
    pub named_room: bool,
    /// What its token says; `None` in open mode.
    pub grant: Option<Grant>,
}

impl JoinRequest {
    /// What it may do: what its token says, else what everybody may.
    pub fn role(&self) -> Role {
        self.grant.as_ref().map_or(Role::Guest, |grant| grant.role)
    }
}
