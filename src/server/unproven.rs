//! Text frames that were written and that nobody has proved to be received.
//!
//! A write succeeds as soon as the kernel has the bytes; the client may never get them. A pong
//! proves that everything before its ping has arrived (RFC 6455, section 5.5.3: a pong echoes the
//! payload of its ping), so each ping carries the number of the last frame before it. Frames are
//! counted from the `joined` on, as the client counts them.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::mailbox::Parcel;
use crate::core::{Frame, Receipt, Unread};

/// How many frames are kept without proof. Half of it asks for proof.
const MOST_FRAMES: usize = 64;
/// How many bytes are kept without proof. Half of it asks for proof.
const MOST_BYTES: usize = 64 * 1024;

/// The frames since the last `joined` that the client may not have received.
#[derive(Default)]
pub(super) struct Unproven {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// How many frames came before these.
    before: u64,
    /// A `joined` was written, so the client counts.
    counting: bool,
    /// How many of the last frames were never written after all.
    pub(super) unwritten: usize,
}

impl Unproven {
    /// Keeps the frames that are about to be written, and numbers the pings among them.
    pub(super) fn note(&mut self, parcels: &mut VecDeque<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Joined(_) => *self = Self { counting: true, ..Self::default() },
                Parcel::Text(text) if self.counting => self.keep(text.clone()),
                Parcel::Ping(number) => *number = self.last(),
                Parcel::Text(_) | Parcel::Close(_) => {}
            }
        }
    }

    /// Whether the client should be asked for proof.
    pub(super) fn wants_proof(&self) -> bool {
        self.frames.len() > MOST_FRAMES / 2 || self.bytes > MOST_BYTES / 2
    }

    /// A ping that asks for proof of all that was written.
    pub(super) fn ping(&self) -> Parcel {
        Parcel::Ping(self.last())
    }

    /// The client has received the frames up to this number.
    pub(super) fn prove(&mut self, received: u64) {
        while self.before < received && self.drop_first() {}
        if self.frames.is_empty() {
            // An idle connection holds no memory for this.
            self.frames = VecDeque::new();
        }
    }

    /// All that the client may not have received, of a session that took `taken` frames from it.
    /// `waiting` was never written.
    pub(super) fn left_behind(&self, waiting: &VecDeque<Parcel>, taken: u64) -> Unread {
        let text = |parcel: &Parcel| match parcel {
            Parcel::Text(text) => Some(Frame::new(text.as_str())),
            _ => None,
        };
        let joined = waiting.iter().rposition(|parcel| matches!(parcel, Parcel::Joined(_)));
        if let Some(joined) = joined {
            // It starts the count anew, and was never written itself.
            let frames = waiting.iter().skip(joined).filter_map(text).collect();
            return Unread { frames, receipt: Receipt::Counted { before: 0, written: 0, taken } };
        }
        let kept = self.frames.iter().map(|text| Frame::new(text.as_str()));
        let frames = kept.chain(waiting.iter().filter_map(text)).collect();
        let written = self.frames.len().saturating_sub(self.unwritten);
        Unread { frames, receipt: Receipt::Counted { before: self.before, written, taken } }
    }

    fn last(&self) -> u64 {
        self.before + self.frames.len() as u64
    }

    fn keep(&mut self, text: Utf8Bytes) {
        self.bytes += text.len();
        self.frames.push_back(text);
        while (self.frames.len() > MOST_FRAMES || self.bytes > MOST_BYTES) && self.drop_first() {}
    }

    fn drop_first(&mut self) -> bool {
        let Some(first) = self.frames.pop_front() else { return false };
        self.bytes -= first.len();
        self.before += 1;
        true
    }
}

impl std::fmt::Debug for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unproven({} frames)", self.frames.len())
    }
}
