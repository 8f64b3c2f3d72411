//! From a message to an invocation. Every message is invoked at once and separately. Nothing keeps
//! the messages of a connection in order, and tests must not rely on any order.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Front;
use super::connection::Connection;
use super::session::End;
use crate::event::Maker;
use crate::faults::Chance;
use crate::options::Integration;

const DEFAULT: &str = "$default";
const DISCONNECT: &str = "$disconnect";

/// An error frame from the gateway itself. Clients must tell it apart from the function's frames.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complaint<'a> {
    message: &'a str,
    connection_id: &'a str,
    request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pong {
    r#type: &'static str,
    server_time: u64,
}

/// Handles a message from the client.
pub(super) fn message(front: &Arc<Front>, connection: &Arc<Connection>, text: Utf8Bytes) {
    let now = front.site.clock.now();
    connection.touch(now);
    front.site.meter.message_in(text.len());
    match route(front, &text) {
        None => complain(front, connection, "Forbidden", &front.site.ids.short()),
        Some((_, Integration::Pong)) => {
            tell(front, connection, &Pong { r#type: "pong", server_time: now });
        }
        Some((route, Integration::Lambda)) => invoke(front, connection, route, text),
    }
}

/// The route of a message: an exact match, or else `$default`. A message cannot select the
/// gateway's own routes.
fn route(front: &Front, text: &str) -> Option<(String, Integration)> {
    let selected = front.selection.key(text).filter(|key| !key.starts_with('$'));
    let found = selected.and_then(|key| front.routes.get_key_value(&key));
    let found = found.or_else(|| front.routes.get_key_value(DEFAULT));
    found.map(|(key, integration)| (key.clone(), *integration))
}

/// Invokes the function. Its answer is ignored, whatever the status. Only a failed invocation is
/// reported to the client.
fn invoke(front: &Arc<Front>, connection: &Arc<Connection>, route: String, text: Utf8Bytes) {
    let (front, connection) = (Arc::clone(front), Arc::clone(connection));
    let site = Arc::clone(&front.site);
    let (held, delay) = (site.pending.hold(), site.dice.delay());
    // An event that is held back keeps its original time.
    let maker = Maker { ids: &site.ids, now: site.clock.now() };
    let event = maker.message(&connection.caller, &route, &text);
    site.tasks.spawn(async move {
        let _held = held;
        front.site.clock.pass(delay).await;
        if front.signaling.invoke(&route, event.json).await.is_err() {
            complain(&front, &connection, "Internal server error", &event.request_id);
        }
    });
}

/// Invokes `$disconnect`, which is best effort, as on AWS.
pub(super) fn disconnect(front: &Arc<Front>, connection: &Arc<Connection>, end: &End) {
    let dice = &front.site.dice;
    let routed = front.routes.get(DISCONNECT) == Some(&Integration::Lambda);
    if !routed || dice.takes(Chance::LoseDisconnect) {
        return;
    }
    let maker = Maker { ids: &front.site.ids, now: front.site.clock.now() };
    let event = maker.disconnect(&connection.caller, end.code, &end.reason).json;
    let times = if dice.takes(Chance::DoubleDisconnect) { 2 } else { 1 };
    for _ in 0..times {
        let late = dice.takes(Chance::LateDisconnect);
        let late = if late { dice.faults().late_disconnect.1 } else { Duration::ZERO };
        let delay = dice.delay() + late;
        let (front, event, held) = (Arc::clone(front), event.clone(), front.site.pending.hold());
        let site = Arc::clone(&front.site);
        site.tasks.spawn(async move {
            let _held = held;
            front.site.clock.pass(delay).await;
            // If it fails, nobody is left to be told.
            let _ = front.signaling.invoke(DISCONNECT, event).await;
        });
    }
}

fn complain(front: &Front, connection: &Connection, message: &str, request_id: &str) {
    tell(front, connection, &Complaint { message, connection_id: connection.id(), request_id });
}

fn tell(front: &Front, connection: &Connection, frame: &impl Serialize) {
    let Ok(text) = serde_json::to_string(frame) else { return };
    let bytes = text.len();
    // A client that does not read misses the frame.
    if connection.outbox.push(text.into()).is_ok() {
        front.site.meter.message_out(bytes);
        connection.touch(front.site.clock.now());
    }
}
