//! Silence: which peers are still alive, and which keep a seat that they do not use.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, ids, meet, version};
use super::{Runtime, Settings};

pub async fn an_idle_client_that_answers_pings_stays<R: Runtime>() {
    // On a busy machine an answer may take a second.
    const HEARTBEAT: u64 = 2;
    let server = R::start(heartbeat(HEARTBEAT)).await;
    let (mut ada, joined) = Client::join(&server, "visit", "ada").await;
    assert_eq!(joined["heartbeatSeconds"], R::PROFILE.heartbeat_seconds.unwrap_or(HEARTBEAT));
    for _ in 0..3 {
        heartbeat_passes(&server, &mut ada).await;
        if R::PROFILE.heartbeat_seconds.is_some() {
            // Nothing asks for a sign of life here. This is one.
            ada.expect_nothing().await;
        }
    }
    ada.expect_nothing().await;
    assert_eq!(ada.roster().await["version"], joined["version"]);
}

pub async fn a_client_that_never_answers_is_seen_to_go<R: Runtime>() {
    let server = R::start(heartbeat(1)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    // Nobody reads Bob's socket, so nothing answers its pings.
    if let Some(limit) = R::PROFILE.idle_limit {
        silence(&server, limit, &mut [&mut ada]).await;
    }
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("disconnected")));
    match R::PROFILE.idle_limit {
        Some(_) => bob.expect_closed(1001).await,
        None => bob.expect_end("idle_timeout", 4008).await,
    }
    ada.expect_nothing().await;
}

pub async fn a_client_that_sends_is_alive_without_answering_pings<R: Runtime>() {
    let server = R::start(heartbeat(1)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    // Ada's pings are the clock; Bob sends something at each, and never reads.
    for seq in 0..4 {
        heartbeat_passes(&server, &mut ada).await;
        bob.send(json!({"type": "chat", "seq": seq})).await;
        assert_eq!(ada.expect("chat").await["seq"], seq);
    }
    ada.expect_nothing().await;
}

pub async fn a_client_that_never_joins_is_closed<R: Runtime>() {
    let server = R::start(join_timeout(1)).await;
    let mut idle = Client::connect(&server).await;
    if R::PROFILE.join_timeout {
        idle.expect_end("join_timeout", 4008).await;
    } else {
        is_not_hurried(&server, &mut idle).await;
    }
    if let Some(limit) = R::PROFILE.idle_limit {
        server.pass(limit).await;
        idle.expect_closed(1001).await;
    }
}

pub async fn a_client_that_sends_but_never_joins_is_closed<R: Runtime>() {
    let server = R::start(join_timeout(1)).await;
    let mut talker = Client::connect(&server).await;
    if let Some(limit) = R::PROFILE.age_limit {
        return talks_for_as_long_as_a_connection_lasts(&server, &mut talker, limit).await;
    }
    let error = loop {
        talker.try_send(json!({"type": "ping"})).await;
        let answer = talker.next().await;
        if answer["type"] != "pong" {
            break answer;
        }
    };
    assert_eq!(error["code"], "join_timeout", "{error}");
    talker.expect_closed(4008).await;
}

pub async fn a_client_whose_join_was_refused_is_closed<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 1, ..join_timeout(1) }).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let mut bob = Client::connect(&server).await;
    bob.send(json!({"type": "join", "roomId": "visit"})).await;
    bob.expect_error("room_full").await;
    if R::PROFILE.join_timeout {
        bob.expect_end("join_timeout", 4008).await;
    } else {
        is_not_hurried(&server, &mut bob).await;
    }
    ada.expect_nothing().await;
}

pub async fn a_client_that_has_joined_once_may_stay<R: Runtime>() {
    let server = R::start(join_timeout(1)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    // Bob joined once, and nothing more is required of him.
    bob.send(json!({"type": "leave"})).await;
    let mut later = Client::connect(&server).await;
    if R::PROFILE.join_timeout {
        later.expect_end("join_timeout", 4008).await;
    } else {
        is_not_hurried(&server, &mut later).await;
    }
    ada.expect("peer_left").await;
    ada.expect_nothing().await;
    bob.expect_nothing().await;
}

pub async fn a_dead_connection_keeps_no_living_peer_out<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada, dead] = meet(&server, "visit", ["ada", "bob"]).await;
    let mut cay = Client::connect(&server).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "cay"});
    if let Some(limit) = R::PROFILE.idle_limit {
        // The gateway vouches for it until it has been silent for this long.
        cay.send(join.clone()).await;
        cay.expect_error("room_full").await;
        silence(&server, limit, &mut [&mut ada, &mut cay]).await;
    }
    // Bob was heard a moment ago, so the room is full at first.
    let knock = async {
        loop {
            cay.send(join.clone()).await;
            let answer = cay.next().await;
            if answer["type"] == "joined" {
                return assert_eq!(ids(&answer), ["ada"]);
            }
            assert_eq!(answer["code"], "room_full", "{answer}");
        }
    };
    let mut news = ada.attend(knock).await;
    while news.len() < 2 {
        news.push(ada.next().await);
    }
    if !R::PROFILE.ordered {
        news.sort_by_key(version);
    }
    let kinds: Vec<_> = news.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["peer_left", "peer_joined"]);
    assert_eq!((&news[0]["peerId"], &news[0]["reason"]), (&json!("bob"), &json!("disconnected")));
    ada.expect_nothing().await;
    drop(dead);
}

pub async fn a_silent_but_living_peer_keeps_its_seat<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 1, ..Settings::default() }).await;
    let [mut holder] = meet(&server, "visit", ["ada"]).await;
    if let Some(limit) = R::PROFILE.idle_limit {
        return a_silent_holder_is_vouched_for(&server, &mut holder, limit).await;
    }
    let (asked, mut was_asked) = oneshot::channel();
    let (done, is_done) = oneshot::channel::<()>();
    let holder = tokio::spawn(async move {
        pings(&mut holder, 1).await;
        asked.send(()).expect("somebody waits for it");
        // Ada does nothing but read, and reading sends the answer.
        assert_eq!(holder.attend(is_done).await, [Value::Null; 0]);
        holder.expect_nothing().await;
        assert_eq!(ids(&holder.roster().await), [""; 0]);
    });
    let mut cay = Client::connect(&server).await;
    while was_asked.try_recv().is_err() {
        cay.send(json!({"type": "join", "roomId": "visit", "peerId": "cay"})).await;
        cay.expect_error("room_full").await;
    }
    done.send(()).expect("the holder waits for it");
    holder.await.expect("the holder kept its seat");
}

/// Nothing asks the seat's holder for a sign of life: the gateway says that it is there.
async fn a_silent_holder_is_vouched_for(
    server: &impl Runtime,
    holder: &mut Client,
    limit: Duration,
) {
    let mut cay = Client::connect(server).await;
    for _ in 0..3 {
        cay.send(json!({"type": "join", "roomId": "visit", "peerId": "cay"})).await;
        cay.expect_error("room_full").await;
        server.pass(limit / 4).await;
    }
    holder.expect_nothing().await;
    assert_eq!(ids(&holder.roster().await), [""; 0]);
}

/// Time passes for every silent client. These clients are not silent.
async fn silence(server: &impl Runtime, limit: Duration, talkers: &mut [&mut Client]) {
    server.pass(limit / 2).await;
    for talker in talkers {
        talker.expect_nothing().await;
    }
    server.pass(limit / 2).await;
}

/// If a runtime does not wait for a join, more time may pass than other runtimes allow.
async fn is_not_hurried(server: &impl Runtime, client: &mut Client) {
    server.pass(Duration::from_secs(60)).await;
    client.expect_nothing().await;
}

/// In steps that are shorter than the longest silence allowed.
async fn talks_for_as_long_as_a_connection_lasts(
    server: &impl Runtime,
    talker: &mut Client,
    limit: Duration,
) {
    for _ in 0..13 {
        server.pass(limit / 14).await;
        talker.expect_nothing().await;
    }
    server.pass(limit / 14).await;
    talker.expect_closed(1001).await;
}

/// Waits for the time after which a client has to give a sign of life. If the server pings, it does
/// so then.
async fn heartbeat_passes<R: Runtime>(server: &R, client: &mut Client) {
    match R::PROFILE.heartbeat_seconds {
        Some(seconds) => server.pass(Duration::from_secs(seconds)).await,
        None => pings(client, 1).await,
    }
}

/// Waits for this many protocol pings, and for nothing else. The library answers one when it next
/// reads or writes.
async fn pings(client: &mut Client, count: usize) {
    for _ in 0..count {
        let frame = client.frame().await;
        assert!(matches!(frame, Message::Ping(_)), "expected a ping, got {frame:?}");
    }
}

fn heartbeat(seconds: u64) -> Settings {
    Settings { heartbeat: Duration::from_secs(seconds), ..Settings::default() }
}

fn join_timeout(seconds: u64) -> Settings {
    Settings { join_timeout: Duration::from_secs(seconds), ..Settings::default() }
}
