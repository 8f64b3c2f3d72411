//! Tokens and visits that end at a set time.

use std::time::Duration;

use serde_json::json;
use visio_signaling::core::Grant;
use visio_signaling::wire::Role;

use super::Runtime;
use super::client::Client;
use super::visit::{from_now, grant, guarded, join, seated};

pub async fn a_visit_warns_and_ends_by_itself<R: Runtime>() {
    let server = R::start(guarded()).await;
    let end = from_now(Duration::from_secs(3));
    let timed = |peer, role| Grant { visit_end: Some(end), lobby: false, ..grant(peer, role) };
    let (mut doctor, joined) = seated(&server, &timed("doctor", Role::Host)).await;
    assert_eq!(joined["expiresAt"], end.0 / 1000 * 1000);
    let (mut guest, _) = seated(&server, &timed("guest", Role::Guest)).await;
    // Less than five minutes are left from the start.
    guest.wait_for("visit_ending").await;
    for client in [&mut guest, &mut doctor] {
        until(&server, client, "visit_ended").await;
        client.expect_end("visit_expired", 4011).await;
    }
    let mut late = Client::connect(&server).await;
    late.send(join(&timed("guest", Role::Guest))).await;
    let error = late.expect("error").await;
    assert!(error["code"] == "visit_ended" || error["code"] == "visit_expired", "{error}");
    late.expect_closed(late.close_code(4011)).await;
}

pub async fn an_expired_token_ends_its_seat<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut doctor, _) = seated(&server, &grant("doctor", Role::Host)).await;
    doctor.expect("lobby").await;
    // Clocks may be a minute apart, so a token that expired 58 seconds ago is valid for two more.
    let over = Grant {
        expires_at: visio_signaling::wire::Timestamp(from_now(Duration::ZERO).0 - 57_000),
        lobby: false,
        ..grant("guest", Role::Guest)
    };
    let (mut guest, _) = seated(&server, &over).await;
    until(&server, &mut guest, "error").await;
    let left = doctor.wait_for("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("guest"), &json!("expired")));
    doctor.send(json!({"type": "peers"})).await;
    assert_eq!(doctor.wait_for("roster").await["peers"], json!([]));
}

/// Waits for a message. If the runtime has no clock of its own to cause it, some client has to send
/// something.
async fn until<R: Runtime>(_: &R, client: &mut Client, kind: &str) {
    if R::PROFILE.ends_by_itself {
        client.wait_for(kind).await;
        return;
    }
    loop {
        client.try_send(json!({"type": "peers"})).await;
        if client.next().await["type"] == kind {
            return;
        }
    }
}
