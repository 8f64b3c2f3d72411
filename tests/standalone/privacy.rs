//! Nothing personal reaches a log: a whole visit, mistakes included, at the most verbose level.

use serde_json::json;

use super::Program;
use crate::conformance::client::Client;

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
