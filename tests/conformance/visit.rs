//! Visits with tokens: the people in them, and how they join.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use visio_signaling::core::Grant;
use visio_signaling::token::mint;
use visio_signaling::wire::{DisplayName, FromText, PeerId, Role, RoomId, Timestamp};

use super::Runtime;
use super::client::Client;
use super::tokens::SECRET;
pub use super::tokens::guarded;

/// A token's claims for `peer` in the room `visit`, for an hour.
pub fn grant(peer: &str, role: Role) -> Grant {
    Grant {
        subject: PeerId::parse(peer).expect("a peer id"),
        room: RoomId::parse("visit").expect("a room id"),
        role,
        name: DisplayName::parse(&format!("Person {peer}")),
        relay_only: false,
        lobby: role == Role::Guest,
        capacity: None,
        expires_at: from_now(Duration::from_secs(3600)),
        visit_end: None,
        readmitted_at: None,
    }
}

/// The time after a while.
pub fn from_now(later: Duration) -> Timestamp {
    (SystemTime::now() + later).into()
}

/// The `join` of a peer with this token.
pub fn join(grant: &Grant) -> Value {
    let token = mint(SECRET, grant, None).expect("a token");
    json!({"type": "join", "roomId": "visit", "token": token.expose()})
}

/// Joins with a token, and gets in at once.
pub async fn seated(runtime: &impl Runtime, grant: &Grant) -> (Client, Value) {
    Client::join_with(runtime, join(grant)).await
}

/// The host of the visit, and what it sees of the lobby.
pub async fn doctor(runtime: &impl Runtime) -> (Client, Value) {
    let (mut doctor, joined) = seated(runtime, &grant("doctor", Role::Host)).await;
    assert_eq!(joined["role"], "host");
    let lobby = doctor.expect("lobby").await;
    (doctor, lobby)
}

/// A guest that has to wait, and its `waiting`.
pub async fn patient(runtime: &impl Runtime, peer: &str) -> (Client, Value) {
    let mut client = Client::connect(runtime).await;
    client.send(join(&grant(peer, Role::Guest))).await;
    let waiting = client.expect("waiting").await;
    (client, waiting)
}

/// A doctor and a patient in one room, with all news read.
pub async fn together(runtime: &impl Runtime) -> [Client; 2] {
    let (mut doctor, _) = doctor(runtime).await;
    let (mut patient, _) = patient(runtime, "patient").await;
    doctor.expect("knock").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    patient.expect("joined").await;
    let mut kinds = [doctor.next().await, doctor.next().await].map(|news| news["type"].clone());
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["lobby", "peer_joined"]);
    [doctor, patient]
}
