//! A seat belongs to one connection: the last one to join with a peer id has it.

use serde_json::json;

use super::client::{Client, ids, meet, version};
use super::{Runtime, Settings};

pub async fn a_new_connection_takes_the_seat<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut old, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    let before = ada.roster().await;
    let (mut new, joined) = Client::join(&server, "visit", "bob").await;
    assert_eq!(ids(&joined), ["ada", "cay"]);
    assert_eq!(version(&joined), version(&before) + 1);
    old.expect_end("replaced", 4009).await;
    for (client, other) in [(&mut ada, "cay"), (&mut cay, "ada")] {
        let news = client.expect("peer_joined").await;
        assert_eq!((&news["peerId"], &news["rejoined"]), (&json!("bob"), &json!(true)));
        // It came last, so it offers; that makes its seat the last.
        assert_eq!((ids(&news), &news["version"]), (vec![other, "bob"], &joined["version"]));
        client.expect_nothing().await;
    }
    new.expect_nothing().await;
}

pub async fn messages_go_to_the_new_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut old] = meet(&server, "visit", ["ada", "bob"]).await;
    let (mut new, _) = Client::join(&server, "visit", "bob").await;
    ada.expect("peer_joined").await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    ada.handled().await;
    ada.send(json!({"type": "chat", "message": "hello"})).await;
    new.expect("offer").await;
    new.expect("chat").await;
    old.expect_end("replaced", 4009).await;
    new.send(json!({"type": "answer", "to": "ada", "sdp": "v=0"})).await;
    assert_eq!(ada.expect("answer").await["from"], "bob");
}

pub async fn the_old_connection_cannot_speak<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut old] = meet(&server, "visit", ["ada", "bob"]).await;
    let (mut new, _) = Client::join(&server, "visit", "bob").await;
    ada.expect("peer_joined").await;
    for message in [
        json!({"type": "offer", "to": "ada", "sdp": "v=0"}),
        json!({"type": "chat", "message": "it is still me"}),
        json!({"type": "leave"}),
        json!({"type": "join", "roomId": "visit", "peerId": "bob"}),
    ] {
        old.try_send(message).await;
    }
    old.expect_end("replaced", 4009).await;
    ada.expect_nothing().await;
    new.expect_nothing().await;
    assert_eq!(ids(&ada.roster().await), ["bob"]);
}

pub async fn a_late_goodbye_of_the_old_connection_changes_nothing<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, old] = meet(&server, "visit", ["ada", "bob"]).await;
    let (mut new, joined) = Client::join(&server, "visit", "bob").await;
    ada.expect("peer_joined").await;
    // It closes, and the server has noticed.
    old.close().await;
    ada.expect_nothing().await;
    new.expect_nothing().await;
    assert_eq!(version(&ada.roster().await), version(&joined));
    // And one that drops its socket without having read anything.
    let (_newest, joined) = Client::join(&server, "visit", "bob").await;
    drop(new);
    ada.expect("peer_joined").await;
    ada.expect_nothing().await;
    let roster = ada.roster().await;
    assert_eq!((ids(&roster), version(&roster)), (vec!["bob"], version(&joined)));
}

pub async fn a_seat_is_taken_over_again_and_again<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut holder] = meet(&server, "visit", ["ada", "bob"]).await;
    for _ in 0..10 {
        let (new, joined) = Client::join(&server, "visit", "bob").await;
        let mut old = std::mem::replace(&mut holder, new);
        old.expect_end("replaced", 4009).await;
        let news = ada.expect("peer_joined").await;
        assert_eq!((ids(&news), &news["version"]), (vec!["bob"], &joined["version"]));
    }
    holder.close().await;
    assert_eq!(ids(&ada.expect("peer_left").await), [""; 0]);
    ada.expect_nothing().await;
}

pub async fn a_seat_in_a_full_room_can_be_taken_over<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada, mut old] = meet(&server, "visit", ["ada", "bob"]).await;
    let (_new, joined) = Client::join(&server, "visit", "bob").await;
    assert_eq!(ids(&joined), ["ada"]);
    old.expect_end("replaced", 4009).await;
    assert_eq!(ada.expect("peer_joined").await["rejoined"], true);
}

pub async fn the_new_page_brings_its_own_name_and_metadata<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let as_bob = |name: &str| {
        json!({"type": "join", "roomId": "visit", "peerId": "bob", "displayName": name,
               "metadata": {"page": name}})
    };
    let (_old, _) = Client::join_with(&server, as_bob("first")).await;
    ada.expect("peer_joined").await;
    let (_new, _) = Client::join_with(&server, as_bob("second")).await;
    let news = ada.expect("peer_joined").await;
    assert_eq!(news["displayName"], "second");
    assert_eq!(news["peers"][0]["metadata"]["page"], "second");
}

pub async fn the_same_peer_id_in_another_room_is_another_seat<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut bob] = meet(&server, "one", ["bob"]).await;
    let (mut namesake, joined) = Client::join(&server, "two", "bob").await;
    assert_eq!(ids(&joined), [""; 0]);
    bob.expect_nothing().await;
    bob.close().await;
    namesake.expect_nothing().await;
}
