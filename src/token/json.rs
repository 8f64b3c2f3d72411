//! The JSON of a token, field by field. A field that is `null` counts as present.

use data_encoding::BASE64URL_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::FromText;

/// Decodes base64url: a part of a token, or a field of a key.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// Parses an object. It refuses an array, which serde would otherwise accept as the list of an
/// object's values.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let blank = [' ', '\t', '\r', '\n'];
    if !text.trim_start_matches(blank).starts_with('{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    serde_json::from_str(text)
}

/// Deserializes a field as raw JSON.
pub(super) fn as_written<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The value of a field, if it has this type.
pub(super) fn value<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// The value of a field that must be a string.
pub(super) fn text<T: FromText>(raw: &RawValue) -> Option<T> {
    value::<String>(raw).and_then(|text| T::parse(&text))
}
