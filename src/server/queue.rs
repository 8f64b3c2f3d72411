//! What is to be written to one socket, in its order, and what was written and is not proved.
//!
//! Nothing in here waits or locks. All of it is called under the lock of the mailbox.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::time::Instant;

use super::frames::OwnHead;
use super::line::{AT_ONCE, Frames, Line};
use super::liveness::{Asked, Liveness};
use super::mailbox::{Bounds, Stop};
use super::unproven::Unproven;
use crate::core::Unread;
use crate::wire::{CloseCode, ServerMessage};

/// An empty queue keeps memory for this many parcels, and no more.
const SPARE: usize = 4;

/// What is to be written to one socket.
#[derive(Debug)]
pub(super) struct Queue {
    parcels: VecDeque<Parcel>,
    bounds: Bounds,
    /// The bytes that wait, with those of a frame that is written in part.
    bytes: usize,
    /// How many parcels were waiting when the client was about to join. Nothing posted since then
    /// is written before it is known what comes of that.
    mark: Option<usize>,
    unproven: Unproven,
    pub(super) state: State,
    /// Somebody has held parcels back, and will release them.
    pub(super) held_back: bool,
    /// `None` once the session has ended.
    line: Option<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// The last parcel closes the connection.
    Closing,
    /// The session must stop. Until it has, it takes what is posted.
    Stopped(Stop),
    /// The session has stopped, after it took this many text frames from its client.
    Finished {
        taken: u64,
        full: bool,
    },
}

/// One thing to be written to a socket.
pub(super) enum Parcel {
    /// A frame of text.
    Text(String),
    /// The `joined` that gives a seat. Text frames are counted from here.
    Joined(String),
    /// A protocol ping, whose payload is the number of text frames before it.
    Ping,
    /// The answer to a ping.
    Pong(Box<[u8]>),
    /// A close frame.
    Close(CloseCode),
}

impl Parcel {
    pub(super) fn of(message: ServerMessage) -> Self {
        let joined = matches!(message, ServerMessage::Joined { .. });
        let text = message.encode();
        if joined { Self::Joined(text) } else { Self::Text(text) }
    }

    fn bytes(&self) -> usize {
        if let Self::Text(text) | Self::Joined(text) = self { text.len() } else { 0 }
    }

    /// Its size as a frame. `None`: the session itself closes the connection.
    fn frame_size(&self) -> Option<usize> {
        Some(match self {
            Self::Text(text) | Self::Joined(text) => OwnHead::text_frame(text.len()),
            Self::Ping => OwnHead::ping(0).as_bytes().len(),
            Self::Pong(payload) => OwnHead::pong(0).as_bytes().len() + payload.len(),
            Self::Close(_) => return None,
        })
    }
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Joined(_) => "Joined",
            Self::Ping => "Ping",
            Self::Pong(_) => "Pong",
            Self::Close(_) => "Close",
        })
    }
}

impl Queue {
    pub(super) fn new(bounds: Bounds, line: Option<Line>) -> Self {
        Self {
            parcels: VecDeque::new(),
            bounds,
            bytes: 0,
            mark: None,
            unproven: Unproven::default(),
            state: State::Open,
            held_back: false,
            line,
        }
    }

    /// Writes as much as the socket takes, and wakes the session if it must stop.
    pub(super) fn write(&mut self, liveness: &Liveness) {
        self.held_back = false;
        if !matches!(self.state, State::Open | State::Closing) {
            return;
        }
        self.ask_for_proof(liveness);
        while let Some(written) = self.write_some() {
            self.note_written(written);
        }
        if let Some(line) = &mut self.line {
            line.flush();
        }
        if self.parcels.is_empty() && self.parcels.capacity() > SPARE {
            self.parcels = VecDeque::new();
        }
        if self.must_stop().is_some() {
            self.wake();
        }
    }

    /// How many parcels may be written.
    fn ready(&self) -> usize {
        let closing = self.state == State::Closing;
        let ready = self.parcels.len() - usize::from(closing);
        self.mark.map_or(ready, |mark| mark.min(ready))
    }

    /// Writes some parcels in one call. Returns how many bytes of the first ones are written.
    fn write_some(&mut self) -> Option<usize> {
        let ready = self.ready().min(AT_ONCE);
        if ready == 0 {
            return None;
        }
        let mut frames = Frames::none();
        let mut last = self.unproven.last();
        for parcel in self.parcels.iter().take(ready) {
            match parcel {
                Parcel::Text(text) => {
                    frames.push(OwnHead::text(text.len()), text.as_bytes());
                    last = last.map(|last| last + 1);
                }
                Parcel::Joined(text) => {
                    frames.push(OwnHead::text(text.len()), text.as_bytes());
                    last = Some(0);
                }
                Parcel::Ping => frames.push(OwnHead::ping(last.unwrap_or_default()), &[]),
                Parcel::Pong(payload) => frames.push(OwnHead::pong(payload.len()), payload),
                Parcel::Close(_) => break,
            }
        }
        self.line.as_mut()?.write(&frames)
    }

    /// Drops the parcels that are written, and keeps their texts until they are proved.
    fn note_written(&mut self, written: usize) {
        let mut gone = 0;
        while let Some(size) = self.parcels.front().and_then(Parcel::frame_size)
            && gone + size <= written
            && let Some(parcel) = self.parcels.pop_front()
        {
            gone += size;
            self.bytes -= parcel.bytes();
            self.mark = self.mark.map(|mark| mark - 1);
            self.unproven.note(parcel);
        }
        if let Some(line) = &mut self.line {
            line.forget(gone);
        }
    }

    /// Adds a ping if much of what was written, or is about to be, is not proved.
    fn ask_for_proof(&mut self, liveness: &Liveness) {
        let ready = self.ready();
        if self.unproven.wants_proof(ready, self.bytes)
            && let Asked::Now(_) = liveness.ask(Instant::now())
        {
            self.unproven.asks(ready);
            self.parcels.insert(ready, Parcel::Ping);
            self.mark = self.mark.map(|mark| mark + 1);
        }
    }

    /// The answer to a ping goes ahead of everything that is not begun, and replaces one that
    /// waits.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if !matches!(self.state, State::Open | State::Closing) {
            return;
        }
        let first = usize::from(self.line.as_ref().is_some_and(|line| line.begun() > 0));
        let pong = Parcel::Pong(payload.into());
        match self.parcels.get_mut(first) {
            Some(before @ Parcel::Pong(_)) => *before = pong,
            _ => {
                self.parcels.insert(first, pong);
                self.mark = self.mark.map(|mark| mark.max(first) + 1);
            }
        }
    }

    pub(super) fn widen(&mut self, bytes: usize) {
        self.bounds.bytes = self.bounds.bytes.max(bytes);
    }

    pub(super) fn has_room_for(&self, parcel: &Parcel) -> bool {
        let Bounds { messages, bytes } = self.bounds;
        self.parcels.len() < messages && self.bytes + parcel.bytes() <= bytes
    }

    /// Adds parcels, at the mark if they answer a request to join, and returns their size.
    pub(super) fn insert(&mut self, all: impl Iterator<Item = Parcel>, at_mark: bool) -> usize {
        // Only the answer to the join goes to the mark. Later messages go to the end.
        let mut mark = if at_mark { self.mark.take() } else { None };
        let mut bytes = 0;
        for parcel in all {
            bytes += parcel.bytes();
            match &mut mark {
                Some(at) => {
                    self.parcels.insert(*at, parcel);
                    *at += 1;
                }
                None => self.parcels.push_back(parcel),
            }
        }
        self.bytes += bytes;
        bytes
    }

    pub(super) fn len(&self) -> usize {
        self.parcels.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn mark(&mut self) {
        self.mark = Some(self.parcels.len());
    }

    pub(super) const fn unmark(&mut self) {
        self.mark = None;
    }

    pub(super) const fn is_marked(&self) -> bool {
        self.mark.is_some()
    }

    pub(super) fn prove(&mut self, received: u64) {
        self.unproven.prove(received);
    }

    /// Has this session woken when the socket is ready, and when it must stop.
    pub(super) fn serve(&mut self, session: &Waker) {
        if let Some(line) = &mut self.line {
            line.serve(session);
        }
    }

    pub(super) fn wake(&self) {
        if let Some(line) = &self.line {
            line.wake();
        }
    }

    pub(super) fn must_stop(&self) -> Option<Stop> {
        match self.state {
            State::Stopped(stop) => Some(stop),
            _ if self.line.as_ref().is_some_and(Line::is_broken) => Some(Stop::Gone),
            State::Closing => match self.parcels.front() {
                Some(Parcel::Close(code)) => Some(Stop::Closed(*code)),
                _ => None,
            },
            State::Open | State::Finished { .. } => None,
        }
    }

    pub(super) fn blocked(&self) -> Option<Instant> {
        self.line.as_ref()?.blocked()
    }

    /// The socket, and the rest of a frame that is written in part.
    pub(super) fn hang_up(&mut self) -> Option<(Line, Vec<u8>)> {
        let line = self.line.take()?;
        let begun = line.begun();
        self.unproven.begun = begun > 0 && matches!(self.parcels.front(), Some(Parcel::Text(_)));
        let rest = match self.parcels.front() {
            _ if begun == 0 => Vec::new(),
            Some(Parcel::Text(text) | Parcel::Joined(text)) => {
                [OwnHead::text(text.len()).as_bytes(), text.as_bytes()].concat()
            }
            Some(Parcel::Ping) => {
                OwnHead::ping(self.unproven.last().unwrap_or_default()).as_bytes().to_vec()
            }
            Some(Parcel::Pong(payload)) => {
                [OwnHead::pong(payload.len()).as_bytes(), payload].concat()
            }
            Some(Parcel::Close(_)) | None => Vec::new(),
        };
        Some((line, rest.get(begun..).unwrap_or_default().to_vec()))
    }

    /// All that the client may not have received, once the session has ended.
    pub(super) fn left_behind(&self) -> Option<Unread> {
        let State::Finished { taken, full } = self.state else { return None };
        Some(Unread { full, ..self.unproven.left_behind(&self.parcels, taken) })
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> Vec<String> {
        let text = |parcel: &Parcel| match parcel {
            Parcel::Text(text) | Parcel::Joined(text) => Some(text.clone()),
            _ => None,
        };
        self.parcels.iter().filter_map(text).collect()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
