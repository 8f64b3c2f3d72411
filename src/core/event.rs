//! What happened.

use super::{Claim, ConnectionId, Grant, Key, Unread};
use crate::wire::{
    DisplayName, HostMessage, Metadata, PeerId, Rejection, RequestId, ResumeSecret, Role, Signal,
    Timestamp,
};

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
    Lost {
        /// The connection.
        conn: ConnectionId,
        /// What its client was sent and may not have received.
        unread: Unread,
    },
    /// A peer was to be told that messages of its own were dropped, and its connection had just
    /// ended.
    Untold {
        /// The peer.
        peer: PeerId,
        /// Since when it sat. If it sits since later, it is another page, and sent nothing.
        since: Timestamp,
        /// What it was to be told.
        rejection: Rejection,
    },
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
    /// It has sent something to all, and these turned out to be gone.
    Again(&'a Signal<'a>, Vec<PeerId>),
    /// It asks who is there.
    Peers,
    /// It asks which rooms there are.
    RoomList,
    /// It asks for what only a host may do. A peer that is admitted gets the secret.
    Host(HostMessage, ResumeSecret),
    /// It shows a newer token for the seat that it has.
    Renew(Grant),
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
    /// A connection ended, and its client has received everything.
    pub fn lost(conn: ConnectionId) -> Self {
        Self::Lost { conn, unread: Unread::default() }
    }

    /// The connection whose client said this, if one did.
    pub fn speaker(&self) -> Option<&ConnectionId> {
        if let Self::Said { who, .. } = self { Some(&who.conn) } else { None }
    }

    /// Whether this is a message to all others in the room.
    pub fn is_for_all(&self) -> bool {
        match self {
            Self::Said { what: Said::Signal(signal), .. } => signal.to.peer().is_none(),
            Self::Said { what: Said::Again(..), .. } => true,
            _ => false,
        }
    }

    /// Whether this is a message to this peer, or to all.
    pub fn is_for(&self, peer: &PeerId) -> bool {
        match self {
            Self::Said { what: Said::Signal(signal), .. } => {
                signal.to.peer().is_none_or(|to| to == peer)
            }
            Self::Said { what: Said::Again(_, missed), .. } => missed.contains(peer),
            _ => false,
        }
    }

    /// The same message to all, for those who have missed it. `None`: for whomever it was.
    pub fn said_again_to(&self, missed: Vec<PeerId>) -> Option<Event<'_>> {
        let Self::Said { who, request_id, what: Said::Signal(signal) } = self else { return None };
        let request_id = request_id.clone();
        let again = Event::Said { who, request_id, what: Said::Again(signal, missed) };
        Some(again).filter(|_| self.is_for_all())
    }
}

/// What comes with a request for a seat.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// What the others should know.
    pub metadata: Option<Metadata>,
    /// Whether the client named the room. A client that did not may know nothing of rooms, and is
    /// also told who is there in a message made for such clients.
    pub named_room: bool,
    /// What its token says; `None` in open mode, or where it comes with a resume token alone.
    pub grant: Option<Grant>,
    /// The secret for the resume token that it gets.
    pub secret: ResumeSecret,
    /// The seat that it wants back.
    pub resume: Option<Resume>,
}

/// What comes with a request to resume a seat.
#[derive(Debug, Clone)]
pub struct Resume {
    /// What opens the seat.
    pub key: Key,
    /// The text frames that the client has received since the `joined` that gave it the key.
    pub received: Option<u64>,
    /// Nothing but the key lets it in, because no visit token came with it.
    pub alone: bool,
    /// The connection that held the seat until now, if it still stood, and what it left behind.
    pub detached: Option<(ConnectionId, Unread)>,
}

impl JoinRequest {
    /// A request with nothing but the secret for its resume token.
    pub const fn new(secret: ResumeSecret) -> Self {
        Self { name: None, metadata: None, named_room: false, grant: None, secret, resume: None }
    }

    /// What it may do: what its token says, else what everybody may.
    pub fn role(&self) -> Role {
        self.grant.as_ref().map_or(Role::Guest, |grant| grant.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClientMessage, FromText, Incoming, RoomId};

    fn signal(text: &str) -> Signal<'_> {
        match Incoming::parse(text).unwrap().message {
            ClientMessage::Signal(signal) => signal,
            other => panic!("expected a signal, got {other:?}"),
        }
    }

    #[test]
    fn a_message_to_all_is_said_again_to_those_who_missed_it_and_stays_one_to_all() {
        let peer = |name| PeerId::parse(name).unwrap();
        let who =
            Claim { conn: ConnectionId::new("c1"), room: RoomId::fallback(), peer: peer("ada") };
        let chat = who.says(Said::Signal(signal(r#"{"type":"chat"}"#)));
        assert!(chat.is_for_all() && chat.is_for(&peer("bob")) && chat.is_for(&peer("cy")));
        let again = chat.said_again_to(vec![peer("bob")]).unwrap();
        assert!(again.is_for_all() && again.is_for(&peer("bob")) && !again.is_for(&peer("cy")));
        assert_eq!(again.speaker(), Some(&who.conn));

        let offer = who.says(Said::Signal(signal(r#"{"type":"offer","to":"bob"}"#)));
        assert!(!offer.is_for_all() && offer.is_for(&peer("bob")) && !offer.is_for(&peer("cy")));
        assert!(offer.said_again_to(vec![peer("bob")]).is_none());
        let lost = Event::lost(who.conn.clone());
        assert!(!lost.is_for_all() && !lost.is_for(&peer("bob")) && lost.speaker().is_none());
    }
}
