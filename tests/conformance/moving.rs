//! `join_room`: taking a seat, and changing the room.

use serde_json::json;
use tokio::sync::watch;

use super::client::{Client, ids, meet, version};
use super::site::Site;
use super::{Runtime, Settings};

pub async fn join_room_takes_a_seat<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let join = json!({"type": "join_room", "roomId": "visit", "peerId": "bob", "requestId": "1"});
    let (_bob, joined) = Client::join_with(&server, join).await;
    assert_eq!(ids(&joined), ["ada"]);
    assert_eq!(joined["requestId"], "1");
    assert_eq!(ada.expect("peer_joined").await["peerId"], "bob");
}

pub async fn join_room_moves_a_seated_peer_to_another_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "front", ["ada", "bob"]).await;
    let [mut cay] = meet(&server, "back", ["cay"]).await;
    bob.send(json!({"type": "join_room", "roomId": "back", "requestId": "m"})).await;
    let joined = bob.expect("joined").await;
    assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("back"), &json!("bob")));
    assert_eq!((ids(&joined), &joined["requestId"]), (vec!["cay"], &json!("m")));
    assert_eq!(cay.expect("peer_joined").await["version"], joined["version"]);
    bob.expect_nothing().await;
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("left")));
    bob.send(json!({"type": "chat", "message": "here"})).await;
    assert_eq!(cay.expect("chat").await["from"], "bob");
    ada.expect_nothing().await;
    ada.send(json!({"type": "chat", "message": "still there?"})).await;
    ada.expect_nothing().await;
    bob.expect_nothing().await;
}

pub async fn a_peer_that_moves_may_take_another_peer_id<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "front", ["ada", "bob"]).await;
    bob.send(json!({"type": "join_room", "roomId": "back", "peerId": "bea"})).await;
    assert_eq!(bob.expect("joined").await["peerId"], "bea");
    assert_eq!(ada.expect("peer_left").await["peerId"], "bob");
    assert_eq!(ids(&ada.roster().await), [""; 0]);
}

pub async fn a_peer_that_moves_keeps_its_name_and_metadata<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "back", ["ada"]).await;
    let join = json!({"type": "join", "roomId": "front", "peerId": "bob", "displayName": "Bob",
                      "metadata": {"device": "phone"}});
    let (mut bob, _) = Client::join_with(&server, join).await;
    bob.send(json!({"type": "join_room", "roomId": "back"})).await;
    bob.expect("joined").await;
    let news = ada.expect("peer_joined").await;
    assert_eq!((&news["peerId"], &news["displayName"]), (&json!("bob"), &json!("Bob")));
    assert_eq!(news["peers"][0]["metadata"], json!({"device": "phone"}));
    // Unless the message says otherwise.
    let change = json!({"type": "join_room", "roomId": "front", "displayName": "Bobby"});
    bob.send(change).await;
    bob.expect("joined").await;
    bob.send(json!({"type": "join_room", "roomId": "back"})).await;
    bob.expect("joined").await;
    ada.expect("peer_left").await;
    assert_eq!(ada.expect("peer_joined").await["displayName"], "Bobby");
}

pub async fn a_move_to_a_full_room_keeps_the_old_seat<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada, mut bob] = meet(&server, "front", ["ada", "bob"]).await;
    let [mut cay, mut dan] = meet(&server, "back", ["cay", "dan"]).await;
    let before = ada.roster().await;
    bob.send(json!({"type": "join_room", "roomId": "back", "requestId": "m"})).await;
    assert_eq!(bob.expect_error("room_full").await["requestId"], "m");
    for client in [&mut ada, &mut cay, &mut dan] {
        client.expect_nothing().await;
    }
    assert_eq!(version(&ada.roster().await), version(&before));
    bob.send(json!({"type": "chat", "message": "still here"})).await;
    assert_eq!(ada.expect("chat").await["from"], "bob");
}

pub async fn join_room_into_the_same_room_is_refused<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for message in [
        json!({"type": "join_room", "roomId": "visit", "requestId": "x"}),
        json!({"type": "join_room", "requestId": "x"}),
    ] {
        bob.send(message).await;
        assert_eq!(bob.expect_error("already_joined").await["requestId"], "x");
    }
    ada.expect_nothing().await;
    assert_eq!(ids(&ada.roster().await), ["bob"]);
}

pub async fn a_move_takes_over_the_same_peer_id_in_the_other_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut old] = meet(&server, "back", ["ada", "bob"]).await;
    let [mut bob] = meet(&server, "front", ["bob"]).await;
    bob.send(json!({"type": "join_room", "roomId": "back"})).await;
    assert_eq!(ids(&bob.expect("joined").await), ["ada"]);
    assert_eq!(ada.expect("peer_joined").await["rejoined"], true);
    old.expect_end("replaced", 4009).await;
    assert_eq!(ids(&ada.roster().await), ["bob"]);
}

pub async fn a_peer_that_moved_can_move_back<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "front", ["ada", "bob"]).await;
    for round in 0..if R::PROFILE.ordered { 5 } else { 2 } {
        bob.send(json!({"type": "join_room", "roomId": "back"})).await;
        assert_eq!(bob.expect("joined").await["roomId"], "back", "round {round}");
        let left = ada.expect("peer_left").await;
        bob.send(json!({"type": "join_room", "roomId": "front"})).await;
        assert_eq!(ids(&bob.expect("joined").await), ["ada"]);
        let back = ada.expect("peer_joined").await;
        assert_eq!((version(&back), &back["rejoined"]), (version(&left) + 1, &json!(false)));
    }
}

/// Versions of two rooms cannot be compared: a client that took old news for new would be wrong
/// about who is there until the next change.
pub async fn news_of_the_old_room_never_passes_for_news_of_the_new<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut bob] = meet(&server, "front", ["bob"]).await;
    let (stop, stopped) = watch::channel(());
    let mut crowd = Vec::new();
    for nth in 0..12 {
        let site = Site::of(&server);
        crowd.push(tokio::spawn(come_and_go(site, format!("p{nth}"), stopped.clone())));
    }
    for round in 0..if R::PROFILE.ordered { 200 } else { 20 } {
        bob.wait_for("peer_joined").await;
        bob.send(json!({"type": "join_room", "roomId": "back"})).await;
        bob.wait_for("joined").await;
        // Nobody else is in the back. Messages that still come are about the front, and must say
        // so.
        bob.send(json!({"type": "ping", "requestId": "p"})).await;
        bob.send(json!({"type": "join_room", "roomId": "front"})).await;
        let mut answers = 2;
        while answers > 0 {
            let message = bob.next().await;
            if message["type"] == "pong" || message["type"] == "joined" {
                answers -= 1;
                continue;
            }
            assert_eq!(message["roomId"], "front", "round {round}, alone in the back: {message}");
        }
    }
    drop(stop);
    for task in crowd {
        task.await.expect("the others were not disturbed");
    }
}

async fn come_and_go(site: Site, peer: String, stopped: watch::Receiver<()>) {
    let mut client = site.open().await;
    while stopped.has_changed().is_ok() {
        client.send(json!({"type": "join", "roomId": "front", "peerId": peer})).await;
        client.wait_for("joined").await;
        if site.profile().ordered {
            client.send(json!({"type": "leave"})).await;
            client.fence().await;
        } else {
            // Its next join could overtake its leave.
            client = site.open().await;
        }
    }
}

pub async fn a_peer_that_moves_through_many_rooms_leaves_none_behind<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let [mut bob] = meet(&server, "start", ["bob"]).await;
    let rooms = if R::PROFILE.ordered { 300 } else { 5 };
    for nth in 0..rooms {
        bob.send(json!({"type": "join_room", "roomId": format!("room-{nth}")})).await;
        bob.expect("joined").await;
    }
    bob.send(json!({"type": "join_room", "roomId": "visit"})).await;
    bob.expect("joined").await;
    ada.expect("peer_joined").await;
    ada.send(json!({"type": "room_list"})).await;
    let listed = ada.expect("room_list").await;
    assert_eq!(listed["rooms"], json!([{"roomId": "visit", "peerCount": 2}]));
}
