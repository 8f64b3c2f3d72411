//! The splice of `from`, for every object that a client can think of.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Map, Value};
use visio_signaling::wire::{Envelope, Stamp, Timestamp};

use super::peer;

/// A key, and whether it is spelt with escapes.
fn key() -> impl Strategy<Value = (String, bool)> {
    let name = prop_oneof![
        Just("from".to_owned()),
        Just("sentAt".to_owned()),
        Just("sdp".to_owned()),
        "[a-zé\"\\\\ ]{0,6}",
    ];
    (name, any::<bool>())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("from|a|b", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The text of an object, written field by field, so that keys can be there twice.
fn written(fields: &[((String, bool), Value)], space: &str) -> String {
    let mut text = format!("{space}{{{space}\"type\":\"offer\"");
    for ((name, escaped), value) in fields {
        let key = if *escaped { escape(name) } else { Value::from(name.as_str()).to_string() };
        write!(text, ",{space}{key}{space}:{space}{value}").unwrap();
    }
    text + space + "}" + space
}

fn escape(name: &str) -> String {
    let units =
        name.encode_utf16().fold(String::new(), |text, unit| format!("{text}\\u{unit:04x}"));
    format!("\"{units}\"")
}

proptest! {
    #[test]
    fn only_the_server_sets_from_and_nothing_else_is_lost(
        fields in prop::collection::vec((key(), value()), 0..8),
        space in "[ \t\r\n]{0,2}",
        sent_at in prop::option::of(0_u64..1 << 50),
    ) {
        let text = written(&fields, &space);
        let from = peer("ada");
        let stamp = Stamp { from: &from, sent_at: sent_at.map(Timestamp) };
        let out = Envelope::parse(&text).unwrap().frame.stamped(stamp);

        let mut expected: Map<String, Value> = serde_json::from_str(&text).unwrap();
        expected.insert("from".into(), "ada".into());
        if let Some(at) = sent_at {
            expected.insert("sentAt".into(), at.into());
        }
        prop_assert_eq!(serde_json::from_str::<Map<_, _>>(&out).unwrap(), expected);
        // Of two equal keys a parser may use either, so there must be only one.
        let keys = top_level_keys(&out);
        prop_assert_eq!(keys.iter().filter(|key| *key == "from").count(), 1);
        if sent_at.is_some() {
            prop_assert_eq!(keys.iter().filter(|key| *key == "sentAt").count(), 1);
        }
    }
}

/// Every key of an object, including keys that are there twice.
fn top_level_keys(text: &str) -> Vec<String> {
    struct Keys(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Keys;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Keys, A::Error> {
                    let mut keys = Vec::new();
                    while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                        keys.push(key);
                    }
                    Ok(Keys(keys))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Keys>(text).unwrap().0
}
