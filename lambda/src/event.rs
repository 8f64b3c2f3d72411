//! The events that API Gateway sends to the function, and the function's responses.
//!
//! There are three kinds of event (AWS: "API Gateway WebSocket API mapping template reference").
//! `CONNECT` has headers and a query but no body. `MESSAGE` has a body but no headers or query.
//! `DISCONNECT` has none of them. All other fields, addresses included, are never read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use visio_signaling::core::ConnectionId;
use visio_signaling::redact::Redacted;
use visio_signaling::wire::Timestamp;

/// The event of one invocation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    /// The fields that all kinds of event have.
    pub request_context: Context,
    /// The headers of `CONNECT`, with their names as the client wrote them.
    #[serde(default)]
    headers: Option<Redacted<BTreeMap<String, String>>>,
    /// The decoded query of `CONNECT`; absent if the URL has no query.
    #[serde(default)]
    multi_value_query_string_parameters: Option<Redacted<BTreeMap<String, Vec<String>>>>,
    /// The text of the frame, for `MESSAGE`.
    #[serde(default)]
    pub body: Option<Redacted<String>>,
}

/// The fields that all kinds of event have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// The kind of event.
    pub event_type: Kind,
    /// API Gateway's id of the connection.
    pub connection_id: ConnectionId,
    /// When API Gateway received the request. Every decision uses it as the current time.
    pub request_time_epoch: Timestamp,
}

/// The kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A handshake. The connection opens once this is answered, and cannot be posted to before.
    Connect,
    /// A message.
    Message,
    /// The end of a connection. It may come late, twice, or never.
    Disconnect,
}

impl SocketEvent {
    /// A header of the handshake. Names are case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?.expose();
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The fields of the handshake's query.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.multi_value_query_string_parameters.iter().map(Redacted::expose);
        query.flatten().flat_map(|(field, values)| {
            values.iter().map(move |value| (field.as_str(), value.as_str()))
        })
    }
}

/// The response to an event. It only matters for `CONNECT`, where any status other than 2xx refuses
/// the handshake. A body never reaches the client.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// An HTTP status.
    pub status_code: u16,
    /// Headers of the handshake's response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<&'static str, &'static str>,
}

impl Answer {
    /// The event was handled.
    pub const fn done() -> Self {
        Self { status_code: 200, headers: BTreeMap::new() }
    }

    /// The handshake is refused.
    pub const fn refused(status_code: u16) -> Self {
        Self { status_code, headers: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &str = include_str!("../tests/events/connect.json");
    const MESSAGE: &str = include_str!("../tests/events/message.json");
    const DISCONNECT: &str = include_str!("../tests/events/disconnect.json");

    fn read(text: &str) -> SocketEvent {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_kind_of_event_has_the_shared_fields() {
        for (text, kind, time) in [
            (CONNECT, Kind::Connect, 1_741_615_200_002),
            (MESSAGE, Kind::Message, 1_741_615_201_234),
            (DISCONNECT, Kind::Disconnect, 1_741_617_000_000),
        ] {
            let context = read(text).request_context;
            assert_eq!((context.event_type, context.request_time_epoch), (kind, Timestamp(time)));
            assert_eq!(context.connection_id.to_string(), "L0SM9cOFvHcCIhw=");
        }
    }

    #[test]
    fn a_handshake_has_headers_in_any_case_and_a_query() {
        let event = read(CONNECT);
        assert_eq!(event.header("origin"), Some("https://clinic.example"));
        assert_eq!(event.header("sec-websocket-protocol"), Some("chat, visio"));
        let query: Vec<_> = event.query().collect();
        assert_eq!(query, [("displayName", "Ada Lovelace"), ("roomId", "visit-42")]);
        assert_eq!(read(DISCONNECT).query().count(), 0);
    }

    #[test]
    fn a_message_has_the_text_of_its_frame() {
        let body = read(MESSAGE).body.unwrap();
        assert_eq!(body.expose(), "{\"type\":\"offer\",\"to\":\"bob\",\"sdp\":\"v=0\\r\\n\"}");
    }

    #[test]
    fn no_event_prints_anything_personal() {
        for text in [CONNECT, MESSAGE, DISCONNECT] {
            let printed = format!("{:?}", read(text));
            for personal in ["Ada", "203.0.113.7", "v=0", "clinic"] {
                assert!(!printed.contains(personal), "{printed}");
            }
        }
    }

    #[test]
    fn an_answer_has_the_form_that_the_gateway_reads() {
        let answer = |answer| serde_json::to_string(&answer).unwrap();
        assert_eq!(answer(Answer::done()), r#"{"statusCode":200}"#);
        assert_eq!(answer(Answer::refused(403)), r#"{"statusCode":403}"#);
        let headers = BTreeMap::from([("Sec-WebSocket-Protocol", "visio")]);
        assert_eq!(
            answer(Answer { headers, ..Answer::done() }),
            r#"{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"visio"}}"#
        );
    }
}
