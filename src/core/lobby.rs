//! Who waits to be let in, and what is remembered of those who are not there.

use serde::{Deserialize, Serialize};

use super::{ConnectionId, Room, Seat, Session};
use crate::wire::{DisplayName, Knocker, Metadata, PeerId, Role, ServerMessage, Timestamp};

/// So much is remembered of one visit; of more, what ends first is forgotten.
const MAX_MARKS: usize = 256;

/// Somebody in the lobby: in no roster, and heard by nobody but the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who waits.
    #[serde(rename = "p")]
    pub peer: PeerId,
    /// By which connection.
    #[serde(rename = "c")]
    pub conn: ConnectionId,
    /// What the person is called.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// What it wants the others to know, once it is among them.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What it will be once it is among them.
    #[serde(rename = "o", default)]
    pub role: Role,
    /// Since when it waits.
    #[serde(rename = "s")]
    pub since: Timestamp,
    /// When its token ends.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
}

/// What is remembered of a peer, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    #[serde(rename = "p")]
    pub(super) peer: PeerId,
    #[serde(rename = "u")]
    pub(super) until: Timestamp,
    #[serde(rename = "k")]
    pub(super) memory: Memory,
}

/// What there is to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Memory {
    /// It was admitted, and lost its connection.
    #[serde(rename = "a")]
    Admitted,
    /// It waited since then, and lost its connection.
    #[serde(rename = "w")]
    Waited(Timestamp),
    /// A host sent it to the lobby.
    #[serde(rename = "b")]
    SentBack,
    /// A host removed it.
    #[serde(rename = "r")]
    Removed,
}

impl Room {
    /// Who waits, in the order they came.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// What a host sees of the lobby.
    pub(super) fn lobby(&self) -> ServerMessage {
        let knocker = |waiting: &Waiting| Knocker {
            peer_id: waiting.peer.clone(),
            display_name: waiting.name.clone(),
            since: waiting.since,
        };
        ServerMessage::Lobby { waiting: self.waiting.iter().map(knocker).collect() }
    }

    pub(super) fn waiting_peer(&self, peer: &PeerId) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| waiting.peer == *peer)
    }

    /// The place in the lobby that the session claims, if its connection is the one that holds it.
    pub(super) fn waits(&self, who: &Session) -> Option<&Waiting> {
        self.waiting_peer(&who.peer).filter(|waiting| waiting.conn == who.conn)
    }

    /// Whether the session holds a seat, or a place in the lobby.
    pub fn holds(&self, who: &Session) -> bool {
        self.held_by(who).is_some() || self.waits(who).is_some()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Seat> {
        self.seats().iter().filter(|seat| seat.hosts())
    }

    pub(super) fn with_waiting(&self, waiting: Waiting) -> Self {
        let mut next = self.changed();
        match next.waiting.iter_mut().find(|known| known.peer == waiting.peer) {
            Some(known) => *known = waiting,
            None => next.waiting.push(waiting),
        }
        next
    }

    pub(super) fn without_waiting(&self, peer: &PeerId) -> Self {
        let mut next = self.changed();
        next.waiting.retain(|waiting| waiting.peer != *peer);
        next
    }

    pub(super) fn remembers(
        &self,
        peer: &PeerId,
        now: Timestamp,
        what: impl Fn(&Memory) -> bool,
    ) -> Option<&Mark> {
        let mut marks = self.marks.iter();
        marks.find(|mark| mark.peer == *peer && mark.until > now && what(&mark.memory))
    }

    /// Remembers something of a peer, and forgets what is over or worthless then.
    pub(super) fn remember(
        &mut self,
        peer: &PeerId,
        memory: Memory,
        until: Timestamp,
        now: Timestamp,
    ) {
        let stays = |mark: &Mark| mark.peer != *peer || !memory.replaces(&mark.memory);
        self.marks.retain(|mark| mark.until > now && stays(mark));
        if until > now {
            self.marks.push(Mark { peer: peer.clone(), until, memory });
        }
        if self.marks.len() > MAX_MARKS {
            let first = self.marks.iter().map(|mark| mark.until).min();
            self.marks.retain(|mark| Some(mark.until) != first);
        }
    }

    /// Forgets how a peer waited or was let in, but not that it was removed.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        let removed = |mark: &Mark| matches!(mark.memory, Memory::Removed);
        self.marks.retain(|mark| mark.peer != *peer || removed(mark));
    }
}

impl Memory {
    /// Whether this makes an older memory of the same peer worthless.
    fn replaces(&self, older: &Self) -> bool {
        match older {
            Self::Removed => matches!(self, Self::Removed),
            Self::SentBack => !matches!(self, Self::Waited(_)),
            Self::Admitted | Self::Waited(_) => true,
        }
    }
}
