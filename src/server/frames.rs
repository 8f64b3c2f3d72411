//! WebSocket frames (RFC 6455, section 5): reads those of clients, and writes the heads of ours.
//!
//! A frame is read where it lies: it is unmasked in place, and a message in one frame is borrowed
//! from the buffer. Only a message in fragments is put together in memory of its own. This module
//! knows no sockets. Its tests compare what it reads with what tungstenite reads.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use fearless_simd::{Level, dispatch};

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const MASK: usize = 4;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The longest payload of a control frame, and of a frame whose length is in its second byte.
const SHORT: usize = 125;

/// Something that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received<'a> {
    /// A message of text.
    Text(Cow<'a, str>),
    /// A message that is not text.
    Binary,
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    /// The end, with the payload to answer it with.
    Close(&'a [u8]),
}

/// What comes first in some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    Message(Received<'a>),
    /// A frame that is not complete. At least so many bytes are missing.
    Missing(NonZeroUsize),
}

/// How a client broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// A message is longer than it may be.
    TooLarge,
    /// Text is not in UTF-8.
    NotText,
    /// A frame is not allowed, for this reason.
    Protocol(&'static str),
}

/// Reads the frames of one client.
#[derive(Debug)]
pub(super) struct Frames {
    /// The longest message, in bytes.
    most: usize,
    /// A message whose last fragment has not come yet.
    begun: Option<Box<Begun>>,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    bytes: Vec<u8>,
}

impl Frames {
    /// Messages are at most `most` bytes long.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, begun: None }
    }

    /// Takes the next message from the front of `input`. An incomplete frame stays there.
    pub(super) fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Next<'a>, Violation> {
        loop {
            let head = match Head::read(input, self.most)? {
                Ok(head) => head,
                Err(missing) => return Ok(Next::Missing(missing)),
            };
            let size = head.size + head.payload;
            if let Some(missing) = NonZeroUsize::new(size.saturating_sub(input.len())) {
                return Ok(Next::Missing(missing));
            }
            let (frame, rest) = std::mem::take(input).split_at_mut(size);
            *input = rest;
            let (_, payload) = frame.split_at_mut(head.size);
            unmask(payload, head.mask);
            if let Some(message) = self.message(&head, payload)? {
                return Ok(Next::Message(message));
            }
        }
    }

    /// What a frame brings; `None` if its message goes on in the next one.
    fn message<'a>(
        &mut self,
        head: &Head,
        payload: &'a [u8],
    ) -> Result<Option<Received<'a>>, Violation> {
        match head.opcode {
            PING => return Ok(Some(Received::Ping(payload))),
            PONG => return Ok(Some(Received::Pong(payload))),
            CLOSE => return checked_close(payload).map(|payload| Some(Received::Close(payload))),
            CONTINUATION => {
                let continues_nothing = Violation::Protocol("a continuation of nothing");
                let begun = self.begun.as_mut().ok_or(continues_nothing)?;
                if begun.bytes.len() + payload.len() > self.most {
                    return Err(Violation::TooLarge);
                }
                begun.bytes.extend_from_slice(payload);
            }
            _ if self.begun.is_some() => {
                return Err(Violation::Protocol("a message within another"));
            }
            TEXT if head.fin => return text(payload).map(|text| Some(Received::Text(text.into()))),
            BINARY if head.fin => return Ok(Some(Received::Binary)),
            opcode => {
                let begun = Begun { is_text: opcode == TEXT, bytes: payload.to_vec() };
                self.begun = Some(Box::new(begun));
            }
        }
        let whole = self.begun.take_if(|_| head.fin);
        whole.map_or(Ok(None), |whole| whole.received().map(Some))
    }
}

impl Begun {
    fn received(self) -> Result<Received<'static>, Violation> {
        if !self.is_text {
            return Ok(Received::Binary);
        }
        let text = String::from_utf8(self.bytes).map_err(|_| Violation::NotText)?;
        Ok(Received::Text(text.into()))
    }
}

/// The head of a frame from a client.
struct Head {
    fin: bool,
    opcode: u8,
    mask: [u8; MASK],
    /// The length of the head itself.
    size: usize,
    payload: usize,
}

impl Head {
    /// Reads a head. `Err` within: so many bytes are missing.
    fn read(input: &[u8], most: usize) -> Result<Result<Self, NonZeroUsize>, Violation> {
        let missing = |size: usize| NonZeroUsize::new(size.saturating_sub(input.len()));
        let &[first, second, ref more @ ..] = input else {
            return Ok(Err(missing(2).unwrap_or(NonZeroUsize::MIN)));
        };
        let short = usize::from(second & !MASKED);
        let (fin, opcode) = (first & FIN != 0, first & !(FIN | RESERVED));
        check(first, second, short)?;
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let size = 2 + extended + MASK;
        let length = more.get(..extended).map(|bytes| match extended {
            0 => short as u64,
            _ => bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        });
        // The limit counts before the rest of the frame is waited for.
        let payload = match length.map(usize::try_from) {
            Some(Ok(payload)) if payload <= most.max(SHORT) => payload,
            Some(_) => return Err(Violation::TooLarge),
            None => return Ok(Err(missing(size).unwrap_or(NonZeroUsize::MIN))),
        };
        if opcode < CLOSE && payload > most {
            return Err(Violation::TooLarge);
        }
        let mask = more.get(extended..).and_then(|bytes| bytes.first_chunk());
        let Some(&mask) = mask else {
            return Ok(Err(missing(size + payload).unwrap_or(NonZeroUsize::MIN)));
        };
        Ok(Ok(Self { fin, opcode, mask, size, payload }))
    }
}

/// Checks what the first two bytes of a frame say.
const fn check(first: u8, second: u8, short: usize) -> Result<(), Violation> {
    let opcode = first & !(FIN | RESERVED);
    let reason = match opcode {
        _ if first & RESERVED != 0 => "a reserved bit is set",
        _ if second & MASKED == 0 => "a frame without a mask",
        CONTINUATION | TEXT | BINARY => return Ok(()),
        CLOSE | PING | PONG if first & FIN == 0 => "a control frame in fragments",
        CLOSE | PING | PONG if short > SHORT => "a control frame of more than 125 bytes",
        CLOSE | PING | PONG => return Ok(()),
        _ => "an unknown opcode",
    };
    Err(Violation::Protocol(reason))
}

fn unmask(payload: &mut [u8], mask: [u8; MASK]) {
    dispatch!(Level::new(), _ => unmask_words(payload, mask));
}

/// The compiler makes vector instructions of this, for each kind of processor.
#[inline(always)]
fn unmask_words(payload: &mut [u8], mask: [u8; MASK]) {
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

fn text(payload: &[u8]) -> Result<&str, Violation> {
    simdutf8::basic::from_utf8(payload).map_err(|_| Violation::NotText)
}

/// A close frame is empty, or a code that may be sent and a reason.
fn checked_close(payload: &[u8]) -> Result<&[u8], Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        let empty = payload.is_empty();
        return if empty { Ok(payload) } else { Err(Violation::Protocol("half a close code")) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Protocol("a close code that may not be sent"));
    }
    text(reason)?;
    Ok(payload)
}

/// The head of a frame of ours: not masked, and never a fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnHead {
    bytes: [u8; 10],
    size: u8,
}

impl OwnHead {
    /// No head of a frame at all.
    pub(super) const NONE: Self = Self { bytes: [0; 10], size: 0 };

    /// The head of a text frame.
    pub(super) fn text(payload: usize) -> Self {
        Self::of(TEXT, payload)
    }

    /// The head of a close frame.
    pub(super) fn close(payload: usize) -> Self {
        Self::of(CLOSE, payload)
    }

    /// The head of a pong.
    pub(super) fn pong(payload: usize) -> Self {
        Self::of(PONG, payload)
    }

    /// A whole ping, whose payload is a number.
    pub(super) fn ping(number: u64) -> Self {
        let mut head = Self::of(PING, size_of::<u64>());
        head.bytes[2..].copy_from_slice(&number.to_be_bytes());
        Self { size: Self::PING, ..head }
    }

    /// The size of a ping.
    const PING: u8 = 10;

    fn of(opcode: u8, payload: usize) -> Self {
        let mut bytes = [0; 10];
        bytes[0] = FIN | opcode;
        let size = match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short), _) if payload <= SHORT => {
                bytes[1] = short;
                2
            }
            (_, Ok(medium)) => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&medium.to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&(payload as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, size }
    }

    /// The size of a whole text frame.
    pub(super) fn text_frame(payload: usize) -> usize {
        Self::text(payload).as_bytes().len() + payload
    }

    /// The head as it is written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.size.into()]
    }
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
