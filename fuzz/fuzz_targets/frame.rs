//! Arbitrary text as a frame: whatever is accepted is one JSON object to serde_json as well, and
//! whatever is refused has a fault. Stamped, it is an object with one `from`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use visio_signaling::wire::{Envelope, FromText, PeerId, Stamp};

fuzz_target!(|text: &str| {
    let object = serde_json::from_str::<Map<String, Value>>(text);
    let Ok(envelope) = Envelope::parse(text) else { return };
    let peer = PeerId::parse("ada").expect("a valid id");
    let stamped = envelope.frame.stamped(Stamp { from: &peer, sent_at: None });
    // serde_json skips lone surrogates and numbers that are too large, but does not build them.
    let Ok(mut object) = object else { return };
    if object.is_empty() {
        return;
    }
    object.insert("from".into(), "ada".into());
    assert_eq!(serde_json::from_str::<Map<String, Value>>(&stamped).ok(), Some(object));
});
