use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::super::envelope::Pairs;
use super::*;

/// What this reader finds.
fn ours(text: &str) -> Option<Vec<(String, &str)>> {
    let mut found = Vec::new();
    fields(text, |key, value| {
        found.push((str::from_utf8(key).unwrap().to_owned(), &text[value]));
        Some(())
    })?;
    Some(found)
}

/// What serde_json finds.
fn theirs(text: &str) -> Option<Vec<(String, &str)>> {
    let Pairs(pairs) = serde_json::from_str(text).ok()?;
    let owned = |(key, value): (Cow<'_, str>, _)| (key.into_owned(), RawValue::get(value));
    Some(pairs.into_iter().map(owned).collect())
}

/// Both find the same. Only keys with escapes and deep nesting may be left to serde_json.
fn assert_same(text: &str) {
    match (ours(text), theirs(text)) {
        (Some(ours), theirs) => assert_eq!(theirs, Some(ours), "{text:?}"),
        (None, Some(theirs)) => {
            let depth = text.bytes().filter(|byte| b"[{".contains(byte)).count();
            // What is left of the text without its values: its keys, as they were written.
            let (mut keys, mut at) = (String::new(), 0);
            for (_, value) in &theirs {
                let start = value.as_ptr() as usize - text.as_ptr() as usize;
                keys.push_str(&text[at..start]);
                at = start + value.len();
            }
            let escaped = keys.contains('\\');
            assert!(depth > 60 || escaped, "left to serde_json: {text:?}");
        }
        (None, None) => {}
    }
}

/// Pieces of JSON, valid or not, that are put together at random.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", " ", "\n", "\t", "\\", "\\\\", "\\\"", "\\n",
            "\\r", "\\/", "\\b", "\\u00e9", "\\ud800", "\\u12", "\\x", "true", "false", "null",
            "tru", "0", "-", "1.5", "01", "1e9", "1E+", "-0.0", "\"a\":", "\"to\":\"bob\"",
            "\u{7f}", "\u{1}", "\u{1f}", "é", "\u{2028}", "😀",
        ]).prop_map(str::to_owned),
        2 => "[ -~]{0,90}",
        2 => "(a=mid:0[a-z ]{0,30}\\\\r\\\\n){1,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let field = (piece(), prop::collection::vec(piece(), 0..6))
        .prop_map(|(key, value)| format!("\"{key}\":\"{}\"", value.concat()));
    let object =
        prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(",")));
    let soup = || prop::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat());
    let list = soup().prop_map(|soup| format!("{{\"a\":[{soup}]}}"));
    prop_oneof![object, soup(), list]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_reads_as_serde_json_reads_it(text in text()) {
        assert_same(&text);
    }

    #[test]
    fn the_oldest_processor_passes_the_same_bytes_as_this_one(
        text in "(a=mid:[a-z ]{0,40}(\\\\[rnt]|\"|\n)?){1,9}",
    ) {
        let text = text.as_bytes();
        prop_assert_eq!(plain(Level::baseline(), text), plain(Level::new(), text));
    }

    /// Each byte that has a meaning stands at each place of a block, after any text.
    #[test]
    fn what_is_special_is_seen_at_every_place_of_a_block(
        before in "[a-z]{0,70}", after in "[a-z]{0,140}", special in piece(),
    ) {
        assert_same(&format!("{{\"sdp\":\"{before}{special}{after}\",\"n\":1}}"));
    }
}

#[test]
fn every_byte_at_every_place_of_two_blocks() {
    // What follows may make an escape of a backslash, or not.
    for (at, filler) in (0..2 * BLOCK + 2).flat_map(|at| [(at, "x"), (at, "n")]) {
        for byte in (0..=0x7f_u8).map(char::from) {
            let pad = |count| filler.repeat(count);
            for special in [byte.to_string(), format!("\\{byte}")] {
                let string = format!("{}{special}{}", pad(at), pad(2 * BLOCK + 2 - at));
                assert_same(&format!("{{\"a\":\"{string}\"}}"));
            }
        }
    }
}

#[test]
fn a_key_with_escapes_is_left_to_serde_json() {
    for text in [r#"{"\u00e9":"","é":""}"#, r#"{"\u00e9":"é"}"#, r#"{"a\"b":1}"#] {
        assert_same(text);
        assert_eq!(ours(text), None);
    }
}

#[test]
fn values_of_every_kind_are_found_whole() {
    let text =
        r#" {"a" : [1, {"b": [ ]}, "x\"y"] , "c":-1.5e+3,"d":{},"e":true,"f":false,"é":null} "#;
    assert_same(text);
    assert_eq!(ours(text).unwrap()[0].1, r#"[1, {"b": [ ]}, "x\"y"]"#);
    let mixed = r#"{"a":{"b":[1,{"c":[2],"d":{"e":[{}]}}],"f":3}}"#;
    assert_eq!(ours(mixed), theirs(mixed));
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(ours(&nested(64)).is_some());
    assert!(ours(&nested(65)).is_none(), "this is for serde_json");
}

#[test]
fn a_number_is_read_as_serde_json_reads_it() {
    let good = ["0", "-0", "10", "1.50", "1e9", "1E-9", "1e+9", "-1.5e-3"];
    let bad = ["", "-", "--1", "+1", "01", "1.", "1.e3", ".5", "1e", "1e+", "1e+-3", "1e-+3"];
    for number in good.into_iter().chain(bad) {
        let text = format!("{{\"a\":{number}}}");
        assert_same(&text);
        assert_eq!(ours(&text).is_some(), good.contains(&number), "{text}");
    }
}

#[test]
fn ordinary_text_is_passed_a_word_at_a_time_up_to_the_first_byte_that_is_not() {
    for place in 0..WORD {
        for byte in 0..=u8::MAX {
            let mut word = *b"x x \x7f\xc3\xa9!";
            word[place] = byte;
            let special = matches!(byte, b'"' | b'\\' | 0..0x20);
            let expected = if special { place } else { WORD };
            assert_eq!(ordinary_bytes(word), expected, "{byte:#x} at {place}");
        }
    }
}

#[test]
fn lines_of_an_sdp_are_passed_at_once_up_to_what_is_neither_text_nor_the_end_of_a_line() {
    let lines =
        br"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=setup:actpass\r\na=sendrecv\r\na=";
    let passed = |text: &[u8]| plain(Level::new(), text);
    assert_eq!(passed(lines), lines.len() - 1, "nobody knows what comes after the last byte");
    assert_eq!(passed(&lines[..BLOCK]), 0, "less than a block and the byte after it");
    for place in (0..lines.len() - 1).filter(|at| !b"\\rn".contains(&lines[*at])) {
        for special in [b'"', b'\\', 0x1f, 0] {
            let mut other = *lines;
            other[place] = special;
            let escapes = special == b'\\' && b"rn".contains(&lines[place + 1]);
            assert!(escapes || passed(&other) == place, "{special:#x} at {place}");
        }
    }
}
