//! The contract for machines, `docs/asyncapi.yaml`, and whether a message is what it says.
//!
//! It knows as much of JSON Schema as that file uses, and panics at the rest.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../docs/asyncapi.yaml");
    let mut document: Value = serde_yaml_ng::from_str(text).expect("docs/asyncapi.yaml is YAML");
    document["components"]["schemas"].take()
});

/// The pattern of identifiers, which is the only one.
const ID: &str = "^[A-Za-z0-9._~:@+-]{1,128}$";

/// The side that sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

/// Whether a message is what the contract says; if not, why.
pub fn check(sender: Sender, message: &Value) -> Result<(), String> {
    let union = if sender == Sender::Client { "ClientMessage" } else { "ServerMessage" };
    let choices = SCHEMAS[union]["oneOf"].as_array().expect("a list of messages");
    let of_type =
        |schema: &&Value| matches(&schema["properties"]["type"], &message["type"]).is_ok();
    let schema = choices.iter().map(resolved).find(of_type);
    let Some(schema) = schema else { return Err(format!("no message has the type of {message}")) };
    let fields = message.as_object().ok_or("not an object")?;
    if sender == Sender::Client || fields.contains_key("from") {
        // In what a client writes, null is absent.
        let there = fields.iter().filter(|(_, value)| !value.is_null());
        let there: Map<_, _> = there.map(|(name, value)| (name.clone(), value.clone())).collect();
        return matches(schema, &Value::Object(there));
    }
    matches(schema, message)?;
    let named = schema["properties"].as_object().expect("properties");
    match fields.keys().find(|field| !named.contains_key(*field)) {
        Some(field) if schema.get("additionalProperties").is_none() => {
            Err(format!("`{field}` is not in the contract"))
        }
        _ => Ok(()),
    }
}

/// Fails if a frame is not what the contract says. Frames of API Gateway's own have no `type`, and
/// a few tests send what no JSON value can hold.
pub fn assert_in_contract(sender: Sender, text: &str) {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return };
    if message.get("type").is_none() {
        return;
    }
    if let Err(why) = check(sender, &message) {
        panic!("not what docs/asyncapi.yaml says: {why}: {message}");
    }
}

fn resolved(schema: &Value) -> &Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(path) => {
            let name = path.strip_prefix("#/components/schemas/").expect("a schema of this file");
            SCHEMAS.get(name).unwrap_or_else(|| panic!("there is no schema {name}"))
        }
        None => schema,
    }
}

fn matches(schema: &Value, value: &Value) -> Result<(), String> {
    let rules = resolved(schema).as_object().expect("a schema");
    for (keyword, rule) in rules {
        holds(keyword, rule, value).map_err(|why| format!("{why}, in {value}"))?;
    }
    Ok(())
}

fn holds(keyword: &str, rule: &Value, value: &Value) -> Result<(), String> {
    let wrong = |good: bool, why: String| if good { Ok(()) } else { Err(why) };
    match keyword {
        "description" | "additionalProperties" => Ok(()),
        "const" => wrong(value == rule, format!("expected {rule}")),
        "enum" => wrong(list(rule).contains(value), format!("expected one of {rule}")),
        "type" => wrong(is_a(rule, value), format!("expected the type {rule}")),
        "pattern" => {
            assert_eq!(rule, ID, "a pattern that this check does not know");
            wrong(value.as_str().is_some_and(is_id), "expected an identifier".to_owned())
        }
        "maxLength" => {
            let length = value.as_str().map_or(0, |text| text.chars().count() as u64);
            wrong(length <= rule.as_u64().expect("a length"), format!("longer than {rule}"))
        }
        "minimum" => wrong(value.as_f64() >= rule.as_f64(), format!("expected {rule} or more")),
        "required" => match list(rule).iter().find(|name| value.get(text(name)).is_none()) {
            Some(name) => Err(format!("{name} is missing")),
            None => Ok(()),
        },
        "properties" => {
            let properties = rule.as_object().expect("properties");
            properties.iter().try_for_each(|(name, schema)| match value.get(name) {
                Some(field) => matches(schema, field).map_err(|why| format!("`{name}`: {why}")),
                None => Ok(()),
            })
        }
        "items" => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().try_for_each(|item| matches(rule, item))
        }
        "oneOf" | "anyOf" => {
            let fitting = list(rule).iter().any(|one| matches(one, value).is_ok());
            wrong(fitting, "expected something else".to_owned())
        }
        other => panic!("a keyword that this check does not know: {other}"),
    }
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is_a(kind, value)),
        kind => match text(kind) {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            other => panic!("a type that this check does not know: {other}"),
        },
    }
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:@+-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
