//! A client that does not read delays nobody, and is dropped if the runtime can do that.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::{Client, ids, meet};
use super::{Runtime, Settings};

/// Messages of 30 KB, 24 MB in all: more than a queue and the buffers of TCP may hold.
const FLOOD: usize = 800;

pub async fn a_client_that_does_not_read_is_dropped_and_delays_nobody<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut cay] = meet(&server, "visit", ["ada", "cay"]).await;
    let mut bob = seat_a_slow_client(&server, &mut [&mut ada, &mut cay]).await;
    if !R::PROFILE.closes_slow_clients {
        let taken = flood_in_vain(&mut ada, Some(&mut cay)).await;
        return stays(&mut ada, &mut cay, bob, taken).await;
    }
    let mut gone = false;
    for seq in 0..FLOOD {
        ada.send(flood(seq)).await;
        ada.send(json!({"type": "signal", "to": "cay", "seq": seq})).await;
        // Cay answers every one of them meanwhile.
        let mut heard = cay.next().await;
        if heard["type"] == "peer_left" {
            assert_eq!(
                (&heard["peerId"], &heard["reason"]),
                (&json!("bob"), &json!("disconnected"))
            );
            gone = true;
            heard = cay.next().await;
        }
        assert_eq!((&heard["type"], &heard["seq"]), (&json!("signal"), &json!(seq)));
        if gone {
            break;
        }
    }
    assert!(gone, "a client that reads nothing keeps its seat");
    ada.send(json!({"type": "ping"})).await;
    let mut refused = 0;
    let mut left = 0;
    loop {
        let message = ada.next().await;
        match message["type"].as_str() {
            Some("pong") => break,
            Some("peer_left") => left += 1,
            _ => {
                // First nothing more can wait for Bob, then he is gone.
                let code = message["code"].as_str().unwrap_or_default();
                assert!(["peer_away", "peer_not_found"].contains(&code), "{message}");
                assert_eq!(message["to"], "bob");
                refused += 1;
            }
        }
    }
    assert!(left == 1 && refused > 0, "the sender is told of both: {left} and {refused}");
    told_why(&mut bob).await;
}

pub async fn a_slow_clients_room_learns_of_it_from_chat_too<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut cay] = meet(&server, "visit", ["ada", "cay"]).await;
    let bob = seat_a_slow_client(&server, &mut [&mut ada, &mut cay]).await;
    if !R::PROFILE.closes_slow_clients {
        let taken = flood_in_vain(&mut ada, None).await;
        // The others hear what Bob misses, and nobody gets an error.
        for seq in 0..3 {
            let chat = json!({"type": "chat", "seq": seq, "message": "x".repeat(31_000)});
            ada.send(chat).await;
            assert_eq!(cay.expect("chat").await["seq"], seq);
        }
        return stays(&mut ada, &mut cay, bob, taken).await;
    }
    let mut gone = false;
    for seq in 0..FLOOD {
        ada.send(json!({"type": "chat", "seq": seq, "message": "x".repeat(30_000)})).await;
        let mut heard = cay.next().await;
        if heard["type"] == "peer_left" {
            gone = true;
            heard = cay.next().await;
        }
        assert_eq!(heard["seq"], seq, "nothing is lost for the others, and nothing comes twice");
        if gone {
            break;
        }
    }
    assert!(gone, "a client that reads nothing keeps its seat");
    // The sender hears of each copy that Bob did not take, and that he is gone.
    let told = ada.fence().await;
    let kinds = told.iter().map(|it| it["code"].as_str().or(it["type"].as_str()).unwrap());
    let (left, refused): (Vec<_>, Vec<_>) = kinds.partition(|kind| *kind == "peer_left");
    assert_eq!(left.len(), 1, "{told:?}");
    assert!(refused.iter().all(|code| *code == "peer_away") && !refused.is_empty(), "{told:?}");
    cay.expect_nothing().await;
}

pub async fn a_client_that_reads_gets_all_of_a_flood<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for seq in 0..300 {
        ada.send(flood(seq)).await;
        assert_eq!(bob.expect("offer").await["seq"], seq);
    }
    bob.expect_nothing().await;
}

pub async fn a_slow_client_may_come_back<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let _slow = seat_a_slow_client(&server, &mut [&mut ada]).await;
    if R::PROFILE.closes_slow_clients {
        for seq in 0..FLOOD {
            ada.send(flood(seq)).await;
            ada.send(json!({"type": "ping"})).await;
            if ada.next().await["type"] == "peer_left" {
                break;
            }
        }
    } else {
        flood_in_vain(&mut ada, None).await;
    }
    let (mut bob, _) = Client::join(&server, "visit", "bob").await;
    // If it was not closed, it takes its own seat over.
    let rejoined = !R::PROFILE.closes_slow_clients;
    assert_eq!(ada.wait_for("peer_joined").await["rejoined"], rejoined);
    ada.send(flood(0)).await;
    bob.expect("offer").await;
}

fn flood(seq: usize) -> Value {
    json!({"type": "offer", "to": "bob", "seq": seq, "sdp": "x".repeat(30_000)})
}

/// Bob, who takes his seat and then stops reading.
async fn seat_a_slow_client(server: &impl Runtime, others: &mut [&mut Client]) -> Client {
    let mut bob = Client::connect_narrow(server).await;
    bob.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
    bob.expect("joined").await;
    for other in others {
        other.expect("peer_joined").await;
    }
    bob
}

/// Sends to Bob until that is refused, and meanwhile to Cay, who answers; returns how much was
/// accepted.
async fn flood_in_vain(ada: &mut Client, mut cay: Option<&mut Client>) -> usize {
    for seq in 0..FLOOD {
        ada.send(flood(seq)).await;
        if let Some(cay) = &mut cay {
            ada.send(json!({"type": "signal", "to": "cay", "seq": seq})).await;
            assert_eq!(cay.expect("signal").await["seq"], seq);
        }
        if let [refused, rest @ ..] = ada.fence().await.as_slice() {
            assert_eq!((&refused["code"], &refused["to"]), (&json!("internal"), &json!("bob")));
            assert!(refused["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0), "{refused}");
            assert_eq!(rest, [Value::Null; 0]);
            return seq;
        }
    }
    panic!("everything is taken for a client that reads nothing");
}

/// Asserts that Bob keeps his seat, and receives again once he reads.
async fn stays(ada: &mut Client, cay: &mut Client, mut bob: Client, taken: usize) {
    cay.expect_nothing().await;
    ada.expect_nothing().await;
    assert_eq!(ids(&ada.roster().await), ["cay", "bob"]);
    for seq in 0..taken {
        assert_eq!(bob.expect("offer").await["seq"], seq, "what was taken arrives");
    }
    ada.send(flood(FLOOD)).await;
    assert_eq!(bob.expect("offer").await["seq"], FLOOD);
    bob.expect_nothing().await;
}

/// Reads to the end: the messages that got through are in order, and then comes the reason. If TCP
/// has given up in between, a broken connection is the reason.
async fn told_why(slow: &mut Client) {
    let mut seq = 0;
    let mut told = false;
    loop {
        match read(slow).await {
            Ok(Message::Text(text)) => {
                let message: Value = serde_json::from_str(&text).expect("JSON");
                assert!(!told, "nothing comes after the reason: {}", message["type"]);
                if message["type"] == "offer" {
                    assert_eq!(message["seq"], seq);
                    seq += 1;
                } else {
                    assert_eq!(message["code"], "slow_consumer", "{message}");
                    told = true;
                }
            }
            Ok(Message::Close(close)) => {
                assert!(told, "a close is told first");
                return assert_eq!(close.map(|close| u16::from(close.code)), Some(1013));
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

async fn read(client: &mut Client) -> Result<Message, Error> {
    use futures_util::StreamExt;
    let frame = tokio::time::timeout(super::client::PATIENCE, client.socket.next());
    frame.await.expect("an end in time").unwrap_or(Err(Error::ConnectionClosed))
}
