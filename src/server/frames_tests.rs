//! Frames as tungstenite reads and writes them.

use std::io::Cursor;

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::*;
use compared::{MOST, Tape, assert_same};

#[path = "frames_compared.rs"]
mod compared;

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
