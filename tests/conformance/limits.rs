//! Limits on sizes, rates and seats.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, PATIENCE, ids, meet};
use super::{Runtime, Settings};

pub async fn a_burst_passes_and_the_excess_is_refused<R: Runtime>() {
    let server = R::start(rate(1, 5)).await;
    let mut client = Client::connect(&server).await;
    for nth in 0..8 {
        client.send(json!({"type": "ping", "requestId": nth.to_string()})).await;
    }
    let mut refused = 0;
    for (nth, answer) in client.next_by("requestId", 8).await.iter().enumerate() {
        assert_eq!(answer["requestId"], nth.to_string(), "{answer}");
        if answer["type"] == "pong" {
            continue;
        }
        assert!(nth >= 5, "a burst of five passes");
        assert_eq!(answer["code"], "rate_limited");
        let wait = answer["retryAfterMs"].as_u64().expect("how long to wait");
        assert!((1..=10_000).contains(&wait), "{answer}");
        refused += 1;
    }
    assert_eq!(refused > 0, R::PROFILE.limits_rates, "one a second is no more than that");
}

pub async fn a_client_that_waits_as_told_gets_through<R: Runtime>() {
    let server = R::start(rate(10, 2)).await;
    let mut client = Client::connect(&server).await;
    if !R::PROFILE.limits_rates {
        return is_let_through(&mut client).await;
    }
    for _ in 0..3 {
        let error = loop {
            client.send(json!({"type": "ping"})).await;
            let answer = client.next().await;
            if answer["type"] == "error" {
                break answer;
            }
        };
        wait_as_told(&error).await;
        client.send(json!({"type": "ping"})).await;
        let answer = client.next().await;
        assert_eq!(answer["type"], "pong", "after waiting for {}: {answer}", error["retryAfterMs"]);
    }
}

pub async fn a_client_that_keeps_sending_is_closed<R: Runtime>() {
    let server = R::start(rate(1, 5)).await;
    let mut client = Client::connect(&server).await;
    if !R::PROFILE.limits_rates {
        return is_let_through(&mut client).await;
    }
    for _ in 0..50 {
        client.try_send(json!({"type": "ping"})).await;
    }
    let mut last = Value::Null;
    loop {
        match client.frame().await {
            Message::Text(text) => last = serde_json::from_str(&text).expect("JSON"),
            Message::Close(close) => {
                assert_eq!(close.map(|close| u16::from(close.code)), Some(4029));
                break;
            }
            other => panic!("expected a message or a close, got {other:?}"),
        }
    }
    assert_eq!(last["code"], "rate_limited", "{last}");
}

pub async fn bytes_are_counted_as_well_as_messages<R: Runtime>() {
    let server = R::start(bytes(10_000, 50_000)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let signal = json!({"type": "signal", "to": "bob", "sdp": "x".repeat(10_000)});
    for _ in 0..8 {
        ada.send(signal.clone()).await;
    }
    ada.handled().await;
    let refused = ada.finish().await;
    for error in &refused {
        assert_eq!((&error["code"], &error["to"]), (&json!("rate_limited"), &json!("bob")));
        let wait = error["retryAfterMs"].as_u64().expect("how long to wait");
        assert!((1..=10_000).contains(&wait), "{error}");
    }
    assert_eq!(!refused.is_empty(), R::PROFILE.limits_rates);
    let mut arrived = 0;
    while bob.next().await["type"] == "signal" {
        arrived += 1;
    }
    assert_eq!(arrived + refused.len(), 8);
    assert!(arrived >= 5, "a burst passes: {arrived} of eight");
}

pub async fn a_client_that_sent_too_many_bytes_and_waits_as_told_gets_through<R: Runtime>() {
    let server = R::start(bytes(30_000, 20_000)).await;
    let mut client = Client::connect(&server).await;
    if !R::PROFILE.limits_rates {
        return is_let_through(&mut client).await;
    }
    let ping = json!({"type": "ping", "padding": "x".repeat(9000)});
    for _ in 0..3 {
        let error = loop {
            client.send(ping.clone()).await;
            let answer = client.next().await;
            if answer["type"] == "error" {
                break answer;
            }
        };
        wait_as_told(&error).await;
        client.send(ping.clone()).await;
        let answer = client.next().await;
        assert_eq!(answer["type"], "pong", "after waiting for {}: {answer}", error["retryAfterMs"]);
    }
}

pub async fn a_refusal_names_its_message_which_goes_nowhere<R: Runtime>() {
    let server = R::start(rate(1, 5)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for nth in 0..8 {
        let mark = nth.to_string();
        ada.send(json!({"type": "signal", "to": "bob", "requestId": mark})).await;
    }
    ada.handled().await;
    let mut refused = BTreeSet::new();
    for error in ada.finish().await {
        assert_eq!((&error["code"], &error["to"]), (&json!("rate_limited"), &json!("bob")));
        refused.insert(error["requestId"].to_string());
    }
    assert_eq!(!refused.is_empty(), R::PROFILE.limits_rates);
    let mut arrived = BTreeSet::new();
    loop {
        let message = bob.next().await;
        if message["type"] == "peer_left" {
            break;
        }
        arrived.insert(message["requestId"].to_string());
    }
    assert!(arrived.is_disjoint(&refused), "{arrived:?} {refused:?}");
    assert_eq!(arrived.len() + refused.len(), 8);
}

/// A room sends every change to everybody, with the whole room. The peer that causes it pays as if
/// it had sent that itself.
pub async fn one_peer_makes_another_receive_no_more_than_it_may_send<R: Runtime>() {
    const BURST: usize = 60_000;
    let server = R::start(bytes(1, 60_000)).await;
    let join = |peer: &str| {
        let metadata = json!({"about": "x".repeat(1000)});
        json!({"type": "join", "roomId": "visit", "peerId": peer, "metadata": metadata})
    };
    let mut seated = Vec::new();
    for nth in 0..8 {
        seated.push(Client::join_with(&server, join(&format!("peer-{nth}"))).await.0);
    }
    let mut bob = Client::join_with(&server, join("bob")).await.0;
    let (mut cay, joined) = Client::join_with(&server, join("cay")).await;
    let roster = joined.to_string().len();
    let mut refused = false;
    // If the runtime does not count, the first rounds show everything.
    for _ in 0..if R::PROFILE.limits_rates { 10 } else { 2 } {
        cay.send(json!({"type": "leave"})).await;
        cay.handled().await;
        cay.send(join("cay")).await;
        let answer = cay.next_of(&["joined", "error"]).await;
        refused |= answer["code"] == "rate_limited";
    }
    assert_eq!(refused, R::PROFILE.limits_rates);
    bob.handled().await;
    let mut told = 0;
    for message in bob.fence().await {
        if message["peerId"] == "cay" {
            told += message.to_string().len();
        }
    }
    // The last message that passes may cost more than the rest of the budget.
    assert!(told <= BURST + roster, "{told} bytes");
    // Nobody else pays for it.
    for other in &mut seated {
        other.roster().await;
    }
}

/// Everybody joins at the same time, with the longest name and metadata.
pub async fn a_room_that_fills_up_at_once_is_not_a_flood<R: Runtime>() {
    let server = R::start(bytes(65_536, 262_144)).await;
    let joins = (0..16).map(|nth| {
        let metadata = json!({"about": "x".repeat(1000)});
        let name = "é".repeat(128);
        json!({"type": "join", "roomId": "visit", "peerId": format!("{nth:0>128}"),
            "displayName": name, "metadata": metadata})
    });
    let server = &server;
    let seating = joins.map(async |join| {
        let mut client = Client::connect(server).await;
        client.send(join).await;
        // Others join meanwhile, and news of them may come first.
        client.wait_for("joined").await;
        client
    });
    for client in &mut join_all(seating).await {
        assert_eq!(ids(&client.roster().await).len(), 15);
    }
}

pub async fn one_clients_excess_does_not_count_against_another<R: Runtime>() {
    let server = R::start(rate(1, 5)).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for _ in 0..8 {
        ada.send(json!({"type": "nonsense"})).await;
    }
    let mut refused = 0;
    for _ in 0..8 {
        let error = ada.expect("error").await;
        if error["code"] == "rate_limited" {
            refused += 1;
        } else {
            assert_eq!(error["code"], "unknown_type", "{error}");
        }
    }
    assert_eq!(refused > 0, R::PROFILE.limits_rates);
    for _ in 0..3 {
        bob.expect_nothing().await;
    }
}

pub async fn the_size_of_a_message_is_a_setting<R: Runtime>() {
    let server = R::start(Settings { max_message_bytes: 2000, ..Settings::default() }).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let sized = |bytes: usize| {
        let empty = json!({"type": "chat", "message": ""}).to_string().len();
        json!({"type": "chat", "message": "x".repeat(bytes - empty)})
    };
    ada.send(sized(2000)).await;
    bob.expect("chat").await;
    ada.send(sized(2001)).await;
    ada.expect_end("invalid_message", 1009).await;
    bob.expect("peer_left").await;
}

pub async fn a_full_room_admits_nobody_and_does_not_change<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let before = ada.roster().await;
    let mut cay = Client::connect(&server).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "cay", "requestId": "j"});
    for _ in 0..3 {
        cay.send(join.clone()).await;
        assert_eq!(cay.expect_error("room_full").await["requestId"], "j");
    }
    for client in [&mut ada, &mut bob] {
        client.expect_nothing().await;
    }
    assert_eq!(ada.roster().await, before);
    bob.send(json!({"type": "leave"})).await;
    ada.expect("peer_left").await;
    cay.send(join).await;
    assert_eq!(ids(&cay.expect("joined").await), ["ada"]);
}

pub async fn a_full_room_does_not_fill_another<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 1, ..Settings::default() }).await;
    for room in ["one", "two", "three"] {
        let (_client, joined) = Client::join(&server, room, "ada").await;
        assert_eq!(joined["peers"], json!([]));
    }
}

/// If nothing counts messages, a client that keeps sending gets every answer.
async fn is_let_through(client: &mut Client) {
    for nth in 0..50 {
        client.send(json!({"type": "ping", "requestId": nth.to_string()})).await;
    }
    let answers = client.next_by("requestId", 50).await;
    for (nth, answer) in answers.iter().enumerate() {
        let got = (&answer["type"], &answer["requestId"]);
        assert_eq!(got, (&json!("pong"), &json!(nth.to_string())), "{answer}");
    }
    client.expect_nothing().await;
}

fn rate(message_rate: u32, message_burst: u32) -> Settings {
    Settings { message_rate, message_burst, ..Settings::default() }
}

fn bytes(byte_rate: u32, byte_burst: u32) -> Settings {
    Settings { byte_rate, byte_burst, ..Settings::default() }
}

/// The only wait in this suite that is not for a condition: the server itself says how long.
async fn wait_as_told(error: &Value) {
    assert_eq!(error["code"], "rate_limited", "{error}");
    let wait = Duration::from_millis(error["retryAfterMs"].as_u64().expect("how long to wait"));
    assert!(wait < PATIENCE, "{error}");
    tokio::time::sleep(wait).await;
}
