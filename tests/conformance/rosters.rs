//! Rosters: every peer sees the same room, without itself, in seat order.

use serde_json::{Value, json};

use super::client::{Client, ids, meet, version};
use super::{Runtime, Settings};

pub async fn peers_is_answered_with_the_roster<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, _bob, _cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    ada.send(json!({"type": "peers", "requestId": "who"})).await;
    let roster = ada.expect("roster").await;
    assert_eq!((&roster["roomId"], &roster["requestId"]), (&json!("visit"), &json!("who")));
    assert_eq!(ids(&roster), ["bob", "cay"]);
    assert!(roster["version"].is_u64());
}

pub async fn everybody_sees_the_others_in_seat_order<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let names = ["dan", "ada", "cay", "bob"];
    let mut room = meet(&server, "visit", names).await;
    let mut versions = Vec::new();
    for (client, name) in room.iter_mut().zip(names) {
        let roster = client.roster().await;
        let others: Vec<_> = names.into_iter().filter(|other| *other != name).collect();
        assert_eq!(ids(&roster), others);
        versions.push(version(&roster));
    }
    versions.dedup();
    assert_eq!(versions.len(), 1, "one room, one version");
}

pub async fn every_change_raises_the_version_by_one<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let (mut ada, joined) = Client::join(&server, "visit", "ada").await;
    let mut at = version(&joined);
    let (mut bob, joined) = Client::join(&server, "visit", "bob").await;
    let (cay, last) = Client::join(&server, "visit", "cay").await;
    let (_bob_again, again) = Client::join(&server, "visit", "bob").await;
    bob.wait_for("error").await;
    cay.close().await;
    let news = ada.next_by("version", 4).await;
    for (news, kind) in news.iter().zip(["peer_joined", "peer_joined", "peer_joined", "peer_left"])
    {
        at += 1;
        assert_eq!((&news["type"], version(news)), (&json!(kind), at));
    }
    let told = [&joined, &last, &again].map(version);
    assert_eq!(told, [&news[0], &news[1], &news[2]].map(version));
    assert_eq!(version(&ada.roster().await), at);
}

pub async fn requests_that_change_nothing_leave_the_version<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let before = ada.roster().await;
    let mut cay = Client::connect(&server).await;
    cay.send(json!({"type": "join", "roomId": "visit", "peerId": "cay"})).await;
    cay.expect_error("room_full").await;
    for message in [
        json!({"type": "chat", "message": "hi"}),
        json!({"type": "offer", "to": "ada", "sdp": "v=0"}),
        json!({"type": "offer", "to": "nobody", "sdp": "v=0"}),
        json!({"type": "join", "roomId": "visit"}),
        json!({"type": "room_list"}),
        json!({"type": "nonsense"}),
    ] {
        bob.send(message).await;
    }
    bob.handled().await;
    bob.roster().await;
    assert_eq!(ada.roster().await, before);
}

pub async fn news_and_roster_agree<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let (cay, _) = Client::join(&server, "visit", "cay").await;
    for client in [&mut ada, &mut bob] {
        let news = client.expect("peer_joined").await;
        assert_eq!(news["roomId"], "visit");
        assert_eq!(told(&news), told(&client.roster().await));
    }
    cay.close().await;
    for client in [&mut ada, &mut bob] {
        let news = client.expect("peer_left").await;
        assert_eq!(news["roomId"], "visit");
        assert_eq!(told(&news), told(&client.roster().await));
    }
}

pub async fn a_peer_keeps_the_time_it_joined_at<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let before = ada.roster().await;
    let (mut cay, joined) = Client::join(&server, "visit", "cay").await;
    assert_eq!(joined["peers"][1], before["peers"][0]);
    bob.close().await;
    let left = cay.expect("peer_left").await;
    assert_eq!(left["peers"], json!([joined["peers"][0]]));
}

fn told(message: &Value) -> (&Value, &Value) {
    (&message["version"], &message["peers"])
}
