//! A client that stops reading, as one does that the system has suspended.

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::Program;
use crate::conformance::client::Client;

const MOST: u64 = 1000;

#[tokio::test]
async fn what_a_client_does_not_read_it_gets_later_or_its_sender_is_told() {
    let args = ["--listen", "127.0.0.1:0", "--message-rate", "0", "--byte-rate", "0"];
    let program = Program::start(&args, &[]).await;
    let (mut ada, _) = Client::join(&program, "visit", "ada").await;
    let mut bob = Client::connect_narrow(&program).await;
    bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
    let joined = bob.expect("joined").await;
    let (said, mut told) = speak_until_refused(&mut ada).await;
    let heard = read_to_the_end(&mut bob).await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "bob",
        "resumeToken": joined["resumeToken"], "received": heard});
    let (mut bob, back) = Client::join_with(&program, join).await;
    let replayed = bob.fence().await;
    told.extend(ada.fence().await);
    let again = told.iter().any(|news| news["type"] == "peer_joined" && news["rejoined"] == true);
    eprintln!(
        "said {said}, read late {heard}, replayed {}, resumed: {}",
        replayed.len(),
        back["resumed"]
    );
    assert_eq!(again, back["resumed"] == false, "{told:?}");
    if back["resumed"] == true {
        let gone = told.iter().filter_map(|news| news["count"].as_u64()).sum::<u64>();
        assert_eq!(heard + replayed.len() as u64 + gone, said);
        assert!(replayed.iter().zip(heard..).all(|(message, n)| message["n"] == n));
    }
}

/// How many messages were taken until one was refused, and what came meanwhile.
async fn speak_until_refused(ada: &mut Client) -> (u64, Vec<Value>) {
    let filler = "x".repeat(20_000);
    let mut told = Vec::new();
    for n in 0..MOST {
        ada.send(json!({"type": "signal", "to": "bob", "n": n, "filler": filler})).await;
        told.extend(ada.fence().await);
        if told.iter().any(|news| news["code"] == "peer_away") {
            return (n, told);
        }
    }
    panic!("nothing was refused");
}

/// Reads what is there until the connection ends. Returns how many messages came.
async fn read_to_the_end(bob: &mut Client) -> u64 {
    let mut heard = 0;
    while let Some(Ok(frame)) = bob.socket.next().await {
        let Message::Text(text) = frame else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        heard += u64::from(message["type"] != "error");
    }
    heard
}

/// The `error` is a text frame too, and the last one.
#[tokio::test]
async fn a_client_that_counts_the_error_before_a_close_resumes_all_the_same() {
    let program = Program::start(&["--listen", "127.0.0.1:0"], &[]).await;
    let (mut bob, joined) = Client::join(&program, "visit", "bob").await;
    bob.send_frame(Message::binary(vec![1])).await;
    bob.expect("error").await;
    let token = &joined["resumeToken"];
    let join = json!({"type": "join", "resumeToken": token, "received": 1});
    let (_bob, back) = Client::join_with(&program, join).await;
    assert_eq!(back["resumed"], true);
}
