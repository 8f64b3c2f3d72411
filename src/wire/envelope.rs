//! The envelope of a frame, and the splice that puts `from` into it. This is the hot path.
//!
//! A relayed message is mostly SDP, which the server does not need to read. So one pass over the
//! text records where the few envelope fields are, and skips the rest without building anything.
//! The pass is that of [`scan`]. What `scan` leaves open, serde_json judges.
//! Stamping then copies the text once, with `"from":"..."` right after the opening brace.
//!
//! Only the server sets `from`. If a client writes its own, even twice or escaped as
//! `"fr\u006fm"`, every copy is removed. Parsers disagree on which of two equal keys counts, so
//! exactly one may remain. The same goes for `sentAt` where the server sets it. A second `type`,
//! `to`, `targetUserId` or `requestId` is refused for the same reason.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{Deserialize, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{FromText, PeerId, Timestamp, scan};

/// A frame, and the raw values of those fields that the server reads.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The frame.
    pub frame: Unstamped<'a>,
    /// The raw `type`.
    pub(super) kind: Option<&'a str>,
    /// The raw `to`.
    pub(super) to: Option<&'a str>,
    /// The raw `targetUserId`, an alias of `to`.
    pub(super) target_user_id: Option<&'a str>,
    /// The raw `requestId`.
    pub(super) request_id: Option<&'a str>,
}

/// A frame as received.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Unstamped<'a> {
    text: &'a str,
    has_from: bool,
    has_sent_at: bool,
}

/// The fields that the server sets in a relayed message.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The sender.
    pub from: &'a PeerId,
    /// When the server received the message, for messages to the whole room.
    pub sent_at: Option<Timestamp>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of `text`, which must be one JSON object.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        if let Some(envelope) = Self::scan(text) {
            return Ok(envelope);
        }
        let fields: Fields<'a> = serde_json::from_str(text)?;
        Ok(Self { frame: Unstamped { text, ..fields.0.frame }, ..fields.0 })
    }

    /// The envelope of nearly every frame. `None`: serde_json must have a closer look.
    fn scan(text: &'a str) -> Option<Self> {
        let frame = Unstamped { text, ..Unstamped::default() };
        let mut found = Self { frame, ..Self::default() };
        scan::fields(text, |key, value| match found.place(Key::of(key)) {
            Some(place) => place.replace(text.get(value)?).is_none().then_some(()),
            None => Some(()),
        })?;
        Some(found)
    }

    /// Where the value of a field is kept. `None` if it does not matter.
    fn place(&mut self, key: Key) -> Option<&mut Option<&'a str>> {
        match key {
            Key::Kind => return Some(&mut self.kind),
            Key::To => return Some(&mut self.to),
            Key::TargetUserId => return Some(&mut self.target_user_id),
            Key::RequestId => return Some(&mut self.request_id),
            Key::From => self.frame.has_from = true,
            Key::SentAt => self.frame.has_sent_at = true,
            Key::Other => {}
        }
        None
    }

    /// Its text.
    pub(super) const fn text(&self) -> &'a str {
        self.frame.text
    }

    /// The sender of a stamped frame.
    pub fn sender(stamped: &str) -> Option<PeerId> {
        let (from, _) = stamped.strip_prefix("{\"from\":\"")?.split_once('"')?;
        PeerId::parse(from)
    }
}

impl Unstamped<'_> {
    /// The frame to send: every field as the client wrote it, and the stamp.
    pub fn stamped(&self, stamp: Stamp<'_>) -> String {
        let forged = self.has_from || (self.has_sent_at && stamp.sent_at.is_some());
        if forged {
            return self.rewritten(stamp);
        }
        let mut out = opening(stamp, self.text.len());
        // The object has at least a `type`, so it is not empty after the brace.
        out.push_str(self.text.trim_start().strip_prefix('{').unwrap_or("}"));
        out
    }

    /// Copies the frame field by field, without the fields that the stamp sets. This is slower.
    fn rewritten(&self, stamp: Stamp<'_>) -> String {
        let mut out = opening(stamp, self.text.len());
        let Ok(Pairs(pairs)) = serde_json::from_str(self.text) else { return out + "}" };
        for (key, value) in pairs {
            if key == "from" || (key == "sentAt" && stamp.sent_at.is_some()) {
                continue;
            }
            out.push_str(&serde_json::Value::from(key).to_string());
            out.push(':');
            out.push_str(value.get());
            out.push(',');
        }
        out.pop();
        out.push('}');
        out
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Envelope").field(&self.frame).finish()
    }
}

impl fmt::Debug for Unstamped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unstamped").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// `{"from":"...",` with room for `rest` more bytes. Identifiers need no escape.
fn opening(stamp: Stamp<'_>, rest: usize) -> String {
    let from = stamp.from.as_str();
    let mut out = String::with_capacity(rest + from.len() + 48);
    out.push_str("{\"from\":\"");
    out.push_str(from);
    out.push_str("\",");
    if let Some(Timestamp(at)) = stamp.sent_at {
        out.push_str("\"sentAt\":");
        out.push_str(&at.to_string());
        out.push(',');
    }
    out
}

struct Fields<'a>(Envelope<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Envelope::default();
        while let Some(key) = map.next_key::<Key>()? {
            // A key that is not of the envelope may have a value of any length.
            if key == Key::Other {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?.get();
            if found.place(key).is_some_and(|place| place.replace(value).is_some()) {
                return Err(A::Error::duplicate_field(key.name()));
            }
        }
        Ok(Fields(found))
    }
}

/// An unescaped key: one of the envelope, or any other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Kind,
    To,
    TargetUserId,
    RequestId,
    From,
    SentAt,
    Other,
}

impl Key {
    const fn of(name: &[u8]) -> Self {
        match name {
            b"type" => Self::Kind,
            b"to" => Self::To,
            b"targetUserId" => Self::TargetUserId,
            b"requestId" => Self::RequestId,
            b"from" => Self::From,
            b"sentAt" => Self::SentAt,
            _ => Self::Other,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Kind => "type",
            Self::To => "to",
            Self::TargetUserId => "targetUserId",
            Self::RequestId => "requestId",
            Self::From => "from",
            Self::SentAt => "sentAt",
            Self::Other => "",
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(Key::of(key.as_bytes()))
    }
}

/// All fields in order, with unescaped keys and raw values.
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromText;
    use serde_json::{Value, json};

    fn stamped(text: &str, sent_at: Option<u64>) -> String {
        let from = PeerId::parse("ada").unwrap();
        let stamp = Stamp { from: &from, sent_at: sent_at.map(Timestamp) };
        Envelope::parse(text).unwrap().frame.stamped(stamp)
    }

    #[test]
    fn a_frame_without_from_is_copied_byte_for_byte() {
        let text = " {\"type\":\"offer\", \"to\":\"bob\",\"sdp\":\"v=0\\r\\n\", \"x\":[1.50]} ";
        let rest = " \"to\":\"bob\",\"sdp\":\"v=0\\r\\n\", \"x\":[1.50]} ";
        assert_eq!(stamped(text, None), format!("{{\"from\":\"ada\",\"type\":\"offer\",{rest}"));
    }

    #[test]
    fn a_from_written_by_the_client_never_survives() {
        for text in [
            r#"{"type":"offer","from":"eve","sdp":"x"}"#,
            r#"{"from":"eve","type":"offer","sdp":"x"}"#,
            r#"{"from":"eve","type":"offer","from":"mallory","sdp":"x"}"#,
            r#"{"type":"offer","fr\u006fm":"eve","sdp":"x"}"#,
            r#"{"type":"offer","\u0066\u0072\u006f\u006d":{"from":"eve"},"sdp":"x"}"#,
        ] {
            let out = stamped(text, None);
            assert_eq!(out, r#"{"from":"ada","type":"offer","sdp":"x"}"#);
        }
    }

    #[test]
    fn a_nested_from_is_left_alone() {
        let out = stamped(r#"{"type":"signal","signal":{"from":"x"}}"#, None);
        assert_eq!(out, r#"{"from":"ada","type":"signal","signal":{"from":"x"}}"#);
    }

    #[test]
    fn rewriting_keeps_every_other_field_as_written() {
        let out = stamped(r#"{"from":1,"type":"ack","n":1.50,"k\"ey":"A","to":"b"}"#, None);
        assert_eq!(out, r#"{"from":"ada","type":"ack","n":1.50,"k\"ey":"A","to":"b"}"#);
    }

    #[test]
    fn the_server_replaces_sent_at_only_where_it_sets_one() {
        let text = r#"{"type":"chat","sentAt":1,"message":"hi"}"#;
        assert_eq!(
            stamped(text, None),
            r#"{"from":"ada","type":"chat","sentAt":1,"message":"hi"}"#
        );
        let out: Value = serde_json::from_str(&stamped(text, Some(7))).unwrap();
        assert_eq!(out, json!({"from": "ada", "type": "chat", "sentAt": 7, "message": "hi"}));
    }

    #[test]
    fn a_second_envelope_field_is_refused() {
        for field in ["type", "to", "targetUserId", "requestId", "t\\u006f"] {
            let text = format!(
                r#"{{"to":"a","type":"x","targetUserId":"a","requestId":"r","{field}":"b"}}"#
            );
            let error = Envelope::parse(&text).unwrap_err();
            assert!(error.is_data(), "{error}");
        }
    }

    #[test]
    fn a_frame_must_be_exactly_one_json_object() {
        for text in ["", "{", "{}{}", "{\"a\":\"\n\"}", "{\"a\":01}", "{\"a\":nul}", "{a:1}"] {
            assert!(!Envelope::parse(text).unwrap_err().is_data(), "{text:?}");
        }
        for text in ["[]", "1", "\"type\"", "null"] {
            assert!(Envelope::parse(text).unwrap_err().is_data(), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let depth = 100_000;
        let text = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Envelope::parse(&text).is_ok());
    }

    #[test]
    fn debug_output_never_quotes_the_frame() {
        let text = r#"{"type":"offer","sdp":"candidate:1 1 udp 1 192.0.2.7 9"}"#;
        assert!(!format!("{:?}", Envelope::parse(text).unwrap()).contains("192.0.2.7"));
    }
}
