//! Taking a seat.

use serde_json::{Value, json};
use tokio::sync::watch;

use super::client::{Client, ids, meet, version};
use super::site::Site;
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
    assert_eq!(joined["heartbeatSeconds"], R::PROFILE.heartbeat_seconds.unwrap_or(25));
    assert!(joined["version"].is_u64());
    assert_eq!(joined.get("requestId"), None);
}

pub async fn the_second_peer_sees_the_first_and_is_seen_by_it<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let (mut ada, first) = Client::join(&server, "visit", "ada").await;
    let (_bob, second) = Client::join(&server, "visit", "bob").await;
    assert_eq!(ids(&second), ["ada"]);
    let news = ada.expect("peer_joined").await;
    assert_eq!(news["peerId"], "bob");
    assert_eq!(news["role"], "guest");
    assert_eq!(news["rejoined"], false);
    assert_eq!(ids(&news), ["bob"]);
    assert_eq!(news["version"], second["version"]);
    assert_eq!(version(&second), version(&first) + 1);
}

pub async fn without_a_room_everybody_meets_in_the_default_one<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let join = json!({"type": "join", "peerId": "ada"});
    let (_ada, joined) = Client::join_with(&server, join).await;
    assert_eq!(joined["roomId"], "default");
    let (_bob, joined) = Client::join(&server, "default", "bob").await;
    assert_eq!(ids(&joined), ["ada"]);
}

pub async fn without_a_peer_id_the_server_makes_one<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let join = json!({"type": "join", "roomId": "visit"});
    let (_first, joined) = Client::join_with(&server, join.clone()).await;
    let made = joined["peerId"].as_str().expect("a peer id").to_owned();
    assert!((1..=128).contains(&made.len()), "{made}");
    assert!(made.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~:@+-".contains(&b)), "{made}");
    let (_second, joined) = Client::join_with(&server, join).await;
    assert_eq!(ids(&joined), [made.as_str()]);
    assert_ne!(joined["peerId"], made.as_str());
}

pub async fn a_peer_that_names_no_room_gets_the_bootstrap_list<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [_ada, _bob] = meet(&server, "default", ["ada", "bob"]).await;
    let join = json!({"type": "join", "peerId": "cay"});
    let (mut cay, _) = Client::join_with(&server, join).await;
    let bootstrap = cay.expect("bootstrap_peers").await;
    assert_eq!(bootstrap["peers"], json!([{"id": "ada"}, {"id": "bob"}]));
    cay.expect_nothing().await;
}

pub async fn a_peer_that_names_no_room_and_is_alone_gets_no_bootstrap_list<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let join = json!({"type": "join", "peerId": "ada"});
    let (mut ada, _) = Client::join_with(&server, join).await;
    ada.expect_nothing().await;
}

pub async fn a_peer_that_names_its_room_gets_no_bootstrap_list<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for room in ["visit", "default"] {
        let [_ada, mut bob] = meet(&server, room, ["ada", "bob"]).await;
        bob.expect_nothing().await;
    }
}

pub async fn the_answer_echoes_the_request_id<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "bob", "requestId": "r-1"});
    let (_bob, joined) = Client::join_with(&server, join).await;
    assert_eq!(joined["requestId"], "r-1");
    assert_eq!(ada.expect("peer_joined").await.get("requestId"), None, "it is bob's mark");
}

pub async fn name_and_metadata_are_shown_to_the_others<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let introduced = |peer: &str, name: &str, device: &str| {
        let metadata = json!({"device": device, "deep": {"list": [1, null, "é"]}});
        json!({"type": "join", "roomId": "visit", "peerId": peer, "displayName": name,
               "metadata": metadata})
    };
    let longest = "ü".repeat(128);
    let (mut ada, _) = Client::join_with(&server, introduced("ada", &longest, "tablet")).await;
    let bob = introduced("bob", "Bob \"the\\builder\" 🩺", "phone");
    let (_bob, joined) = Client::join_with(&server, bob.clone()).await;
    let shown = &joined["peers"][0];
    assert_eq!(shown["displayName"], longest);
    assert_eq!(shown["metadata"]["device"], "tablet");
    assert_eq!(shown["role"], "guest");
    assert!(shown["joinedAt"].as_u64().is_some_and(|at| at > 1_600_000_000_000), "{shown}");
    let news = ada.expect("peer_joined").await;
    assert_eq!(news["displayName"], bob["displayName"]);
    assert_eq!(news["peers"][0]["displayName"], bob["displayName"]);
    assert_eq!(news["peers"][0]["metadata"], bob["metadata"]);
}

pub async fn a_peer_without_name_and_metadata_is_shown_without_them<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [_ada] = meet(&server, "visit", ["ada"]).await;
    let (_bob, joined) = Client::join(&server, "visit", "bob").await;
    let shown = joined["peers"][0].as_object().expect("a peer");
    let mut fields: Vec<_> = shown.keys().collect();
    fields.sort();
    assert_eq!(fields, ["joinedAt", "peerId", "role"]);
}

pub async fn a_null_field_counts_as_absent<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let join = json!({"type": "join", "roomId": null, "peerId": null, "displayName": null,
                      "metadata": null, "requestId": null});
    let (_ada, joined) = Client::join_with(&server, join).await;
    assert_eq!(joined["roomId"], "default");
    assert!(joined["peerId"].is_string());
    assert_eq!(joined.get("requestId"), None);
}

pub async fn unknown_fields_are_ignored<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "ada", "room": 7, "from": "eve",
                      "capabilities": {"video": true}});
    let (_ada, joined) = Client::join_with(&server, join).await;
    assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!("visit"), &json!("ada")));
}

pub async fn identifiers_may_use_their_whole_alphabet<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let room = format!("AZaz09._~:@+-{}", "r".repeat(115));
    let peer = "Dr.Ada~Lovelace:1@clinic+x-y_z";
    let (_ada, joined) = Client::join(&server, &room, peer).await;
    assert_eq!((&joined["roomId"], &joined["peerId"]), (&json!(room), &json!(peer)));
    let (_bob, joined) = Client::join(&server, &room, "bob").await;
    assert_eq!(ids(&joined), [peer]);
}

pub async fn a_second_join_is_refused_and_the_seat_stays<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for room in ["visit", "elsewhere"] {
        ada.send(json!({"type": "join", "roomId": room, "peerId": "ada", "requestId": "2"})).await;
        assert_eq!(ada.expect_error("already_joined").await["requestId"], "2");
    }
    bob.expect_nothing().await;
    assert_eq!(ids(&bob.roster().await), ["ada"]);
    assert_eq!(ada.roster().await["roomId"], "visit");
}

/// A page need not wait for `joined`. If messages may overtake its join, they are refused.
pub async fn messages_sent_along_with_a_join_do_not_undo_it<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for _ in 0..10 {
        let mut bob = Client::connect(&server).await;
        bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
        for seq in 0..5 {
            bob.send(json!({"type": "offer", "to": "ada", "seq": seq})).await;
        }
        let (refused, told): (Vec<_>, Vec<_>) =
            bob.fence().await.into_iter().partition(|message| message["type"] == "error");
        assert!(refused.is_empty() || !R::PROFILE.ordered, "{refused:?}");
        assert!(refused.iter().all(|error| error["code"] == "not_joined"), "{refused:?}");
        assert_eq!((told.len(), &told[0]["type"]), (1, &json!("joined")));
        let mut kinds: Vec<_> =
            ada.fence().await.iter_mut().map(|message| message["type"].take()).collect();
        if !R::PROFILE.ordered {
            kinds.sort_by_key(|kind| kind == "offer");
        }
        let arrived = 5 - refused.len();
        assert_eq!(kinds, [vec!["peer_joined"], vec!["offer"; arrived]].concat());
        bob.send(json!({"type": "offer", "to": "ada", "seq": 5})).await;
        assert_eq!(ada.expect("offer").await["seq"], 5);
        bob.close().await;
        assert_eq!(ada.expect("peer_left").await["peerId"], "bob");
    }
}

pub async fn joined_comes_before_anything_else_about_the_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let site = Site::of(&server);
    let (stop, stopped) = watch::channel(());
    let seated = meet(&server, "default", ["ada", "bob", "cay", "dan"]).await;
    let seated = seated.map(|client| tokio::spawn(greet_newcomers(client, stopped.clone())));
    for _ in 0..40 {
        let mut newcomer = Client::connect(&server).await;
        newcomer.send(json!({"type": "join"})).await;
        let mut came = Vec::new();
        for _ in 0..10 {
            came.push(newcomer.next().await["type"].take());
        }
        let place = |kind| came.iter().position(|came| came == kind);
        if R::PROFILE.ordered {
            assert_eq!(place("joined"), Some(0));
        }
        assert!(place("joined") < place("bootstrap_peers"), "one answer keeps its order: {came:?}");
        came.sort_by_key(ToString::to_string);
        let expected =
            [vec!["bootstrap_peers"], vec!["chat"; 4], vec!["joined"], vec!["offer"; 4]].concat();
        assert_eq!(came, expected);
        newcomer.close().await;
        site.rest().await;
    }
    drop(stop);
    for task in seated {
        task.await.expect("no seated peer was disturbed");
    }
}

/// Sends to a newcomer as soon as there is news of it, and to everybody.
async fn greet_newcomers(mut client: Client, mut stopped: watch::Receiver<()>) {
    loop {
        let message: Value = tokio::select! {
            message = client.next() => message,
            _ = stopped.changed() => return,
        };
        if message["type"] == "peer_joined" {
            client.send(json!({"type": "offer", "to": message["peerId"], "sdp": "v=0"})).await;
            client.send(json!({"type": "chat", "message": "welcome"})).await;
        }
    }
}
