//! Reading the fields of a message, and naming the one that is wrong.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Code, FromText, Rejection};

/// Describes a parse error in our own words, because the parser's message may quote the frame.
pub(super) fn unreadable(error: &serde_json::Error) -> Rejection {
    let text = error.to_string();
    if text.starts_with("duplicate field") {
        return Rejection::new(Code::InvalidMessage, format!("expected each field once: {text}"));
    }
    if error.is_data() {
        return Rejection::new(Code::InvalidMessage, "expected one JSON object");
    }
    let (line, column) = (error.line(), error.column());
    let text = format!("expected JSON: syntax error at line {line}, column {column}");
    Rejection::new(Code::InvalidJson, text)
}

pub(super) fn invalid(field: &str, expected: &str) -> Rejection {
    Rejection::new(Code::InvalidMessage, format!("`{field}`: expected {expected}"))
}

/// A field of a message that serde read.
pub(super) fn raw(field: Option<&RawValue>) -> Option<&str> {
    field.map(RawValue::get)
}

/// Treats `null` as absent.
pub(super) fn present(raw: Option<&str>) -> Option<&str> {
    raw.filter(|raw| *raw != "null")
}

/// The string in `raw`, unescaped. Most strings have no escapes and are borrowed.
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let plain = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain {
        Some(plain) if !plain.as_bytes().contains(&b'\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
    }
}

pub(super) fn required<T: FromText>(field: &str, raw: Option<&str>) -> Result<T, Rejection> {
    raw.and_then(string).and_then(|text| T::parse(&text)).ok_or_else(|| invalid(field, T::EXPECTED))
}

pub(super) fn optional<T: FromText>(
    field: &str,
    raw: Option<&str>,
) -> Result<Option<T>, Rejection> {
    present(raw).map(|raw| required(field, Some(raw))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_copied_only_to_unescape_it() {
        assert!(matches!(string(r#""offer""#), Some(Cow::Borrowed("offer"))));
        assert!(matches!(string(r#""\u006fffer""#), Some(Cow::Owned(text)) if text == "offer"));
        for raw in ["7", "null", "{}", r#"["offer"]"#] {
            assert_eq!(string(raw), None, "{raw}");
        }
    }
}
