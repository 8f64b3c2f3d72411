//! The table and the functions fail, and are retried.

use serde_json::{Value, json};
use visio_gateway::Faults;

use super::Lambda;
use crate::conformance::client::{Client, ids, meet, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_lands_twice_is_one_write() {
    let lambda = Lambda::with(Faults { lost_answers: 0.15, seed: 1, ..Faults::default() }).await;
    let (mut ada, joined) = Client::join(&lambda, "visit", "ada").await;
    assert_eq!(version(&joined), 1);
    for round in 0..4 {
        let (bob, joined) = Client::join(&lambda, "visit", "bob").await;
        assert_eq!(version(&joined), 2 + 2 * round);
        assert_eq!(ada.expect("peer_joined").await["version"], 2 + 2 * round);
        bob.close().await;
        assert_eq!(ada.expect("peer_left").await["version"], 3 + 2 * round);
    }
    ada.expect_nothing().await;
    // Five claims and nine changes of the room; five goodbyes are deletions.
    let bill = lambda.gateway.bill();
    let writes = bill.operation("PutItem") + bill.operation("DeleteItem");
    assert!(writes > 5 + 9 + 4, "no answer was lost: {bill}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_refuses_is_our_fault_and_changes_nothing() {
    let lambda = Lambda::with_two_instances().await;
    let mut ada = Client::connect(&lambda).await;
    lambda.gateway.set_faults(Faults { throttled_table: 1.0, ..Faults::default() });
    let join = json!({"type": "join", "roomId": "visit", "peerId": "ada", "requestId": "1"});
    ada.send(join.clone()).await;
    assert_eq!(ada.expect_error("internal").await["requestId"], "1");
    lambda.gateway.set_faults(Faults::default());
    ada.send(join).await;
    assert_eq!(version(&ada.expect("joined").await), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_middle_of_a_join_locks_nobody_out() {
    for faults in [
        Faults { crash_before_write: 1.0, ..Faults::default() },
        Faults { crash_after_write: 1.0, ..Faults::default() },
    ] {
        let lambda = Lambda::with(faults).await;
        let mut ada = Client::connect(&lambda).await;
        let join = json!({"type": "join", "roomId": "visit", "peerId": "ada"});
        ada.send(join.clone()).await;
        // The gateway's own message: no function was left to send ours.
        assert_eq!(ada.next().await["message"], "Internal server error");
        lambda.gateway.set_faults(Faults::default());
        ada.send(join).await;
        ada.expect("joined").await;
        let (mut bob, joined) = Client::join(&lambda, "visit", "bob").await;
        assert_eq!(ids(&joined), ["ada"]);
        ada.expect("peer_joined").await;
        ada.close().await;
        assert_eq!(bob.expect("peer_left").await["peerId"], "ada");
    }
}

/// If a post is refused for longer than the function retries, the sender gets an error that names
/// the message and says when to repeat it. All other messages arrive, and each arrives once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_busy_for_a_moment_is_still_reached() {
    let lambda = Lambda::with(Faults::default()).await;
    let [mut ada, mut bob] = meet(&lambda, "visit", ["ada", "bob"]).await;
    let offer = |seq| json!({"type": "offer", "to": "bob", "sdp": "v=0", "seq": seq});
    lambda.gateway.set_faults(Faults { busy_posts: 0.3, seed: 3, ..Faults::default() });
    for seq in 0..20 {
        ada.send(offer(seq)).await;
    }
    let refused = everything(&lambda, &mut ada).await;
    for error in &refused {
        assert_eq!((&error["code"], &error["to"]), (&json!("internal"), &json!("bob")));
        assert_eq!(error["retryAfterMs"], 1000);
    }
    let arrived = everything(&lambda, &mut bob).await;
    let mut seen: Vec<_> = arrived.iter().map(|offer| offer["seq"].as_u64()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), arrived.len()), (20 - refused.len(), seen.len()));
    assert!(arrived.len() > refused.len());
}

/// Everything that a client receives because of what it and others have sent.
async fn everything(lambda: &Lambda, client: &mut Client) -> Vec<Value> {
    let mut messages = Vec::new();
    for settled in [false, true] {
        if settled {
            lambda.gateway.settle().await;
        }
        client.send(json!({"type": "ping"})).await;
        loop {
            match client.next().await {
                pong if pong["type"] == "pong" => break,
                message => messages.push(message),
            }
        }
    }
    messages
}
