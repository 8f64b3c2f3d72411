//! An instance's knowledge is out of date, because other instances have acted since.
//!
//! The gateway's `route_to` says which instance the next messages go to. Here instance 0 has seen
//! the peers, and instance 1 does things that 0 never hears of.

use serde_json::{Value, json};

use super::Lambda;
use crate::conformance::client::{Client, ids, meet};

/// An environment was frozen while others acted, and its monotonic clock with it. Nothing that it
/// saw before counts, however recent it seems.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_joined_another_room_is_heard_there_and_not_here() {
    for moving in [
        &[json!({"type": "leave"}), json!({"type": "join", "roomId": "b", "peerId": "doctor"})][..],
        &[json!({"type": "join_room", "roomId": "b", "peerId": "doctor"})],
    ] {
        let lambda = Lambda::with_frozen_instances().await;
        lambda.gateway.route_to(Some(0));
        let [mut doctor, mut first] = meet(&lambda, "a", ["doctor", "patient"]).await;
        let (mut second, _) = Client::join(&lambda, "b", "patient").await;
        offer(&mut doctor, "patient", 1).await;
        assert_eq!(first.expect("offer").await["seq"], 1);

        lambda.gateway.route_to(Some(1));
        for message in moving {
            doctor.send(message.clone()).await;
            if message["type"] == "leave" {
                first.expect("peer_left").await;
            }
        }
        doctor.expect("joined").await;
        second.expect("peer_joined").await;

        lambda.gateway.route_to(Some(0));
        offer(&mut doctor, "patient", 2).await;
        assert_eq!(second.expect("offer").await["seq"], 2);
        let last = first.finish().await;
        assert!(last.iter().all(|message| message["type"] == "peer_left"), "{last:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_follows_its_receiver_to_a_new_connection() {
    let lambda = Lambda::with_two_instances().await;
    for gone_without_code in [false, true] {
        lambda
            .gateway
            .set_faults(visio_gateway::Faults { gone_without_code, ..Default::default() });
        lambda.gateway.route_to(Some(0));
        let [mut ada, mut old] = meet(&lambda, "visit", ["ada", "bob"]).await;
        offer(&mut ada, "bob", 1).await;
        old.expect("offer").await;

        lambda.gateway.route_to(Some(1));
        let (mut bob, _) = Client::join(&lambda, "visit", "bob").await;
        assert_eq!(ada.expect("peer_joined").await["rejoined"], true);
        old.expect_error("replaced").await;
        old.expect_close().await;

        lambda.gateway.route_to(Some(0));
        offer(&mut ada, "bob", 2).await;
        assert_eq!(bob.expect("offer").await["seq"], 2);
        ada.expect_nothing().await;
        ada.close().await;
        bob.expect("peer_left").await;
        bob.close().await;
        lambda.gateway.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_is_reached_by_those_who_have_not_heard_of_it() {
    let lambda = Lambda::with_two_instances().await;
    lambda.gateway.route_to(Some(0));
    let [mut ada, mut bob] = meet(&lambda, "visit", ["ada", "bob"]).await;
    offer(&mut ada, "bob", 1).await;
    bob.expect("offer").await;

    lambda.gateway.route_to(Some(1));
    let (mut cy, _) = Client::join(&lambda, "visit", "cy").await;

    lambda.gateway.route_to(Some(0));
    offer(&mut ada, "cy", 2).await;
    assert_eq!(cy.expect("offer").await["seq"], 2);
    lambda.gateway.route_to(Some(1));
    let (mut dan, _) = Client::join(&lambda, "visit", "dan").await;
    cy.expect("peer_joined").await;
    lambda.gateway.route_to(Some(0));
    ada.send(json!({"type": "chat", "message": "to all"})).await;
    for client in [&mut cy, &mut dan] {
        assert_eq!(client.expect("chat").await["message"], "to all");
    }
    assert_eq!(ids(&ada.roster().await), ["bob", "cy", "dan"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_a_peer_that_has_left_is_refused() {
    let lambda = Lambda::with_two_instances().await;
    lambda.gateway.route_to(Some(0));
    let [mut ada, mut bob] = meet(&lambda, "visit", ["ada", "bob"]).await;
    offer(&mut ada, "bob", 1).await;
    bob.expect("offer").await;

    lambda.gateway.route_to(Some(1));
    bob.close().await;
    assert_eq!(ada.expect("peer_left").await["peerId"], "bob");

    lambda.gateway.route_to(Some(0));
    offer(&mut ada, "bob", 2).await;
    assert_eq!(ada.expect_error("peer_not_found").await["to"], "bob");
    ada.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_saw_a_peer_connect_learns_that_it_joined_elsewhere() {
    let lambda = Lambda::with_two_instances().await;
    lambda.gateway.route_to(Some(0));
    let (mut bob, _) = Client::join(&lambda, "visit", "bob").await;
    let mut ada = Client::connect(&lambda).await;

    lambda.gateway.route_to(Some(1));
    ada.send(json!({"type": "join", "roomId": "visit", "peerId": "ada"})).await;
    ada.expect("joined").await;

    lambda.gateway.route_to(Some(0));
    offer(&mut ada, "bob", 1).await;
    assert_eq!(bob.wait_for("offer").await["from"], "ada");
    ada.send(json!({"type": "join", "roomId": "visit", "peerId": "ada"})).await;
    ada.expect_error("already_joined").await;
}

/// Every read that is not consistent returns an old copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_works_when_every_eventual_read_is_stale() {
    let lambda =
        Lambda::with(visio_gateway::Faults { stale_reads: 1.0, ..Default::default() }).await;
    for round in 0..3 {
        let query = "?roomId=visit&peerId=ada";
        let mut ada = Client::connect_with(&lambda, query, &[]).await.expect("a handshake");
        ada.send(json!({"type": "peers"})).await;
        ada.expect("joined").await;
        ada.expect("roster").await;
        let (mut bob, joined) = Client::join(&lambda, "visit", "bob").await;
        assert_eq!(ids(&joined), ["ada"]);
        ada.expect("peer_joined").await;
        lambda.gateway.retire_environments().await;
        offer(&mut bob, "ada", round).await;
        assert_eq!(ada.expect("offer").await["seq"], round);
        bob.send(json!({"type": "leave"})).await;
        assert_eq!(ada.expect("peer_left").await["peers"], json!([]));
        bob.send(json!({"type": "peers"})).await;
        bob.expect_error("not_joined").await;
        ada.close().await;
        lambda.gateway.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_environment_does_not_hear_a_peer_that_has_left() {
    let lambda = Lambda::with_frozen_instances().await;
    lambda.gateway.route_to(Some(0));
    let [mut doctor, mut patient] = meet(&lambda, "a", ["doctor", "patient"]).await;
    offer(&mut doctor, "patient", 1).await;
    patient.expect("offer").await;

    lambda.gateway.route_to(Some(1));
    doctor.send(json!({"type": "leave"})).await;
    patient.expect("peer_left").await;

    lambda.gateway.route_to(Some(0));
    offer(&mut doctor, "patient", 2).await;
    doctor.expect_error("not_joined").await;
    patient.expect_nothing().await;
}

async fn offer(from: &mut Client, to: &str, seq: u64) {
    let offer: Value = json!({"type": "offer", "to": to, "sdp": "v=0", "seq": seq});
    from.send(offer).await;
}
