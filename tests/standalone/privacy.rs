//! Nothing personal reaches a log: a whole visit, mistakes included, at the most verbose level.

use serde_json::{Value, json};
use stun_types::attribute::{ErrorCode, Nonce, Realm};
use stun_types::message::{Message, MessageWriteVec};
use stun_types::prelude::*;
use tokio::net::UdpSocket;

use super::Program;
use crate::conformance::client::Client;
use crate::conformance::request::get;

/// Strings that must not be found. The address is that of a candidate: the client's own is
/// loopback, and so is the server's, which the log does name.
const PERSONAL: [&str; 9] = [
    "Ada Lovelace",
    "192.0.2.77",
    "v=0-sdp",
    "eyJhbGciOi-token",
    "secret-chat",
    "phone-of-ada",
    "ada-peer-id",
    "visit-of-ada",
    "a-mark-of-ada",
];

#[tokio::test]
async fn a_whole_visit_leaves_no_trace_in_the_log() {
    for format in ["json", "text"] {
        let args = ["--listen", "127.0.0.1:0", "--log", "trace", "--log-format", format];
        let program = Program::start(&args, &[("RUST_BACKTRACE", "1")]).await;
        visit(&program).await;
        program.signal("TERM");
        let (code, lines) = program.end().await;
        assert_eq!(code, Some(0));
        assert!(lines.iter().any(|line| line.contains("closed")), "the log is loud enough");
        for personal in PERSONAL {
            let found = lines.iter().find(|line| line.contains(personal));
            assert_eq!(found, None, "{personal}");
        }
    }
}

/// The library that writes STUN messages has spans that hold the keys that it signs them with. They
/// must not come out with any event.
#[tokio::test]
async fn what_a_turn_server_is_told_leaves_no_trace_in_the_log() {
    let turn = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("turn:{}", turn.local_addr().unwrap());
    tokio::spawn(refuse_all(turn));
    let args = ["--listen", "127.0.0.1:0", "--log", "trace,stun_types=trace", "--turn-url", &url];
    let credentials = ["--turn-username", "user-of-turn", "--turn-credential", "password-of-turn"];
    let program = Program::start(&[&args[..], &credentials].concat(), &[]).await;
    let health: Value = get(&program, "/health").await.json();
    assert_eq!(health["checks"]["turn_servers"], "down");
    program.signal("TERM");
    let (_, lines) = program.end().await;
    assert!(lines.iter().any(|line| line.contains("refused the credentials")), "it was asked");
    for secret in ["user-of-turn", "password-of-turn", "IntegrityKey"] {
        let found = lines.iter().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}

/// A TURN server that asks for credentials and takes none.
async fn refuse_all(turn: UdpSocket) {
    let mut bytes = [0; 1500];
    while let Ok((length, from)) = turn.recv_from(&mut bytes).await {
        let request = Message::from_bytes(&bytes[..length]).unwrap();
        let mut answer = Message::builder_error(&request, MessageWriteVec::new());
        answer.add_attribute(&ErrorCode::builder(401).build().unwrap()).unwrap();
        answer.add_attribute(&Realm::new("clinic").unwrap()).unwrap();
        answer.add_attribute(&Nonce::new("nonce").unwrap()).unwrap();
        turn.send_to(&answer.finish(), from).await.unwrap();
    }
}

async fn visit(program: &Program) {
    let query = "?token=eyJhbGciOi-token&displayName=Ada%20Lovelace&roomId=visit-of-ada";
    let headers = [("authorization", "Bearer eyJhbGciOi-token")];
    let mut ada = Client::connect_with(program, query, &headers).await.expect("a handshake");
    let join = json!({
        "type": "join", "peerId": "ada-peer-id", "requestId": "a-mark-of-ada",
        "metadata": {"device": "phone-of-ada"}, "token": "eyJhbGciOi-token",
    });
    ada.send(join.clone()).await;
    ada.expect("joined").await;
    let (mut bob, _) = Client::join(program, "visit-of-ada", "bob").await;
    let candidate = "candidate:1 1 udp 1 192.0.2.77 9 typ host";
    for message in [
        json!({"type": "offer", "to": "bob", "sdp": "v=0-sdp", "from": "ada-peer-id"}),
        json!({"type": "candidate", "to": "bob", "candidate": candidate}),
        json!({"type": "chat", "message": "secret-chat"}),
        json!({"type": "offer", "to": "nobody", "sdp": "v=0-sdp"}),
        json!({"type": "offer", "sdp": "v=0-sdp"}),
        json!({"type": "v=0-sdp"}),
        join,
    ] {
        ada.send(message).await;
    }
    ada.send_text("secret-chat is not JSON").await;
    ada.send_text(r#"{"type":"secret-chat","x":"v=0-sdp"#).await;
    for _ in 0..3 {
        bob.next().await;
    }
    // Takeover, binary and oversized frames end connections in other ways.
    let (mut again, joined) = Client::join(program, "visit-of-ada", "ada-peer-id").await;
    ada.expect_close().await;
    again.send_text("v=0-sdp".repeat(6000)).await;
    again.expect_close().await;
    // What waits for a peer that is away, and the tokens that it comes back with.
    bob.wait_for("peer_away").await;
    bob.send(json!({"type": "chat", "to": "ada-peer-id", "message": "secret-chat"})).await;
    bob.roster().await;
    let mut back = Client::connect(program).await;
    back.send(json!({"type": "join", "resumeToken": joined["resumeToken"]})).await;
    assert_eq!(back.expect("joined").await["resumed"], true);
    back.wait_for("chat").await;
    back.send(json!({"type": "join", "resumeToken": joined["resumeToken"]})).await;
    back.send(json!({"type": "renew", "token": "eyJhbGciOi-token"})).await;
    let mut stranger = Client::connect(program).await;
    let forged = "visit-of-ada/ada-peer-id/guessed";
    stranger.send(json!({"type": "join", "resumeToken": forged})).await;
    back.close().await;
    bob.close().await;
}
