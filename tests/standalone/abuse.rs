//! A client that goes too far meets its own limit and is told so, and nobody else pays for it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use visio_signaling::core::Grant;

use super::Program;
use crate::conformance::Runtime;
use crate::conformance::client::{Client, PATIENCE, meet};
use crate::conformance::frame::masked;
use crate::conformance::request::{get, request};
use crate::conformance::tokens::{SECRET, guest, token};

const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Each change of a room is sent with the whole room, so a large one fills queues that are made for
/// small ones.
#[tokio::test]
async fn a_room_that_a_token_makes_large_closes_nobody_who_reads_late() {
    const SEATS: usize = 48;
    let program = start(&["--jwt-secret", SECRET, "--max-peers-per-room", "2"]).await;
    let join = |nth: usize| {
        let large = Grant { capacity: Some(SEATS), ..guest("visit", &format!("peer-{nth}")) };
        let metadata = json!({"about": "x".repeat(1000)});
        json!({"type": "join", "token": token(&large), "metadata": metadata})
    };
    let mut late = Client::connect(&program).await;
    late.send(join(0)).await;
    late.expect("joined").await;
    let mut others = Vec::new();
    for nth in 1..SEATS {
        others.push(Client::join_with(&program, join(nth)).await.0);
    }
    for nth in 1..SEATS {
        let news = late.expect("peer_joined").await;
        assert_eq!(news["peers"].as_array().map(Vec::len), Some(nth));
    }
}

#[tokio::test]
async fn one_peer_alone_cannot_have_a_slow_one_thrown_out() {
    let program = start(&[]).await;
    let [mut ada, mut cay] = meet(&program, "visit", ["ada", "cay"]).await;
    let mut bob = Client::connect_narrow(&program).await;
    bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
    bob.expect("joined").await;
    for other in [&mut ada, &mut cay] {
        other.expect("peer_joined").await;
    }
    // Bob stops reading. Ada sends ten times as much as may be queued for him.
    for seq in 0..200 {
        let offer = json!({"type": "offer", "to": "bob", "seq": seq, "sdp": "x".repeat(30_000)});
        ada.try_send(offer).await;
    }
    let mut told = 0;
    let last = loop {
        match ada.frame().await {
            Message::Text(text) => {
                let error: Value = serde_json::from_str(&text).expect("JSON");
                assert_eq!(error["code"], "rate_limited", "{error}");
                told += u32::from(error["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0));
            }
            Message::Close(close) => break close.map(|close| u16::from(close.code)),
            _ => {}
        }
    };
    assert!(told > 0 && last == Some(4029), "{told} {last:?}");
    // Bob is still there, for Cay and for himself: the messages that passed arrive in order.
    cay.expect("peer_left").await;
    cay.send(json!({"type": "signal", "to": "bob", "mark": 1})).await;
    let mut seq = 0;
    loop {
        let message = bob.next().await;
        match message["type"].as_str() {
            Some("offer") => {
                assert_eq!(message["seq"], seq);
                seq += 1;
            }
            Some("peer_left") => assert_eq!(message["peerId"], "ada"),
            other => break assert_eq!(other, Some("signal"), "{message}"),
        }
    }
    assert!((8..=10).contains(&seq), "256 KiB at once, and what was earned meanwhile: {seq}");
}

/// Besides its queue, the kernel's buffer for its socket is bounded.
#[tokio::test]
async fn little_is_kept_for_a_client_that_does_not_read() {
    let program = start(&["--byte-rate", "0", "--message-rate", "0"]).await;
    let [mut ada, mut cay] = meet(&program, "visit", ["ada", "cay"]).await;
    let mut bob = Client::connect_narrow(&program).await;
    bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
    bob.expect("joined").await;
    for other in [&mut ada, &mut cay] {
        other.expect("peer_joined").await;
    }
    let mut taken = 0;
    loop {
        ada.send(json!({"type": "chat", "message": "x".repeat(10_000)})).await;
        // Cay's copy shows that Bob's was accepted too.
        if cay.next_of(&["chat", "peer_left"]).await["type"] == "peer_left" {
            break;
        }
        taken += 10_000;
    }
    assert!(taken < 1_000_000, "{taken} bytes were taken for somebody who reads none");
}

#[tokio::test]
async fn offers_to_a_full_room_are_not_a_flood() {
    let program = start(&[]).await;
    let mut others = Vec::new();
    for nth in 0..15 {
        others.push(Client::join(&program, "visit", &format!("p{nth}")).await.0);
    }
    let (mut ada, joined) = Client::join(&program, "visit", "ada").await;
    for peer in joined["peers"].as_array().expect("peers") {
        let to = &peer["peerId"];
        ada.send(json!({"type": "offer", "to": to, "sdp": "x".repeat(10_000)})).await;
        for _ in 0..12 {
            ada.send(json!({"type": "candidate", "to": to, "candidate": "x".repeat(200)})).await;
        }
    }
    ada.expect_nothing().await;
    for other in &mut others {
        assert_eq!(other.wait_for("offer").await["from"], "ada");
    }
}

#[tokio::test]
async fn control_frames_are_charged_like_messages() {
    let program = start(&[]).await;
    for first in [0x89, 0x8a] {
        let (mut ada, _) = Client::join(&program, "visit", "ada").await;
        ada.send_raw(&masked(first, b"x").repeat(1000)).await;
        let closed = skip_pongs(&mut ada).await;
        assert_eq!(closed["code"], "rate_limited", "{closed}");
        assert_eq!(ada.expect_close().await, 4029);
    }
}

#[tokio::test]
async fn endless_fragments_are_charged_too() {
    let program = start(&[]).await;
    let [mut bob] = meet(&program, "visit", ["bob"]).await;
    let empty = masked(0x00, b"").repeat(1000);
    for first in [masked(0x01, b"{"), masked(0x01, b"")] {
        let (mut ada, _) = Client::join(&program, "visit", "ada").await;
        bob.expect("peer_joined").await;
        ada.send_raw(&first).await;
        // Six bytes each: 420 KB in all.
        for _ in 0..70 {
            let _ = ada.socket.get_mut().write_all(&empty).await;
        }
        ada.expect_error("rate_limited").await;
        assert_eq!(ada.expect_close().await, 4029);
        bob.expect("peer_left").await;
    }
}

#[tokio::test]
async fn a_message_in_the_smallest_fragments_is_not_a_flood() {
    let program = start(&[]).await;
    let [mut ada, mut bob] = meet(&program, "visit", ["ada", "bob"]).await;
    let text = json!({"type": "signal", "to": "bob", "text": "x".repeat(30_000)}).to_string();
    let mut frames = Vec::new();
    for (nth, byte) in text.bytes().enumerate() {
        let last = if nth + 1 == text.len() { 0x80 } else { 0 };
        frames.extend(masked(last | u8::from(nth == 0), &[byte]));
    }
    ada.send_raw(&frames).await;
    bob.expect("signal").await;
    ada.expect_nothing().await;
}

#[tokio::test]
async fn a_handshake_with_a_body_is_refused() {
    let program = start(&[]).await;
    for more in [
        &[("Content-Length", "5")][..],
        &[("Content-Length", "00")],
        &[("Transfer-Encoding", "chunked")],
        &[("Content-Length", "0"), ("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
    ] {
        let answer = request(&program, "GET", "/ws", &[&HANDSHAKE, more].concat()).await;
        assert_eq!(answer.status, 400, "{more:?}");
    }
    // After any other request with two lengths, nothing more is read.
    let twice = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")];
    let answer = request(&program, "GET", "/", &twice).await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    let none = [&HANDSHAKE[..], &[("Content-Length", "0")]].concat();
    let stream = raw_handshake(&program, &none).await;
    assert!(stream.starts_with("HTTP/1.1 101 "), "{stream}");
}

#[tokio::test]
async fn a_full_server_still_answers_plain_requests() {
    let program = start(&["--max-connections", "2"]).await;
    let [mut ada, mut bob] = meet(&program, "visit", ["ada", "bob"]).await;
    for path in ["/health", "/livez", "/readyz", "/"] {
        let answer = get(&program, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("connection"), Some("close"), "one question each");
    }
    let Err(Error::Http(refused)) = Client::connect_with(&program, "", &[]).await else {
        panic!("expected a refusal")
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    // Silent sockets take the remaining places, and soon lose them.
    let mut silent = silent(&program, "127.0.0.1", 40).await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    bob.expect("offer").await;
    let turned_away = ended(&mut silent).await;
    assert!(turned_away >= 8, "{turned_away} of 40");
    assert_eq!(get(&program, "/livez").await.status, 200);
}

#[tokio::test]
async fn one_address_cannot_take_all_sockets() {
    let program = start(&["--max-connections-per-ip", "8"]).await;
    let mut silent = silent(&program, "127.0.0.2", 60).await;
    // From that address nothing works any more; from elsewhere everything does.
    let mut one_more = socket(&program, "127.0.0.2").await;
    one_more.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, one_more.read_to_end(&mut answer)).await.expect("an end in time");
    assert!(read.is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 "));
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    assert_eq!(get(&program, "/livez").await.status, 200);
    ended(&mut silent).await;
    let mut again = socket(&program, "127.0.0.2").await;
    again.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, again.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    ada.expect_nothing().await;
}

#[tokio::test]
async fn a_client_that_guesses_tokens_is_told_less_and_a_good_token_always_passes() {
    let args = ["--listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1"];
    let program = Program::start(&args, &[("VISIO_JWT_SECRET", SECRET)]).await;
    let guess = async |nth: usize, from: &str| {
        let bearer = format!("Bearer eyJhbGciOiJIUzI1NiJ9.e30.{nth}");
        let headers = [("authorization", &*bearer), ("x-forwarded-for", from)];
        match Client::connect_with(&program, "", &headers).await {
            Err(Error::Http(answer)) => *answer,
            other => panic!("expected a refusal, got {:?}", other.err()),
        }
    };
    for nth in 0..20 {
        assert_eq!(guess(nth, "192.0.2.1").await.status(), 401);
    }
    for nth in 20..25 {
        let answer = guess(nth, "192.0.2.1").await;
        assert_eq!(answer.status(), 429);
        let seconds = answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(answer.headers()["connection"], "close");
    }
    assert_eq!(guess(25, "192.0.2.2").await.status(), 401, "nobody pays for another's guesses");
    let good = format!("?token={}", token(&guest("visit", "ada")));
    let headers = [("x-forwarded-for", "192.0.2.1")];
    let mut ada = Client::connect_with(&program, &good, &headers).await.expect("a handshake");
    ada.send(json!({"type": "join"})).await;
    ada.expect("joined").await;
}

async fn start(flags: &[&str]) -> Program {
    let all = ["--listen", "127.0.0.1:0", "--grace-seconds", "0"];
    Program::start(&[&all, flags].concat(), &[]).await
}

/// Sockets from this address that send nothing.
async fn silent(program: &Program, from: &str, count: usize) -> Vec<TcpStream> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(socket(program, from).await);
    }
    sockets
}

pub(super) async fn socket(program: &Program, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{from}:0").parse().expect("an address")).expect("an address of our own");
    let to = program.http_address().parse().expect("an address");
    socket.connect(to).await.expect("a connection")
}

/// Waits until all have ended; returns how many were told that there is no room.
async fn ended(sockets: &mut [TcpStream]) -> usize {
    let mut told = 0;
    for socket in sockets {
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("an end in time");
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 "));
        told += usize::from(!answer.is_empty());
    }
    told
}

/// The next message, whatever pongs come before it.
async fn skip_pongs(client: &mut Client) -> Value {
    loop {
        match client.frame().await {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Pong(_) => {}
            other => panic!("expected a message, got {other:?}"),
        }
    }
}

/// The head of the response to a handshake with these headers.
async fn raw_handshake(program: &Program, headers: &[(&str, &str)]) -> String {
    let mut stream = TcpStream::connect(program.http_address()).await.expect("a connection");
    let mut text = "GET /ws HTTP/1.1\r\nHost: a\r\n".to_owned();
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    stream.write_all((text + "\r\n").as_bytes()).await.expect("bytes are taken");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("in time").expect("a head"));
    }
    String::from_utf8(head).expect("text")
}
