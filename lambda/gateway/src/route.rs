//! The route selection expression, which decides the route of a message.

use serde_json::Value;

/// An expression such as `$request.body.type` or `${request.body.type}/${request.body.kind}`. It
/// consists of text and variables. A variable is a path of names from the top of the JSON message.
/// Indexes and filters of JSONPath are not supported.
#[derive(Debug, PartialEq)]
pub(crate) struct Selection(Vec<Part>);

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Vec<String>),
}

const BODY: &str = "request.body.";

impl Selection {
    /// Parses an expression. Everything that is not a variable is literal text.
    pub(crate) fn parse(expression: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = expression;
        while let Some(at) = rest.find('$') {
            let (text, variable) = rest.split_at(at);
            match path(variable) {
                Some((path, after)) => {
                    parts.push(Part::Text(text.to_owned()));
                    parts.push(Part::Path(path.split('.').map(str::to_owned).collect()));
                    rest = after;
                }
                None => {
                    parts.push(Part::Text(rest[..=at].to_owned()));
                    rest = &rest[at + 1..];
                }
            }
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Self(parts)
    }

    /// The route key of a message; `None` if it is not JSON.
    pub(crate) fn key(&self, message: &str) -> Option<String> {
        let body: Value = serde_json::from_str(message).ok()?;
        let of = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Path(path) => text_at(&body, path),
        };
        Some(self.0.iter().map(of).collect())
    }
}

/// The path of the variable at the start of this text, and the rest of the text.
fn path(variable: &str) -> Option<(&str, &str)> {
    if let Some(braced) = variable.strip_prefix("${") {
        let (inside, after) = braced.split_once('}')?;
        return Some((inside.strip_prefix(BODY)?, after));
    }
    let path = variable.strip_prefix('$')?.strip_prefix(BODY)?;
    let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    Some(path.split_at(path.find(|c| !named(c)).unwrap_or(path.len())))
}

/// The text at a path. A missing value is empty, and a value that is not a string is written as
/// JSON.
fn text_at(body: &Value, path: &[String]) -> String {
    match path.iter().try_fold(body, |value, name| value.get(name)) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(expression: &str, message: &str) -> Option<String> {
        Selection::parse(expression).key(message)
    }

    #[test]
    fn an_expression_selects_a_route_key() {
        let table = [
            ("$request.body.type", r#"{"type":"join"}"#, "join"),
            ("$request.body.a.b", r#"{"a":{"b":"c"}}"#, "c"),
            ("$request.body.type/x", r#"{"type":"join"}"#, "join/x"),
            ("${request.body.a}/${request.body.b}", r#"{"a":"1","b":"2"}"#, "1/2"),
            ("v1-${request.body.a}-v2", r#"{"a":"1"}"#, "v1-1-v2"),
            ("${request.body.a}${request.body.b}", r#"{"a":"1"}"#, "1"),
            ("$request.body.type", r#"{"type":7}"#, "7"),
            ("$request.body.type", r#"{"type":null}"#, "null"),
            ("$request.body.type", r#"{"type":["a",{"b":1}]}"#, r#"["a",{"b":1}]"#),
            ("$request.body.type", r#"{"kind":"join"}"#, ""),
            ("$request.body.type", r#""join""#, ""),
            ("$request.body.type", "[1]", ""),
            ("a$b", "{}", "a$b"),
            ("${request.header.x}", "{}", "${request.header.x}"),
            ("${request.body.a", r#"{"a":"1"}"#, "${request.body.a"),
        ];
        for (expression, message, expected) in table {
            assert_eq!(
                key(expression, message).as_deref(),
                Some(expected),
                "{expression} {message}"
            );
        }
    }

    #[test]
    fn a_message_that_is_not_json_has_no_key() {
        for message in ["", "ping", "{", "{}{}"] {
            assert_eq!(key("$request.body.type", message), None, "{message}");
        }
    }

    #[test]
    fn values_are_not_evaluated_again() {
        let message = r#"{"a":"${request.body.b}","b":"x"}"#;
        assert_eq!(key("${request.body.a}", message).as_deref(), Some("${request.body.b}"));
    }
}
