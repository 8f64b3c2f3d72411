//! JSON of a token, field by field. A field that is there and says nothing, `null`, is there.

use data_encoding::BASE64URL_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::FromText;

/// The bytes of a part of a token, or of a field of a key.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// The fields of an object. An array of values in their order would pass for one with serde.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let blank = [' ', '\t', '\r', '\n'];
    if !text.trim_start_matches(blank).starts_with('{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    serde_json::from_str(text)
}

/// For serde: a field as it was written.
pub(super) fn as_written<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The value in a field, if it is of this type.
pub(super) fn value<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// The value that a field has as a string.
pub(super) fn text<T: FromText>(raw: &RawValue) -> Option<T> {
    value::<String>(raw).and_then(|text| T::parse(&text))
}
