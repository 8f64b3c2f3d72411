//! What API Gateway tells the function, as far as it matters, and what it is answered.
//!
//! Three kinds of event come in (AWS: "API Gateway WebSocket API mapping template reference"):
//! `CONNECT` has headers and a query and no body, `MESSAGE` a body and neither, `DISCONNECT` none
//! of it. Everything else they carry, addresses included, is not even read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use visio_signaling::core::ConnectionId;
use visio_signaling::redact::Redacted;
use visio_signaling::wire::Timestamp;

/// One invocation's event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    /// Who and when.
    pub request_context: Context,
    /// Of `CONNECT`: header names as the client wrote them.
    #[serde(default)]
    headers: Option<Redacted<BTreeMap<String, String>>>,
    /// Of `CONNECT`, decoded; absent where the URL has no query.
    #[serde(default)]
    multi_value_query_string_parameters: Option<Redacted<BTreeMap<String, Vec<String>>>>,
    /// Of `MESSAGE`: the text of the frame.
    #[serde(default)]
    pub body: Option<Redacted<String>>,
}

/// What the three kinds have in common.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Which kind this is.
    pub event_type: Kind,
    /// The connection, as API Gateway names it.
    pub connection_id: ConnectionId,
    /// When API Gateway took the request: the wall clock of every decision.
    pub request_time_epoch: Timestamp,
}

/// The kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A handshake: the connection is open once this is answered, and cannot be posted to before.
    Connect,
    /// A message.
    Message,
    /// The end of a connection. It may come late, twice, or never.
    Disconnect,
}

impl SocketEvent {
    /// A header of the handshake, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?.expose();
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The handshake's query, field by field.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.multi_value_query_string_parameters.iter().map(Redacted::expose);
        query.flatten().flat_map(|(field, values)| {
            values.iter().map(move |value| (field.as_str(), value.as_str()))
        })
    }
}

/// The answer to an event. Only to `CONNECT` does it mean anything: any status but 2xx refuses the
/// handshake. A body never reaches the client.
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
    /// The event was dealt with.
    pub const fn done() -> Self {
        Self { status_code: 200, headers: BTreeMap::new() }
    }

    /// The handshake is refused.
    pub const fn refused(status_code: u16) -> Self {
        Self { status_code, headers: BTreeMap::new() }
    }
}
