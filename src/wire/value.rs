//! The values in messages. Each is parsed once, into a type that cannot hold an invalid value.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, Value};

use crate::redact::Redacted;

/// A value that travels as a JSON string.
pub trait FromText: Sized {
    /// What the string must hold. It completes error messages such as "`roomId`: expected ...".
    const EXPECTED: &'static str;

    /// Parses the value; `None` if `text` is invalid.
    fn parse(text: &str) -> Option<Self>;
}

/// The longest identifier, in bytes.
const MAX_ID: usize = 128;
/// The longest display name or reason, in characters.
const MAX_LINE: usize = 128;
/// The longest request id, in bytes.
const MAX_REQUEST_ID: usize = 64;
/// The largest metadata object, in bytes as sent.
const MAX_METADATA: usize = 1024;

/// The prefix of the service's own rooms.
const OWN: &str = "own/";

/// Whether `text` is a valid identifier. Identifiers are opaque. Their alphabet needs no escapes in
/// JSON, and in a URL only for `@`, `:` and `+`, so an appointment id can be used unchanged.
fn is_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._~:@+-".contains(&b);
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed)
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(serialize_with = "as_str")] Arc<str>);

        impl FromText for $name {
            const EXPECTED: &'static str =
                "a string of 1 to 128 characters from A-Z a-z 0-9 . _ ~ : @ + -";

            fn parse(text: &str) -> Option<Self> {
                is_id(text).then(|| Self(text.into()))
            }
        }

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

identifier! {
    /// Names a room, which is one visit. A client cannot name the service's
    /// [own](RoomId::own) rooms.
    RoomId
}

identifier! {
    /// Names a peer within its room.
    PeerId
}

impl RoomId {
    /// The room of a client that does not name one.
    pub fn fallback() -> Self {
        Self("default".into())
    }

    /// The service's own room of this name, which its health check joins. No client can name it,
    /// because its prefix is outside the alphabet of identifiers.
    #[must_use]
    pub fn own(&self) -> Self {
        if self.is_own() { self.clone() } else { Self(format!("{OWN}{}", self.0).into()) }
    }

    /// The room of this name, which may be one of the service's own.
    pub(super) fn parse_stored(text: &str) -> Option<Self> {
        let own = text.strip_prefix(OWN).and_then(Self::parse).map(|name| name.own());
        own.or_else(|| Self::parse(text))
    }

    /// Whether it is one of the service's own rooms, and so not a visit.
    pub fn is_own(&self) -> bool {
        self.0.starts_with(OWN)
    }

    /// The name without the prefix of the service's own rooms, as it stands in tokens and messages.
    #[must_use]
    pub fn as_clients_write_it(&self) -> Self {
        self.0.strip_prefix(OWN).map_or_else(|| self.clone(), |name| Self(name.into()))
    }
}

/// Reads an id that this service has stored, which may be one of its own rooms. Ids from clients
/// are [parsed](FromText::parse) instead.
impl<'de> Deserialize<'de> for RoomId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse_stored(&text)
            .ok_or_else(|| D::Error::custom(format_args!("expected {}", Self::EXPECTED)))
    }
}

impl<'de> Deserialize<'de> for PeerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_str(deserializer)
    }
}

fn from_str<'de, T: FromText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    T::parse(&text).ok_or_else(|| D::Error::custom(format_args!("expected {}", T::EXPECTED)))
}

fn as_str<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

macro_rules! line_of_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(Redacted<Arc<str>>);

        impl FromText for $name {
            const EXPECTED: &'static str =
                "a string of at most 128 characters, none of them a control character";

            fn parse(text: &str) -> Option<Self> {
                let good = text.chars().count() <= MAX_LINE && !text.chars().any(char::is_control);
                good.then(|| Self(Redacted::new(text.into())))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.expose())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_str(deserializer)
            }
        }
    };
}

line_of_text! {
    /// A person's name. It is personal data: it is relayed, but never printed.
    DisplayName
}

line_of_text! {
    /// A host's reason for a decision, written for the person concerned. It is never printed.
    Reason
}

/// What a client tells the others about itself: any JSON object, relayed as it was written.
#[derive(Debug, Clone)]
pub struct Metadata(Redacted<Arc<RawValue>>);

impl Metadata {
    /// What [`Metadata::from_json`] expects.
    pub const EXPECTED: &'static str = "an object of at most 1024 bytes";

    /// The metadata, if `raw` is valid. It goes into every roster, so every parser must accept it.
    /// A number too large for a double and half a surrogate pair are therefore invalid.
    pub fn from_json(raw: &RawValue) -> Option<Self> {
        let small = raw.get().len() <= MAX_METADATA;
        let good = small && serde_json::from_str::<Value>(raw.get()).is_ok_and(|it| it.is_object());
        good.then(|| Self(Redacted::new(raw.to_owned().into())))
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose().get() == other.0.expose().get()
    }
}

impl Eq for Metadata {}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.expose().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format_args!("expected {}", Self::EXPECTED));
        Self::from_json(&raw).ok_or_else(wrong)
    }
}

/// An id that a client gives a message. The answer echoes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RequestId(Box<str>);

impl FromText for RequestId {
    const EXPECTED: &'static str = "a string of at most 64 bytes";

    fn parse(text: &str) -> Option<Self> {
        (text.len() <= MAX_REQUEST_ID).then(|| Self(text.into()))
    }
}

/// A visit token as received. It is not verified yet, and it is never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(Redacted<Box<str>>);

impl Token {
    /// Wraps a token without checking it.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Redacted::new(text.into()))
    }

    /// The token itself, for code that verifies it or hands it out.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Accepts any string. The gatekeeper verifies it later.
impl FromText for Token {
    const EXPECTED: &'static str = "a string";

    fn parse(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

/// What a peer may do in a visit. Every role but `guest` needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes part.
    #[default]
    Guest,
    /// Takes part, and decides who else does.
    Host,
    /// Receives, but may not send to others.
    Observer,
    /// An operator. It may do what a host may, in any visit it has a token for, and may list every
    /// room.
    Admin,
}

impl FromText for Role {
    const EXPECTED: &'static str = "host, guest, observer or admin";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "host" => Some(Self::Host),
            "guest" => Some(Self::Guest),
            "observer" => Some(Self::Observer),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// The version of a room. It grows by one with every change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_1_to_128_characters_of_its_alphabet() {
        let longest = "x".repeat(128);
        for good in ["a", "default", "visit-42", "AZaz09._~:@+-", &longest] {
            assert_eq!(RoomId::parse(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(129);
        for bad in ["", " ", "a b", "a/b", "é", "a\n", "\"", "a\\b", "%41", &too_long] {
            assert!(PeerId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn no_client_can_name_a_room_of_the_service() {
        let plain = RoomId::parse(&"x".repeat(128)).unwrap();
        let own = plain.own();
        assert!(own.is_own() && !plain.is_own());
        assert_eq!((own.own(), own.as_clients_write_it()), (own.clone(), plain.clone()));
        assert_eq!(plain.as_clients_write_it(), plain);
        assert!(RoomId::parse(own.as_str()).is_none());
        for id in [&plain, &own] {
            let stored = serde_json::to_string(id).unwrap();
            assert_eq!(serde_json::from_str::<RoomId>(&stored).unwrap(), *id);
        }
        for bad in [r#""own/""#, r#""own/own/x""#, r#""a/b""#, r#""/x""#] {
            assert!(serde_json::from_str::<RoomId>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<PeerId>(&format!("\"{}\"", own.as_str())).is_err());
    }

    #[test]
    fn a_display_name_is_counted_in_characters_and_has_no_control_characters() {
        assert!(DisplayName::parse(&"é".repeat(128)).is_some());
        assert!(DisplayName::parse("").is_some());
        assert!(DisplayName::parse(&"e".repeat(129)).is_none());
        assert!(DisplayName::parse("Ada\u{7}").is_none());
        assert!(DisplayName::parse("Ada\u{85}").is_none());
    }

    #[test]
    fn metadata_is_an_object_of_at_most_a_kibibyte() {
        let raw = |text: &str| RawValue::from_string(text.into()).unwrap();
        assert!(Metadata::from_json(&raw(r#"{"device":"phone"}"#)).is_some());
        assert!(Metadata::from_json(&raw(&format!(r#"{{"k":"{}"}}"#, "x".repeat(1016)))).is_some());
        assert!(Metadata::from_json(&raw(&format!(r#"{{"k":"{}"}}"#, "x".repeat(1017)))).is_none());
        for bad in ["[1]", r#"{"n":1e999999}"#, r#"{"s":"\ud800"}"#] {
            assert!(Metadata::from_json(&raw(bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn metadata_is_the_same_only_if_it_was_written_the_same() {
        let raw = |text: &str| RawValue::from_string(text.into()).unwrap();
        let metadata = |text: &str| Metadata::from_json(&raw(text)).unwrap();
        assert_eq!(metadata(r#"{"n":1}"#), metadata(r#"{"n":1}"#));
        assert_ne!(metadata(r#"{"n":1}"#), metadata(r#"{"n":2}"#));
    }

    #[test]
    fn a_request_id_is_any_text_of_at_most_64_bytes() {
        for good in ["", "r 1", &"x".repeat(64), &"é".repeat(32)] {
            let id = RequestId::parse(good).map(|id| serde_json::to_value(id).unwrap());
            assert_eq!(id, Some(Value::from(good)));
        }
        for bad in ["x".repeat(65), "é".repeat(33)] {
            assert_eq!(RequestId::parse(&bad), None);
        }
    }

    #[test]
    fn personal_values_are_never_printed() {
        let name = DisplayName::parse("Ada Lovelace").unwrap();
        assert!(!format!("{name:?}").contains("Ada"));
        assert_eq!(format!("{:?}", Token::new("eyJ")), "Token([redacted])");
    }
}
