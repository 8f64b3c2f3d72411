//! Any sequence of events of a room: nothing panics, and what must always hold holds.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/core/deciding.rs"]
mod deciding;

fuzz_target!(|bytes: &[u8]| deciding::walk(bytes));
