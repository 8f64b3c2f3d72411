//! Presence: a seat outlives its connection.
//!
//! A peer that loses its connection is away. It keeps its seat for the grace time, and what the
//! others send it meanwhile waits in the room. The runtime hands over what it had already accepted
//! for the client and cannot prove that the client received ([`Unread`]). Both sides count text
//! frames, so that a client that resumes gets each frame exactly once (the idea of XEP-0198,
//! stream management).
//!
//! The first text frame after a `joined` has the number 1.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ConnectionId, Rules};
use crate::redact::Redacted;
use crate::wire::{Envelope, PeerId, Timestamp};

/// Whether the peer in a seat is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Presence {
    /// By this connection. No other may speak for the seat.
    Here(ConnectionId),
    /// It is not, and may come back.
    Away(Away),
}

/// A peer that lost its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// When it lost its connection.
    #[serde(rename = "s")]
    pub since: Timestamp,
    /// When its seat ends, unless it comes back before.
    #[serde(rename = "u")]
    pub until: Timestamp,
    /// What it gets when it comes back: what it was sent and may not have received, then what
    /// waits.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    frames: Vec<Frame>,
    #[serde(rename = "r", default, skip_serializing_if = "Receipt::is_assumed")]
    receipt: Receipt,
    /// A message was refused, so all later ones are too. What waits then has no gap.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    full: bool,
}

/// What a client was sent on a connection that has ended, and may not have received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// The frames, in order.
    pub frames: Vec<Frame>,
    /// What is known of them.
    pub receipt: Receipt,
    /// A message was refused after these, so nothing may follow them.
    pub full: bool,
}

/// What a runtime knows about the frames of a connection that has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receipt {
    /// It does not count. What it sent counts as received.
    #[default]
    #[serde(rename = "a")]
    Assumed,
    /// It has counted the text frames since `joined`, in both directions.
    #[serde(rename = "c")]
    Counted {
        /// The frames that the client has proved to have received, or that were dropped since.
        #[serde(rename = "p")]
        before: u64,
        /// How many of the unread frames were written to the socket.
        #[serde(rename = "w")]
        written: usize,
        /// The frames that were taken from the client.
        #[serde(rename = "t")]
        taken: u64,
    },
    /// It has lost count.
    #[serde(rename = "u")]
    Unknown,
}

/// One text frame for a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Redacted<Arc<str>>);

/// How much may wait for peers that are away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnreadBounds {
    /// Messages for one peer.
    pub messages: usize,
    /// Bytes for one peer.
    pub bytes: usize,
    /// Bytes for all peers of a room.
    pub bytes_in_room: usize,
}

/// What a client that resumes gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replay<'a> {
    /// The frames that it has not received.
    pub frames: &'a [Frame],
    /// The number of frames that came before them.
    pub position: u64,
}

impl Away {
    /// A peer that lost its connection at `since`. `free` is how many bytes the room can still
    /// keep. What waits and does not fit is dropped, and returned.
    pub(super) fn new(
        unread: Unread,
        since: Timestamp,
        rules: &Rules,
        free: usize,
    ) -> (Self, Vec<Frame>) {
        let until = since.after(rules.grace());
        let Unread { mut frames, receipt, full } = unread;
        let waiting = frames.split_off(receipt.written().min(frames.len()));
        let mut away = Self { since, until, frames, receipt, full: false };
        let (mut free, mut dropped) = (free, Vec::new());
        for frame in waiting {
            if frame.is_refusal() {
                away.keep_in_any_case(frame);
            } else if away.keep(frame.clone(), rules, free) {
                free = free.saturating_sub(frame.len());
            } else {
                dropped.push(frame);
            }
        }
        away.full |= full;
        (away, dropped)
    }

    /// Keeps a frame until the peer comes back, if it fits. Once one did not, none does.
    pub(super) fn keep(&mut self, frame: Frame, rules: &Rules, free: usize) -> bool {
        let (bounds, bytes) = (&rules.unread, self.waiting_bytes() + frame.len());
        let few = self.waiting().len() < bounds.messages;
        let fits = few && bytes <= bounds.bytes && frame.len() <= free;
        self.full |= !fits;
        if !self.full {
            self.frames.push(frame);
        }
        !self.full
    }

    /// Whether anything more may wait.
    pub(super) const fn takes_more(&self, rules: &Rules) -> bool {
        !self.full && rules.unread.messages > 0
    }

    /// Keeps a frame of the server's own, which is told whatever else waits.
    pub(super) fn keep_in_any_case(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// The frames that were never written to a socket.
    pub(super) fn waiting(&self) -> &[Frame] {
        self.frames.get(self.receipt.written()..).unwrap_or_default()
    }

    /// What a client gets that has received this many frames. A client that does not say gets what
    /// was never written. `None`: it has missed frames that are no longer here.
    pub(super) fn replay(&self, received: Option<u64>) -> Option<Replay<'_>> {
        let (position, skip) = match self.receipt {
            Receipt::Assumed => (0, 0),
            Receipt::Unknown => return None,
            Receipt::Counted { before, written, .. } => {
                let received = received.unwrap_or(before + written as u64);
                let skip = usize::try_from(received.checked_sub(before)?).ok()?;
                // The `error` before a close is one frame that nobody has counted here.
                (received, (skip <= written + 1).then_some(skip.min(written))?)
            }
        };
        Some(Replay { frames: self.frames.get(skip..)?, position })
    }

    /// How many text frames were taken from the client, where that was counted.
    pub(super) const fn taken(&self) -> Option<u64> {
        if let Receipt::Counted { taken, .. } = self.receipt { Some(taken) } else { None }
    }

    /// Whether the client is known to have said or received something since its `joined`.
    pub(super) const fn was_heard(&self) -> bool {
        matches!(self.receipt, Receipt::Counted { before, taken, .. } if before > 0 || taken > 0)
    }

    /// How many bytes wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting().iter().map(Frame::len).sum()
    }
}

impl Unread {
    /// What is said of a connection that nobody knows any more.
    pub const UNKNOWN: Self = Self { frames: Vec::new(), receipt: Receipt::Unknown, full: false };
}

impl Receipt {
    const fn written(&self) -> usize {
        if let Self::Counted { written, .. } = self { *written } else { 0 }
    }

    const fn is_assumed(&self) -> bool {
        matches!(self, Self::Assumed)
    }
}

impl Frame {
    /// Keeps the text of a frame.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(Redacted::new(text.into()))
    }

    /// The text, for the wire.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    fn len(&self) -> usize {
        self.0.expose().len()
    }

    /// Whether it tells a sender what became of its message.
    fn is_refusal(&self) -> bool {
        self.expose().starts_with("{\"type\":\"error\"")
    }

    /// The peer that sent it; `None` for a message of the server's own.
    pub(super) fn sender(&self) -> Option<PeerId> {
        Envelope::sender(self.expose())
    }
}

impl UnreadBounds {
    /// Nothing is kept.
    pub const NONE: Self = Self { messages: 0, bytes: 0, bytes_in_room: 0 };
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.len())
    }
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
