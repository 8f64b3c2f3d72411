//! Taking a seat.

use serde_json::json;

use super::client::{Client, ids};
use super::{Runtime, Settings};

pub async fn the_first_peer_finds_an_empty_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let (_ada, joined) = Client::join(&server, "visit", "ada").await;
    assert_eq!(joined["roomId"], "visit");
    assert_eq!(joined["peerId"], "ada");
    assert_eq!(joined["peers"], json!([]));
    assert_eq!(joined["iceServers"], json!([]));
    assert_eq!(joined["resumed"], false);
    assert_eq!(joined["role"], "guest");
    assert_eq!(joined["heartbeatSeconds"], 25);
    assert!(joined["version"].is_u64());
}

pub async fn the_second_peer_sees_the_first_and_is_seen_by_it<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let (mut ada, first) = Client::join(&server, "visit", "ada").await;
    let (_bob, second) = Client::join(&server, "visit", "bob").await;
    assert_eq!(ids(&second), ["ada"]);
    let news = ada.expect("peer_joined").await;
    assert_eq!(news["peerId"], "bob");
    assert_eq!(news["rejoined"], false);
    assert_eq!(ids(&news), ["bob"]);
    assert_eq!(news["version"], second["version"]);
    assert_eq!(second["version"], first["version"].as_u64().unwrap() + 1);
}
