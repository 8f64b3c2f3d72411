//! Arbitrary bytes as WebSocket frames of a client: they are read as tungstenite reads them, and
//! however they are cut into pieces. The first bytes are the sizes of the pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/server/frames_compared.rs"]
mod compared;
#[allow(dead_code, reason = "the server also writes frames")]
#[path = "../../src/server/frames.rs"]
mod frames;

use frames::{Frames, Next, Received, Violation};

fuzz_target!(|input: ([u8; 3], &[u8])| {
    let (pieces, bytes) = input;
    compared::assert_same(bytes, &pieces.map(|size| usize::from(size) + 1));
});
