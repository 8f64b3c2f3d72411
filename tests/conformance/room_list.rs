//! Which rooms there are.

use serde_json::{Value, json};

use super::client::{Client, meet};
use super::tokens::guarded;
use super::{Runtime, Settings};

pub async fn every_live_room_is_listed_with_its_peers<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, _bob] = meet(&server, "one", ["ada", "bob"]).await;
    let [mut cay] = meet(&server, "two", ["cay"]).await;
    let [_a, _b, _c] = meet(&server, "three", ["a", "b", "c"]).await;
    for (client, own) in [(&mut ada, ("one", 2)), (&mut cay, ("two", 1))] {
        assert_eq!(rooms(client).await, told::<R>(own, &[("one", 2), ("three", 3), ("two", 1)]));
    }
}

pub async fn the_answer_echoes_the_request_id<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "one", ["ada"]).await;
    ada.send(json!({"type": "room_list", "requestId": "rooms?"})).await;
    assert_eq!(ada.expect("room_list").await["requestId"], "rooms?");
}

pub async fn a_room_counts_its_seats_as_they_come_and_go<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, bob, mut cay] = meet(&server, "one", ["ada", "bob", "cay"]).await;
    assert_eq!(rooms(&mut ada).await, [room(("one", 3))]);
    bob.close().await;
    ada.expect("peer_left").await;
    assert_eq!(rooms(&mut ada).await, [room(("one", 2))]);
    let (_again, _) = Client::join(&server, "one", "cay").await;
    cay.wait_for("error").await;
    ada.expect("peer_joined").await;
    assert_eq!(rooms(&mut ada).await, [room(("one", 2))]);
}

pub async fn an_empty_room_vanishes<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "one", ["ada"]).await;
    let [mut bob] = meet(&server, "two", ["bob"]).await;
    let [cay] = meet(&server, "three", ["cay"]).await;
    bob.send(json!({"type": "leave"})).await;
    bob.expect_nothing().await;
    assert_eq!(rooms(&mut ada).await, told::<R>(("one", 1), &[("one", 1), ("three", 1)]));
    bob.send(json!({"type": "join_room", "roomId": "four"})).await;
    bob.expect("joined").await;
    bob.send(json!({"type": "join_room", "roomId": "one"})).await;
    bob.expect("joined").await;
    // Cay takes over its own seat and leaves: once the newer connection is gone, so is the room.
    let (mut again, _) = Client::join(&server, "three", "cay").await;
    again.send(json!({"type": "leave"})).await;
    again.expect_nothing().await;
    ada.expect("peer_joined").await;
    assert_eq!(rooms(&mut ada).await, [room(("one", 2))]);
    drop(cay);
}

pub async fn no_name_keeps_a_room_off_the_list<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "one", ["ada"]).await;
    let [_doctor] = meet(&server, "health-check~x", ["doctor"]).await;
    let all = [("health-check~x", 1), ("one", 1)];
    assert_eq!(rooms(&mut ada).await, told::<R>(("one", 1), &all));
}

pub async fn the_services_own_rooms_are_closed_to_clients<R: Runtime>() {
    for settings in [Settings::default(), guarded()] {
        let server = R::start(settings).await;
        let mut ada = Client::connect(&server).await;
        for kind in ["join", "join_room"] {
            ada.send(json!({"type": kind, "roomId": "own/health-check~x", "peerId": "ada"})).await;
            ada.expect_error("invalid_message").await;
        }
    }
}

/// The part of these rooms that a peer in its own room is told.
fn told<R: Runtime>(own: (&str, usize), all: &[(&str, usize)]) -> Vec<Value> {
    let told = if R::PROFILE.lists_rooms { all } else { &[own] };
    told.iter().copied().map(room).collect()
}

fn room((name, peers): (&str, usize)) -> Value {
    json!({"roomId": name, "peerCount": peers})
}

/// The rooms, sorted by name; the contract promises no order.
async fn rooms(client: &mut Client) -> Vec<Value> {
    client.send(json!({"type": "room_list"})).await;
    let mut rooms = match client.expect("room_list").await["rooms"].take() {
        Value::Array(rooms) => rooms,
        other => panic!("expected a list, got {other}"),
    };
    rooms.sort_by_key(|room| room["roomId"].as_str().map(str::to_owned));
    rooms
}
