//! Connections that ended without a word: `$disconnect` is lost, late, or comes twice.

use std::time::Duration;

use serde_json::json;
use visio_gateway::Faults;

use super::Lambda;
use crate::conformance::client::{Client, ids, meet};
use crate::conformance::{Runtime, Settings};

const LOST: Faults = Faults { lose_disconnect: 1.0, ..NONE };
const NONE: Faults = Faults {
    seed: 0,
    reorder: Duration::ZERO,
    lose_disconnect: 0.0,
    late_disconnect: (0.0, Duration::ZERO),
    double_disconnect: 0.0,
    busy_posts: 0.0,
    stale_reads: 0.0,
    crash_before_write: 0.0,
    crash_after_write: 0.0,
    lost_answers: 0.0,
    throttled_table: 0.0,
    throttled_function: 0.0,
    gone_without_code: false,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_keeps_nobody_out_of_a_room_of_two() {
    let lambda = Lambda::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    for gone_without_code in [false, true] {
        lambda.gateway.set_faults(Faults { gone_without_code, ..LOST });
        let [mut ada, ghost] = meet(&lambda, "visit", ["ada", "bob"]).await;
        ghost.close().await;
        lambda.gateway.settle().await;
        let (mut cy, joined) = Client::join(&lambda, "visit", "cy").await;
        assert_eq!(ids(&joined), ["ada"]);
        let left = ada.wait_for("peer_left").await;
        assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("disconnected")));
        assert_eq!(ids(&ada.roster().await), ["cy"]);
        lambda.gateway.set_faults(NONE);
        cy.send(json!({"type": "leave"})).await;
        ada.wait_for("peer_left").await;
        ada.close().await;
        lambda.gateway.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_joins_discovers_the_ghost() {
    let lambda = Lambda::with(LOST).await;
    let [mut ada, ghost] = meet(&lambda, "visit", ["ada", "bob"]).await;
    ghost.close().await;
    let (mut cy, joined) = Client::join(&lambda, "visit", "cy").await;
    assert_eq!(ids(&joined), ["ada", "bob"]);
    for client in [&mut ada, &mut cy] {
        assert_eq!(client.wait_for("peer_left").await["peerId"], "bob");
    }
    assert_eq!(ids(&cy.roster().await), ["ada"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_to_a_ghost_is_told() {
    let lambda = Lambda::with(LOST).await;
    let [mut ada, ghost] = meet(&lambda, "visit", ["ada", "bob"]).await;
    ghost.close().await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    assert_eq!(ada.expect("peer_left").await["peerId"], "bob");
    assert_eq!(ada.expect_error("peer_not_found").await["to"], "bob");
    assert_eq!(ids(&ada.roster().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_or_repeated_goodbye_changes_nothing() {
    for faults in [
        Faults { late_disconnect: (1.0, Duration::from_millis(300)), ..NONE },
        Faults { double_disconnect: 1.0, ..NONE },
    ] {
        let lambda = Lambda::with(faults).await;
        let [mut ada, old] = meet(&lambda, "visit", ["ada", "bob"]).await;
        old.close().await;
        let (_bob, _) = Client::join(&lambda, "visit", "bob").await;
        ada.wait_for("peer_joined").await;
        lambda.gateway.settle().await;
        assert_eq!(ids(&ada.roster().await), ["bob"]);
    }
}
