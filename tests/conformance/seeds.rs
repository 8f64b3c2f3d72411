//! The messages of existing clients, word for word.

use serde_json::json;

use super::client::{Client, ids, meet};
use super::{Runtime, Settings};

pub async fn the_mesh_client_joins_by_its_peer_id_alone<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut other = Client::connect(&server).await;
    other.send_text(r#"{"type": "join", "peerId": "other-peer"}"#).await;
    other.expect("joined").await;
    let mut peer = Client::connect(&server).await;
    peer.send_text(r#"{"type": "join", "peerId": "test-peer-123"}"#).await;
    peer.expect("joined").await;
    let bootstrap = peer.expect("bootstrap_peers").await;
    assert_eq!(bootstrap["peers"], json!([{"id": "other-peer"}]));
    assert_eq!(other.expect("peer_joined").await["peerId"], "test-peer-123");
    peer.close().await;
    assert_eq!(other.expect("peer_left").await["peerId"], "test-peer-123");
}

pub async fn the_chat_client_can_send_everything_it_knows<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut companion] = meet(&server, "general", ["companion"]).await;
    let [mut user2] = meet(&server, "developers", ["user2"]).await;
    let query = "?userId=testuser&username=TestUser&roomId=general&token=valid_test_token";
    let mut client = Client::connect_with(&server, query, &[]).await.expect("a handshake");

    client.send_text(r#"{"type": "chat", "message": "Hello World!"}"#).await;
    let joined = client.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("general"), &json!("testuser")));
    assert_eq!(ids(&joined), ["companion"]);
    assert_eq!(companion.expect("peer_joined").await["displayName"], "TestUser");
    let chat = companion.expect("chat").await;
    assert_eq!((&chat["from"], &chat["message"]), (&json!("testuser"), &json!("Hello World!")));

    client.send_text(r#"{"type": "join_room", "roomId": "developers"}"#).await;
    let joined = client.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("developers"), &json!("testuser")));
    assert_eq!(companion.expect("peer_left").await["peerId"], "testuser");
    assert_eq!(user2.expect("peer_joined").await["displayName"], "TestUser");

    let private =
        r#"{"type": "private_message", "targetUserId": "user2", "message": "Private hello"}"#;
    client.send_text(private).await;
    let message = user2.expect("private_message").await;
    assert_eq!(message["from"], "testuser");
    assert_eq!(message["targetUserId"], "user2");
    assert_eq!(message["message"], "Private hello");

    client.send_text(r#"{"type": "room_list"}"#).await;
    let rooms = client.expect("room_list").await;
    let developers = json!({"roomId": "developers", "peerCount": 2});
    assert!(rooms["rooms"].as_array().is_some_and(|all| all.contains(&developers)), "{rooms}");

    client.send_text(r#"{"type": "typing_indicator"}"#).await;
    assert_eq!(user2.expect("typing_indicator").await["from"], "testuser");

    client.send_text(r#"{"type": "leave_room"}"#).await;
    assert_eq!(user2.expect("peer_left").await["reason"], "left");
    companion.expect_nothing().await;
    client.expect_nothing().await;
}
