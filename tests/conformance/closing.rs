//! What ends a connection: frames that break the WebSocket protocol or its limits.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, meet};
use super::frame::masked;
use super::{Runtime, Settings};

pub async fn a_binary_frame_ends_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for frame in [&b"\x00\xff"[..], br#"{"type":"ping"}"#, b""] {
        let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
        bob.send_frame(Message::binary(frame.to_vec())).await;
        bob.expect_cut(1003).await;
        parted(&mut ada).await;
    }
}

pub async fn a_message_over_the_limit_ends_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for bytes in [32_769, 65_536, 1_000_000] {
        let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
        bob.try_send(json!("x".repeat(bytes - 2))).await;
        bob.expect_cut(1009).await;
        parted(&mut ada).await;
    }
}

pub async fn fragments_over_the_limit_end_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send_raw(&masked(0x01, &[b'"'; 1])).await;
    bob.send_raw(&masked(0x00, &[b'x'; 20_000])).await;
    bob.send_raw(&masked(0x00, &[b'x'; 20_000])).await;
    if !R::PROFILE.explains_bad_frames {
        // No single frame of it is too large, so the gateway passes it on once it is whole.
        bob.send_raw(&masked(0x80, b"")).await;
    }
    bob.expect_end("invalid_message", 1009).await;
    parted(&mut ada).await;
}

pub async fn a_header_that_announces_a_giant_frame_ends_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    // A text frame whose header says 2^62 bytes.
    bob.send_raw(&[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'{']).await;
    bob.expect_cut(1009).await;
    parted(&mut ada).await;
}

pub async fn text_that_is_not_utf_8_ends_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for frames in [
        vec![masked(0x81, b"{\"type\":\"chat\",\"message\":\"\xff\"}")],
        vec![masked(0x81, b"\xc3")],
        vec![masked(0x81, b"\xed\xa0\x80")],
        vec![masked(0x01, b"\xc3"), masked(0x80, b"\x28")],
    ] {
        let (mut bob, _) = Client::join(&server, "visit", "bob").await;
        ada.expect("peer_joined").await;
        for frame in frames {
            bob.send_raw(&frame).await;
        }
        bob.expect_cut(1007).await;
        parted(&mut ada).await;
    }
}

pub async fn a_fragment_may_end_within_a_character<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    bob.send_raw(&masked(0x01, b"{\"type\":\"chat\",\"message\":\"\xf0\x9f")).await;
    bob.send_raw(&masked(0x80, b"\xa9\xba\"}")).await;
    assert_eq!(ada.expect("chat").await["message"], "🩺");
}

pub async fn a_frame_that_breaks_the_protocol_ends_the_connection<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    for bytes in [
        // Not masked.
        b"\x81\x02{}".to_vec(),
        // A reserved opcode.
        masked(0x83, b"{}"),
        // A reserved control opcode.
        masked(0x8b, b""),
        // A reserved bit.
        masked(0xc1, b"{}"),
        // A ping in fragments.
        masked(0x09, b""),
        // A ping over 125 bytes.
        masked(0x89, &[b'x'; 126]),
        // A continuation of nothing.
        masked(0x80, b"{}"),
        // A message inside another.
        [masked(0x01, b"{"), masked(0x81, b"{}")].concat(),
    ] {
        let (mut bob, _) = Client::join(&server, "visit", "bob").await;
        ada.expect("peer_joined").await;
        bob.send_raw(&bytes).await;
        bob.expect_cut(1002).await;
        parted(&mut ada).await;
    }
}

pub async fn a_close_is_answered_with_a_close<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for payload in [&b"\x03\xe8"[..], b"\x03\xe9bye", b"\x0f\xa0"] {
        let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
        bob.send_raw(&masked(0x88, payload)).await;
        bob.expect_closed(u16::from_be_bytes([payload[0], payload[1]])).await;
        parted(&mut ada).await;
    }
}

pub async fn frames_after_a_close_are_ignored<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let chat = masked(0x81, br#"{"type":"chat","message":"too late"}"#);
    bob.send_raw(&[masked(0x88, b"\x03\xe8"), chat].concat()).await;
    bob.expect_closed(1000).await;
    parted(&mut ada).await;
}

pub async fn a_protocol_ping_is_answered_with_its_payload<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let mut client = Client::connect(&server).await;
    for payload in [&b""[..], b"payload", &[0xff; 125]] {
        client.send_frame(Message::Ping(payload.to_vec().into())).await;
        let Message::Pong(echo) = client.frame().await else { panic!("expected a pong") };
        assert_eq!(echo.as_ref(), payload);
    }
    client.send_frame(Message::Pong(b"unasked"[..].into())).await;
    client.expect_nothing().await;
}

/// Asserts that Bob is gone, and that Ada is not affected.
async fn parted(ada: &mut Client) {
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("disconnected")));
    ada.expect_nothing().await;
}
