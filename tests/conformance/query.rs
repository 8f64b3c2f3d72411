//! The fields in the URL, and the join that the first message triggers.

use serde_json::json;

use super::client::{Client, ids, meet};
use super::{Runtime, Settings};

pub async fn the_query_fills_in_fields_that_a_join_leaves_out<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for (peer, query) in [
        ("bob", "?roomId=visit&peerId=bob&displayName=Bob%20B.+Bee"),
        ("cay", "?username=Bob+B.%20Bee&userId=cay&roomId=visit"),
    ] {
        let mut client = connect(&server, query).await;
        client.send(json!({"type": "join"})).await;
        let joined = client.expect("joined").await;
        assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("visit"), &json!(peer)));
        let news = ada.wait_for("peer_joined").await;
        assert_eq!((&news["peerId"], &news["displayName"]), (&json!(peer), &json!("Bob B. Bee")));
    }
}

pub async fn the_message_wins_over_the_query<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut bob = connect(&server, "?roomId=other&peerId=other&displayName=Other").await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "bob", "displayName": "Bob"});
    bob.send(join).await;
    assert_eq!(ids(&bob.expect("joined").await), ["ada"]);
    let news = ada.expect("peer_joined").await;
    assert_eq!((&news["peerId"], &news["displayName"]), (&json!("bob"), &json!("Bob")));
}

pub async fn a_room_in_the_query_counts_as_named<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [_ada] = meet(&server, "default", ["ada"]).await;
    let mut bob = connect(&server, "?roomId=default").await;
    bob.send(json!({"type": "join"})).await;
    bob.expect("joined").await;
    bob.expect_nothing().await;
    let mut cay = connect(&server, "?userId=cay").await;
    cay.send(json!({"type": "join"})).await;
    cay.expect("joined").await;
    assert_eq!(cay.expect("bootstrap_peers").await["peers"].as_array().map(Vec::len), Some(2));
}

pub async fn the_first_message_triggers_the_join<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut bob = connect(&server, "?roomId=visit&peerId=bob").await;
    bob.send(json!({"type": "chat", "message": "hello", "requestId": "c"})).await;
    let joined = bob.expect("joined").await;
    assert_eq!(ids(&joined), ["ada"]);
    assert_eq!(joined.get("requestId"), None, "the mark is the chat's");
    assert_eq!(ada.expect("peer_joined").await["peerId"], "bob");
    let chat = ada.expect("chat").await;
    assert_eq!((&chat["from"], &chat["message"]), (&json!("bob"), &json!("hello")));
    bob.expect_nothing().await;
}

pub async fn joined_comes_before_the_first_messages_answer<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for (message, answer) in [
        (json!({"type": "ping", "requestId": "1"}), "pong"),
        (json!({"type": "peers", "requestId": "1"}), "roster"),
        (json!({"type": "room_list", "requestId": "1"}), "room_list"),
        (json!({"type": "offer", "to": "nobody", "sdp": "v=0", "requestId": "1"}), "error"),
    ] {
        let mut client = connect(&server, &format!("?roomId={answer}")).await;
        client.send(message).await;
        client.expect("joined").await;
        assert_eq!(client.expect(answer).await["requestId"], "1");
    }
}

pub async fn any_one_field_of_the_query_requests_the_join<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for query in
        ["?roomId=r", "?peerId=p", "?userId=p", "?displayName=N", "?username=N", "?token=t"]
    {
        let mut client = connect(&server, query).await;
        client.send(json!({"type": "peers"})).await;
        client.expect("joined").await;
        client.wait_for("roster").await;
    }
}

pub async fn a_query_without_known_fields_requests_no_join<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for query in ["", "?utm_source=mail", "?room=visit&peer=bob"] {
        let mut client = connect(&server, query).await;
        client.send(json!({"type": "peers"})).await;
        client.expect_error("not_joined").await;
    }
}

pub async fn only_the_first_message_triggers_the_join<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut bob = connect(&server, "?roomId=visit&peerId=bob").await;
    bob.send(json!({"type": "ping"})).await;
    if !R::PROFILE.hears_bare_pings {
        bob.expect("pong").await;
        ada.expect_nothing().await;
        // So this one is the first.
        bob.send(json!({"type": "ping", "requestId": "p"})).await;
    }
    bob.expect("joined").await;
    bob.expect("pong").await;
    bob.send(json!({"type": "leave"})).await;
    bob.handled().await;
    bob.send(json!({"type": "chat", "message": "gone"})).await;
    bob.expect_error("not_joined").await;
    ada.expect("peer_joined").await;
    ada.expect("peer_left").await;
    ada.expect_nothing().await;
}

pub async fn the_query_applies_to_every_join_of_its_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut bob = connect(&server, "?roomId=visit&peerId=bob").await;
    for _ in 0..2 {
        bob.send(json!({"type": "join"})).await;
        let joined = bob.expect("joined").await;
        assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("visit"), &json!("bob")));
        bob.send(json!({"type": "leave"})).await;
        bob.handled().await;
    }
}

pub async fn a_bad_value_in_the_query_is_named<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let long = "x".repeat(129);
    for (field, query) in [
        ("roomId", "?roomId=a%2Fb".to_owned()),
        ("roomId", "?roomId=".to_owned()),
        ("peerId", format!("?roomId=visit&peerId={long}")),
        ("peerId", "?userId=a%20b".to_owned()),
        ("displayName", format!("?displayName={long}")),
        ("displayName", "?username=a%00b".to_owned()),
    ] {
        let mut client = connect(&server, &query).await;
        client.send(json!({"type": "join", "requestId": "j"})).await;
        let error = client.expect_error("invalid_message").await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains(field)), "{error}");
        assert_eq!(error["requestId"], "j");
        let join = json!({"type": "join", "roomId": "r", "peerId": "p", "displayName": "n"});
        client.send(join).await;
        client.expect("joined").await;
    }
}

pub async fn a_first_message_whose_join_fails_is_handled_without_a_seat<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 1, ..Settings::default() }).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for (query, code) in [("?roomId=visit", "room_full"), ("?roomId=a%2Fb", "invalid_message")] {
        let mut bob = connect(&server, query).await;
        bob.send(json!({"type": "chat", "message": "hello", "requestId": "c"})).await;
        bob.expect_error(code).await;
        assert_eq!(bob.expect_error("not_joined").await["requestId"], "c");
    }
    ada.expect_nothing().await;
}

async fn connect(runtime: &impl Runtime, query: &str) -> Client {
    Client::connect_with(runtime, query, &[]).await.expect("a handshake")
}
