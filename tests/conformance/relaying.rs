//! Messages from one peer to another: unchanged, in the order sent, and to nobody else.

use serde_json::{Value, json};

use super::client::{Client, meet};
use super::frame::masked;
use super::{Runtime, Settings};

/// Every type that one peer can send another.
pub const TO_ONE: [&str; 15] = [
    "offer",
    "answer",
    "candidate",
    "ice-candidate",
    "signal",
    "batched_signals",
    "renegotiate",
    "ack",
    "connection_rejected",
    "signal_rejected",
    "kademlia_rpc_request",
    "kademlia_rpc_response",
    "private_message",
    "chat",
    "typing_indicator",
];

pub async fn every_type_arrives_as_sent_with_its_sender<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for kind in TO_ONE {
        let mut message = json!({"type": kind, "to": "bob", "sdp": {"type": "offer", "sdp": "v=0"},
                                 "requestId": "r", "seq": 7, "list": [1, [], {}], "none": null});
        ada.send(message.clone()).await;
        message["from"] = json!("ada");
        assert_eq!(bob.next().await, message);
    }
    for client in [&mut ada, &mut cay] {
        client.expect_nothing().await;
    }
}

pub async fn the_text_is_unchanged_byte_for_byte<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for text in [
        r#"{"type":"offer","to":"bob","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"}"#,
        r#"{ "z" : 1.50 , "type":"signal" ,"to" :"bob","a":-0.0,"e":1E+400,"i":12345678901234567890123 }"#,
        r#"{"type":"signal","to":"b\u006fb","k\u0065y":"\u00e9\ud83e\ude7a\/\b","k":1,"k":2}"#,
        "{\"type\":\"signal\",\"to\":\"bob\",\"text\":\"Grüße 🩺 \u{2028}\u{7f}\u{feff}\"}",
        "{\n\t\"to\": \"bob\",\n\t\"type\": \"ack\",\r\n\t\"empty\": { }, \"list\": [ ]\n}",
        r#"{"type":"signal","to":"bob","half":"\ud800"}"#,
    ] {
        ada.send_text(text).await;
        let arrived = bob.text().await;
        assert_eq!(arrived.replacen(r#""from":"ada","#, "", 1), text);
        assert_ne!(arrived, text);
    }
}

pub async fn a_message_of_the_largest_size_arrives<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let text = offer_of(32_768);
    ada.send_text(text.clone()).await;
    assert_eq!(bob.text().await.replacen(r#""from":"ada","#, "", 1), text);
    bob.send(json!({"type": "answer", "to": "ada", "sdp": "v=0"})).await;
    assert_eq!(ada.expect("answer").await["from"], "bob");
}

pub async fn a_message_in_fragments_arrives_whole<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let text = offer_of(10_000);
    let (first, rest) = text.as_bytes().split_at(5);
    let (second, third) = rest.split_at(6000);
    ada.send_raw(&masked(0x01, first)).await;
    ada.send_raw(&masked(0x00, second)).await;
    ada.send_raw(&masked(0x89, b"between")).await;
    ada.send_raw(&masked(0x80, third)).await;
    assert_eq!(bob.text().await.replacen(r#""from":"ada","#, "", 1), text);
    ada.expect_nothing().await;
}

pub async fn a_hundred_messages_arrive_in_the_order_sent<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for seq in 0..100 {
        let kind = TO_ONE[seq % TO_ONE.len()];
        let pad = "x".repeat(seq * 37 % 2000);
        ada.send(json!({"type": kind, "to": "bob", "seq": seq, "pad": pad})).await;
    }
    for (seq, message) in bob.next_by("seq", 100).await.iter().enumerate() {
        assert_eq!((&message["seq"], &message["from"]), (&json!(seq), &json!("ada")));
    }
    bob.expect_nothing().await;
}

pub async fn messages_to_the_room_and_to_one_peer_keep_their_order<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for seq in 0..50 {
        ada.send(json!({"type": "chat", "seq": 2 * seq})).await;
        ada.send(json!({"type": "signal", "to": "bob", "seq": 2 * seq + 1})).await;
    }
    for (seq, message) in bob.next_by("seq", 100).await.iter().enumerate() {
        let kind = if seq % 2 == 0 { "chat" } else { "signal" };
        assert_eq!((&message["seq"], &message["type"]), (&json!(seq), &json!(kind)));
    }
    for (nth, message) in cay.next_by("seq", 50).await.iter().enumerate() {
        assert_eq!((&message["seq"], &message["type"]), (&json!(2 * nth), &json!("chat")));
    }
    for client in [&mut ada, &mut bob, &mut cay] {
        client.expect_nothing().await;
    }
}

pub async fn a_batch_and_every_form_of_candidate_arrive<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let candidate = json!({"candidate": "candidate:1 1 udp 2113937151 192.0.2.7 54400 typ host",
                           "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "Ef4/"});
    for (kind, field, value) in [
        ("candidate", "candidate", candidate.clone()),
        ("candidate", "candidate", json!([candidate, candidate])),
        ("candidate", "candidate", Value::Null),
        ("ice-candidate", "candidate", candidate.clone()),
        ("ice-candidate", "candidate", Value::Null),
        ("batched_signals", "signals", json!([{"type": "offer"}, {"candidate": candidate}])),
        ("offer", "sdp", json!("v=0\r\n")),
        ("offer", "sdp", json!({"type": "offer", "sdp": "v=0\r\n"})),
    ] {
        let mut message = json!({"type": kind, "to": "bob"});
        message[field] = value;
        ada.send(message.clone()).await;
        message["from"] = json!("ada");
        assert_eq!(bob.next().await, message);
    }
}

pub async fn nothing_crosses_into_another_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "one", ["ada", "bob"]).await;
    let [mut other_ada, mut other_bob] = meet(&server, "two", ["ada", "bob"]).await;
    ada.send(json!({"type": "signal", "to": "bob", "room": "one"})).await;
    ada.handled().await;
    ada.send(json!({"type": "chat", "room": "one"})).await;
    other_ada.send(json!({"type": "signal", "to": "bob", "room": "two"})).await;
    for (client, room) in [(&mut bob, "one"), (&mut other_bob, "two")] {
        assert_eq!(client.expect("signal").await["room"], room);
    }
    assert_eq!(bob.expect("chat").await["room"], "one");
    bob.send(json!({"type": "leave"})).await;
    assert_eq!(ada.expect("peer_left").await["peerId"], "bob");
    for client in [&mut ada, &mut bob, &mut other_ada, &mut other_bob] {
        client.expect_nothing().await;
    }
}

pub async fn many_peers_are_told_apart<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut room = meet(&server, "visit", ["a", "b", "c", "d", "e"]).await;
    for (nth, to) in (0..).zip(["b", "c", "d", "e", "a"]) {
        let sender: &mut Client = &mut room[nth];
        sender.send(json!({"type": "offer", "to": to, "sdp": "v=0"})).await;
    }
    for (nth, from) in (0..).zip(["e", "a", "b", "c", "d"]) {
        let receiver: &mut Client = &mut room[nth];
        assert_eq!(receiver.expect("offer").await["from"], from);
        receiver.expect_nothing().await;
    }
}

/// An offer to Bob of this many bytes.
fn offer_of(bytes: usize) -> String {
    let (head, tail) = (r#"{"type":"offer","to":"bob","sdp":""#, r#""}"#);
    let line = r"a=candidate:1 1 udp 2113937151 192.0.2.7 54400 typ host\r\n";
    let room = bytes - head.len() - tail.len();
    let sdp = line.repeat(room / line.len()) + &"x".repeat(room % line.len());
    format!("{head}{sdp}{tail}")
}
