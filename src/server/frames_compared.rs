//! What we read of a client's bytes, compared with what tungstenite reads. The fuzz target `frame`
//! is this file with other bytes.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::{Frames, Next, Received, Violation};

/// The longest message in these tests.
pub(super) const MOST: usize = 400;

/// What a client sent, and how it ended, in words.
type Told = (Vec<(&'static str, Vec<u8>)>, &'static str);

/// What we read, if the bytes come in pieces of these sizes.
fn ours(bytes: &[u8], pieces: &[usize]) -> Told {
    let (mut frames, mut waiting, mut told) = (Frames::new(MOST), Vec::new(), Vec::new());
    let (mut bytes, mut pieces) = (bytes, pieces.iter().cycle());
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(pieces.next().map_or(1, |size| *size).min(bytes.len()));
        bytes = rest;
        waiting.extend_from_slice(piece);
        let mut input = &mut waiting[..];
        loop {
            match frames.next(&mut input) {
                Err(Violation::TooLarge) => return (told, "too large"),
                Err(Violation::NotText) => return (told, "not text"),
                Err(Violation::Protocol(why)) if why.starts_with("a control frame of more") => {
                    return (told, "control");
                }
                Err(Violation::Protocol(_)) => return (told, "protocol"),
                Ok(Next::Missing(_)) => break,
                Ok(Next::Message(Received::Close(payload))) => {
                    told.push(("close", payload.to_vec()));
                    return (told, "closed");
                }
                Ok(Next::Message(Received::Binary)) => return (told, "binary"),
                Ok(Next::Message(Received::Text(text))) => {
                    told.push(("text", text.as_bytes().to_vec()));
                }
                Ok(Next::Message(Received::Ping(payload))) => {
                    told.push(("ping", payload.to_vec()));
                }
                Ok(Next::Message(Received::Pong(payload))) => {
                    told.push(("pong", payload.to_vec()));
                }
            }
        }
        let left = input.len();
        waiting.drain(..waiting.len() - left);
    }
    (told, "open")
}

/// A stream that ends where its bytes end, and takes everything.
pub(super) struct Tape(pub(super) Cursor<Vec<u8>>);

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite reads.
fn theirs(bytes: &[u8]) -> Told {
    let config = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
    let tape = Tape(Cursor::new(bytes.to_vec()));
    let mut socket = WebSocket::from_raw_socket(tape, Role::Server, Some(config));
    let mut told = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => told.push(("text", text.as_bytes().to_vec())),
            Ok(Message::Ping(payload)) => told.push(("ping", payload.to_vec())),
            Ok(Message::Pong(payload)) => told.push(("pong", payload.to_vec())),
            Ok(Message::Binary(_)) => return (told, "binary"),
            Ok(Message::Close(_)) => return (told, "closed"),
            Ok(Message::Frame(_)) => unreachable!("only for writing"),
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                return (told, "too large");
            }
            Err(Error::Utf8(_)) => return (told, "not text"),
            Err(Error::Protocol(_)) => return (told, "protocol"),
            Err(Error::Io(_)) => return (told, "open"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Both read the same, and both find fault or neither does. tungstenite may find another fault of
/// the same frame first, sees a fault of a head only once the head is complete, and sees text that
/// is not UTF-8 before its last fragment.
pub(super) fn assert_same(bytes: &[u8], pieces: &[usize]) {
    let (ours, mut theirs) = (ours(bytes, pieces), theirs(bytes));
    let fault = |told: &Told| ["protocol", "control", "too large", "not text"].contains(&told.1);
    if fault(&ours) && theirs.1 == "open" {
        theirs.1 = self::theirs(&[bytes, &[0; 500]].concat()).1;
    }
    let [our_texts, their_texts] = [&ours, &theirs]
        .map(|told| told.0.iter().filter(|(kind, _)| *kind != "close").collect::<Vec<_>>());
    let same = our_texts == their_texts && (ours.1 == theirs.1 || fault(&ours) && fault(&theirs));
    let early = theirs.1 == "not text" && our_texts.starts_with(&their_texts);
    // A close frame with a bad code or reason is answered by tungstenite as if it were good.
    let bad_close = our_texts == their_texts && theirs.1 == "closed" && fault(&ours);
    // tungstenite takes a control frame whose length is not in its shortest form.
    let long_form = ours.1 == "control" && their_texts.starts_with(&our_texts);
    assert!(same || early || bad_close || long_form, "{bytes:02x?}: {ours:?}, not {theirs:?}");
}
