//! Only a peer with a seat may send, and only to its own room.

use serde_json::json;

use super::client::{Client, meet};
use super::relaying::TO_ONE;
use super::{Runtime, Settings};

pub async fn a_client_without_a_seat_can_send_nothing<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut eve = Client::connect(&server).await;
    for kind in TO_ONE {
        eve.send(json!({"type": kind, "to": "ada", "requestId": kind})).await;
        let error = eve.expect_error("not_joined").await;
        assert_eq!((&error["requestId"], &error["to"]), (&json!(kind), &json!("ada")));
    }
    ada.expect_nothing().await;
}

pub async fn a_client_without_a_seat_can_ask_nothing<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut eve = Client::connect(&server).await;
    for kind in [
        "chat",
        "typing_indicator",
        "peers",
        "room_list",
        "leave",
        "leave_room",
        "admit",
        "deny",
        "to_lobby",
        "remove",
        "end_visit",
    ] {
        eve.send(json!({"type": kind, "peerId": "ada", "requestId": kind})).await;
        let error = eve.expect_error("not_joined").await;
        assert_eq!((&error["requestId"], error.get("to")), (&json!(kind), None));
    }
    ada.expect_nothing().await;
}

pub async fn ping_needs_no_seat<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    client.send(json!({"type": "ping", "requestId": "p"})).await;
    let pong = client.expect("pong").await;
    assert_eq!(pong["requestId"], "p");
    assert!(pong["serverTime"].as_u64().is_some_and(|at| at > 1_600_000_000_000), "{pong}");
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.expect("pong").await.get("requestId"), None);
}

pub async fn the_server_speaks_only_when_spoken_to<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    client.expect_nothing().await;
}

pub async fn the_error_names_a_peer_that_is_not_there<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for message in [
        json!({"type": "offer", "to": "nobody", "sdp": "v=0", "requestId": "o"}),
        json!({"type": "chat", "to": "nobody", "requestId": "o"}),
        json!({"type": "private_message", "targetUserId": "nobody", "requestId": "o"}),
        json!({"type": "signal", "to": "BOB", "requestId": "o"}),
    ] {
        ada.send(message.clone()).await;
        let error = ada.expect_error("peer_not_found").await;
        let to = message.get("to").unwrap_or(&message["targetUserId"]);
        assert_eq!((&error["to"], &error["requestId"]), (to, &json!("o")));
    }
    bob.expect_nothing().await;
}

pub async fn a_peer_in_another_room_is_not_found<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "one", ["ada"]).await;
    let [mut bob] = meet(&server, "two", ["bob"]).await;
    for kind in ["offer", "chat", "private_message"] {
        ada.send(json!({"type": kind, "to": "bob", "roomId": "two"})).await;
        assert_eq!(ada.expect_error("peer_not_found").await["to"], "bob");
    }
    ada.send(json!({"type": "chat", "roomId": "two", "message": "hello"})).await;
    ada.expect_nothing().await;
    bob.expect_nothing().await;
}

pub async fn a_peer_cannot_write_to_itself<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for kind in ["offer", "chat", "private_message"] {
        ada.send(json!({"type": kind, "to": "ada", "requestId": "me"})).await;
        let error = ada.expect_error("invalid_message").await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains("`to`")), "{error}");
        assert_eq!((&error["to"], &error["requestId"]), (&json!("ada"), &json!("me")));
    }
    ada.expect_nothing().await;
    bob.expect_nothing().await;
}

pub async fn requests_that_only_a_host_may_make_are_forbidden<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for kind in ["admit", "deny", "to_lobby", "remove", "end_visit"] {
        ada.send(json!({"type": kind, "peerId": "bob", "requestId": kind})).await;
        let error = ada.expect_error("forbidden").await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains(kind)), "{error}");
        assert_eq!(error["requestId"], kind);
    }
    bob.expect_nothing().await;
    assert_eq!(ada.roster().await["peers"].as_array().map(Vec::len), Some(1));
}
