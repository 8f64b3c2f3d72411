//! Frames as tungstenite reads and writes them.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::*;

/// The longest message in these tests.
const MOST: usize = 400;

/// Close codes that may be sent, and some that may not.
const CODES: [u16; 8] = [999, 1000, 1004, 1005, 1011, 1015, 3000, 5000];

/// A frame as a client writes it.
fn frame(first: u8, second: u8, length: Option<u64>, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let length = length.unwrap_or(payload.len() as u64);
    match length {
        0..=125 => frame.push(second | length as u8),
        126..=0xffff => {
            frame.push(second | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(second | 127);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

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
struct Tape(Cursor<Vec<u8>>);

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
fn assert_same(bytes: &[u8], pieces: &[usize]) {
    let (ours, mut theirs) = (ours(bytes, pieces), theirs(bytes));
    let fault = |told: &Told| ["protocol", "too large", "not text"].contains(&told.1);
    if fault(&ours) && theirs.1 == "open" {
        theirs = self::theirs(&[bytes, &[0; 200]].concat());
    }
    let [our_texts, their_texts] = [&ours, &theirs]
        .map(|told| told.0.iter().filter(|(kind, _)| *kind != "close").collect::<Vec<_>>());
    let same = our_texts == their_texts && (ours.1 == theirs.1 || fault(&ours) && fault(&theirs));
    let early = theirs.1 == "not text" && our_texts.starts_with(&their_texts);
    // A close frame with a bad code or reason is answered by tungstenite as if it were good.
    let bad_close = our_texts == their_texts && theirs.1 == "closed" && fault(&ours);
    assert!(same || early || bad_close, "{bytes:02x?}: {ours:?}, not {theirs:?}");
}

fn first_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x01, 0x80, 0x00, 0x89, 0x8a, 0x88, 0x82, 0x02]),
        1 => any::<u8>(),
    ]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => ".{0,60}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..140),
        1 => prop::collection::vec(Just(b'x'), 110..420),
        1 => (prop::sample::select(CODES.to_vec()), ".{0,9}")
            .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
    ]
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let second = prop_oneof![12 => Just(0x80_u8), 1 => Just(0)];
    let length = prop_oneof![12 => Just(None), 1 => any::<u64>().prop_map(Some)];
    (first_byte(), second, length, any::<[u8; 4]>(), payload()).prop_map(
        |(first, second, length, mask, payload)| frame(first, second, length, mask, &payload),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_frames_in_any_pieces_are_read_as_tungstenite_reads_them(
        frames in prop::collection::vec(any_frame(), 0..6),
        pieces in prop::collection::vec(1_usize..300, 1..5),
    ) {
        assert_same(&frames.concat(), &pieces);
    }

    #[test]
    fn any_bytes_are_read_as_tungstenite_reads_them(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        assert_same(&bytes, &[7]);
    }

    #[test]
    fn our_frames_are_read_by_tungstenite(payload in "[a-z]{0,200}", times in 1_usize..500) {
        let payload = payload.repeat(times);
        let head = OwnHead::text(payload.len());
        let tape = Tape(Cursor::new([head.as_bytes(), payload.as_bytes()].concat()));
        let mut socket = WebSocket::from_raw_socket(tape, Role::Client, None);
        prop_assert_eq!(socket.read().unwrap(), Message::text(payload));
    }
}

#[test]
fn our_control_frames_are_read_by_tungstenite() {
    let ping = OwnHead::ping(0x0102_0304_0506_0708);
    let pong = OwnHead::pong(3);
    let tape = Tape(Cursor::new([ping.as_bytes(), pong.as_bytes(), b"abc"].concat()));
    let mut socket = WebSocket::from_raw_socket(tape, Role::Client, None);
    assert_eq!(socket.read().unwrap(), Message::Ping(vec![1, 2, 3, 4, 5, 6, 7, 8].into()));
    assert_eq!(socket.read().unwrap(), Message::Pong(b"abc"[..].into()));
}

#[test]
fn the_number_of_missing_bytes_is_never_too_high() {
    let whole = frame(0x81, 0x80, None, [1, 2, 3, 4], &[b'x'; 300]);
    for have in 0..whole.len() {
        let mut bytes = whole[..have].to_vec();
        let Ok(Next::Missing(missing)) = Frames::new(MOST).next(&mut &mut bytes[..]) else {
            panic!("{have} bytes are no frame")
        };
        assert!(missing.get() <= whole.len() - have, "{missing} after {have}");
        // Once the length is known, it is exact.
        assert!(have < 8 || missing.get() == whole.len() - have);
    }
}
