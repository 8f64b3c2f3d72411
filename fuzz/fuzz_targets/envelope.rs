//! Arbitrary text as a message. Our scanner finds the fields that serde_json finds, each as long
//! as it is, or leaves the text to serde_json. What is accepted is one JSON object; what is refused
//! has a fault. Stamped, it is the same object with one `from`: a browser reads what we have
//! skipped.
#![no_main]

use std::borrow::Cow;
use std::fmt;

use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use visio_signaling::wire::{Envelope, FromText, Incoming, PeerId, Stamp, Timestamp};

#[allow(dead_code, reason = "its tests compare more")]
#[path = "../../src/wire/scan.rs"]
mod scan;

/// The fields that may be there only once.
const ONCE: [&str; 4] = ["type", "to", "targetUserId", "requestId"];

type Field<'a> = (Cow<'a, str>, &'a str);

fuzz_target!(|text: &str| {
    let theirs = serde_json::from_str::<Fields<'_>>(text).ok().map(|Fields(fields)| fields);
    if let Some(ours) = scanned(text) {
        assert_eq!(theirs.as_deref(), Some(&*ours), "what the scanner finds");
    }
    let twice = |key: &&str| theirs.iter().flatten().filter(|(it, _)| it == key).count() > 1;
    let good = theirs.is_some() && !ONCE.iter().any(twice);
    let envelope = Envelope::parse(text);
    assert_eq!(envelope.is_ok(), good, "what is accepted");
    let (Ok(envelope), Some(fields)) = (envelope, theirs) else { return };
    read_the_same(text, &fields);
    for sent_at in [None, Some(7)] {
        stamped_the_same(&envelope, &fields, sent_at);
    }
});

fn scanned(text: &str) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    scan::fields(text, |key, value| {
        found.push((key.into(), value));
        Some(())
    })?;
    Some(found)
}

/// What the server reads of a message is what anybody reads there.
fn read_the_same(text: &str, fields: &[Field<'_>]) {
    let Ok(incoming) = Incoming::parse(text) else { return };
    let field = |name: &str| {
        let raw = fields.iter().find(|(key, _)| key == name)?.1;
        serde_json::from_str::<Option<String>>(raw).expect("a string that was read")
    };
    let request_id = serde_json::to_value(&incoming.request_id).expect("a value");
    assert_eq!(request_id.as_str(), field("requestId").as_deref());
    if let Some(to) = incoming.message.to() {
        let named = [field("to"), field("targetUserId"), field("peerId")];
        assert_eq!(named.into_iter().flatten().next().as_deref(), Some(to.as_str()));
    }
}

/// The stamp adds its fields, takes away those that the client forged, and changes nothing else.
fn stamped_the_same(envelope: &Envelope<'_>, fields: &[Field<'_>], sent_at: Option<u64>) {
    if fields.is_empty() {
        // A message has at least a `type`.
        return;
    }
    let from = PeerId::parse("ada").expect("a valid id");
    let stamped = envelope.frame.stamped(Stamp { from: &from, sent_at: sent_at.map(Timestamp) });
    let Fields(found) = serde_json::from_str(&stamped).expect("an object");
    let mut expected: Vec<Field<'_>> = vec![("from".into(), "\"ada\"")];
    expected.extend(sent_at.map(|_| ("sentAt".into(), "7")));
    let forged = |key: &str| key == "from" || (key == "sentAt" && sent_at.is_some());
    expected.extend(fields.iter().filter(|(key, _)| !forged(key)).cloned());
    assert_eq!(found, expected, "stamped");
}

/// All fields of an object, in order, with raw values.
struct Fields<'a>(Vec<Field<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            fields.push((key.into(), map.next_value::<&RawValue>()?.get()));
        }
        Ok(Fields(fields))
    }
}
