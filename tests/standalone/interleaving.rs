//! Several tasks write to one socket: whoever relays a message, and the session that answers pings.
//! The client gets whole frames, in order, however slowly it reads.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::Program;
use crate::conformance::client::{Client, meet};
use crate::conformance::frame::masked;

/// Messages in one go: more bytes than the kernel takes, and fewer than a mailbox holds.
const AT_ONCE: usize = 12;
const BYTES: usize = 30_000;

#[tokio::test]
async fn pongs_and_messages_from_several_peers_do_not_mix_in_a_socket_that_is_full() {
    let flags = ["--listen", "127.0.0.1:0", "--message-rate", "0", "--byte-rate", "0"];
    let program = Program::start(&flags, &[]).await;
    let [mut ada, mut cay] = meet(&program, "visit", ["ada", "cay"]).await;
    let mut bob = Client::connect_narrow(&program).await;
    bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
    bob.expect("joined").await;
    for other in [&mut ada, &mut cay] {
        other.expect("peer_joined").await;
    }
    for round in 0..6 {
        let text = "x".repeat(BYTES);
        for seq in 0..AT_ONCE / 2 {
            for sender in [&mut ada, &mut cay] {
                let seq = round * AT_ONCE + seq;
                sender.send(json!({"type": "signal", "to": "bob", "seq": seq, "text": text})).await;
            }
            // Bob has read nothing yet.
            let pings: Vec<_> = (0..20).flat_map(|nth| masked(0x89, &[nth])).collect();
            bob.send_raw(&pings).await;
        }
        // Everything is on its way to Bob, because the senders' own answers come after it.
        ada.expect_nothing().await;
        cay.expect_nothing().await;
        let mut next = [round * AT_ONCE; 2];
        while next.iter().any(|seq| *seq < round * AT_ONCE + AT_ONCE / 2) {
            match bob.frame().await {
                Message::Text(text) => {
                    let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let whose = usize::from(message["from"] == "cay");
                    assert_eq!(message["seq"], next[whose], "in the order of its sender");
                    assert_eq!(message["text"].as_str().unwrap().len(), BYTES);
                    next[whose] += 1;
                }
                Message::Pong(payload) => assert_eq!(payload.len(), 1),
                Message::Ping(_) => {}
                other => panic!("expected a message or a pong, not {other:?}"),
            }
        }
    }
    // The last ping of all is answered, after everything before it.
    bob.send_raw(&masked(0x89, b"last")).await;
    while bob.frame().await != Message::Pong(b"last"[..].into()) {}
}
