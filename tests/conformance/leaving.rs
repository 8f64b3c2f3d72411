//! Giving up a seat, and losing it.

use serde_json::json;

use super::client::{Client, ids, meet, version};
use super::{Runtime, Settings};

pub async fn a_peer_that_leaves_is_seen_to_leave_and_receives_nothing_more<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for kind in ["leave", "leave_room"] {
        let [mut ada, mut bob, mut cay] = meet(&server, kind, ["ada", "bob", "cay"]).await;
        let before = ada.roster().await;
        bob.send(json!({"type": kind})).await;
        for (client, other) in [(&mut ada, "cay"), (&mut cay, "ada")] {
            let left = client.expect("peer_left").await;
            assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("left")));
            assert_eq!((ids(&left), version(&left)), (vec![other], version(&before) + 1));
        }
        ada.send(json!({"type": "chat", "message": "bye"})).await;
        cay.expect("chat").await;
        bob.expect_nothing().await;
    }
}

pub async fn a_peer_that_left_may_not_send<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send(json!({"type": "leave"})).await;
    bob.handled().await;
    bob.send(json!({"type": "chat", "message": "hello?", "requestId": "c"})).await;
    assert_eq!(bob.expect_error("not_joined").await["requestId"], "c");
    ada.expect("peer_left").await;
    ada.expect_nothing().await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    assert_eq!(ada.expect_error("peer_not_found").await["to"], "bob");
    bob.expect_nothing().await;
}

pub async fn a_second_leave_is_not_joined<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send(json!({"type": "leave"})).await;
    bob.handled().await;
    for kind in ["leave", "leave_room"] {
        bob.send(json!({"type": kind, "requestId": kind})).await;
        assert_eq!(bob.expect_error("not_joined").await["requestId"], kind);
    }
    ada.expect("peer_left").await;
    ada.expect_nothing().await;
}

pub async fn a_peer_that_left_may_join_again_here_or_elsewhere<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for room in ["visit", "elsewhere", "visit"] {
        bob.send(json!({"type": "leave"})).await;
        bob.handled().await;
        bob.send(json!({"type": "join", "roomId": room, "peerId": "bob"})).await;
        assert_eq!(bob.expect("joined").await["roomId"], room);
    }
    let news = ada.next_by("version", 4).await;
    let kinds: Vec<_> = news.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["peer_left", "peer_joined", "peer_left", "peer_joined"]);
    assert_eq!(news[1]["rejoined"], false, "it is no takeover: the old seat had ended");
    ada.expect_nothing().await;
    assert_eq!(ids(&ada.roster().await), ["bob"]);
}

pub async fn a_closed_socket_is_seen_as_disconnected<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    bob.close().await;
    for (client, other) in [(&mut ada, "cay"), (&mut cay, "ada")] {
        let left = client.expect("peer_left").await;
        assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("disconnected")));
        assert_eq!(ids(&left), [other]);
    }
}

pub async fn a_dropped_socket_is_seen_as_disconnected<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, bob, cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    drop(bob);
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("disconnected")));
    // A reset, as from a machine that lost power and came back.
    cay.socket.get_ref().set_zero_linger().expect("an option of TCP");
    drop(cay);
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("cay"), &json!("disconnected")));
    assert_eq!(ids(&left), [""; 0]);
}

pub async fn a_socket_dropped_within_a_frame_is_seen_as_disconnected<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send_raw(&[0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, b'{']).await;
    drop(bob);
    assert_eq!(ada.expect("peer_left").await["reason"], "disconnected");
}

pub async fn a_peer_that_leaves_and_then_closes_is_seen_to_leave_once<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send(json!({"type": "leave"})).await;
    bob.close().await;
    let left = ada.expect("peer_left").await;
    let overtaken = !R::PROFILE.ordered && left["reason"] == "disconnected";
    assert!(left["reason"] == "left" || overtaken, "{left}");
    ada.expect_nothing().await;
}

pub async fn messages_sent_before_leaving_arrive_before_peer_left<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for reason in ["left", "disconnected"] {
        let (mut bob, _) = Client::join(&server, "visit", "bob").await;
        ada.expect("peer_joined").await;
        for seq in 0..20 {
            bob.send(json!({"type": "chat", "seq": seq})).await;
        }
        bob.handled().await;
        if reason == "left" {
            bob.send(json!({"type": "leave"})).await;
            bob.handled().await;
        }
        bob.close().await;
        for (seq, message) in ada.next_by("seq", 20).await.iter().enumerate() {
            assert_eq!((&message["type"], &message["seq"]), (&json!("chat"), &json!(seq)));
        }
        assert_eq!(ada.expect("peer_left").await["reason"], reason);
    }
}
