//! What a visit costs, counted.

use std::time::Duration;

use serde_json::json;
use visio_gateway::Bill;
use visio_gateway::visit::{Batching, Drops, play};

use super::Lambda;
use crate::conformance::client::{Client, meet};
use crate::conformance::resume::GRACE;
use crate::conformance::{Runtime, Settings};

const SECRET: &str = "signs the tokens of a visit that is played";

/// The bill of one visit of two: half an hour, ten candidates a side, each in its own message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_costs_what_the_table_in_the_readme_says() {
    // With tokens, two handshakes store their claims.
    for (secret, puts, write_units, dollars) in
        [(Some(SECRET), 8, 10.0, 94.0), (None, 6, 8.0, 93.0)]
    {
        let settings = Settings { jwt_secret: secret, grace: GRACE, ..Settings::default() };
        let lambda = Lambda::start(settings).await.with_one_warm_instance().await;
        let bill =
            play(&lambda.gateway, Batching::OneByOne, Drops::None, secret).await.expect("a visit");
        assert_eq!(bill.route("$connect"), 2);
        assert_eq!(bill.route("$disconnect"), 2);
        // Two joins, an offer, an answer, twenty candidates. Keepalives invoke no function.
        assert_eq!(bill.route("$default"), 24);
        assert_eq!(bill.invocations, 28);
        // The same and six pings; the answers to both peers, and each one's joining and leaving.
        assert_eq!((bill.messages_in, bill.messages_out), (30, 32));
        assert_eq!(bill.connection_minutes, 60);
        assert_eq!((bill.operation("PutItem"), bill.operation("DeleteItem")), (puts, 2));
        assert_eq!(bill.write_units, write_units, "{bill}");
        // One read of the room per message; the connection's item is read only to join and to end.
        // A cold start opens its connection.
        let reads = 30 + bill.cold_starts;
        assert_eq!((bill.operation("GetItem"), bill.read_units), (reads, reads as f64), "{bill}");
        let stated = bill.with_invocations_of(Duration::from_millis(10), 256);
        assert!(stated.per_million() <= dollars, "{stated}");
        let known = ["DeleteItem", "GetItem", "PutItem"];
        let mut operations = bill.dynamodb_operations.keys();
        assert!(operations.all(|operation| known.contains(&operation.as_str())));
    }
}

/// Each drop costs a handshake, a join, and the news of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_on_each_side_costs_a_few_dollars_more() {
    let settings = Settings { jwt_secret: Some(SECRET), grace: GRACE, ..Settings::default() };
    let lambda = Lambda::start(settings).await.with_one_warm_instance().await;
    let mut bills = Vec::new();
    for drops in [Drops::None, Drops::OneEach] {
        bills.push(play(&lambda.gateway, Batching::Lists, drops, Some(SECRET)).await.unwrap());
    }
    let [none, dropped] = [&bills[0], &bills[1]];
    let more = dropped.since(none);
    assert_eq!(
        (more.route("$connect"), more.route("$disconnect"), more.route("$default")),
        (2, 2, 2)
    );
    assert_eq!((more.messages_in, more.messages_out), (2, 6));
    let [none, dropped] = [none, dropped]
        .map(|bill| bill.clone().with_invocations_of(Duration::from_millis(10), 256));
    assert!(dropped.per_million() - none.per_million() < 25.0, "{none}\n{dropped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_other_connections_cost_a_visit_nothing() {
    let settings = Settings { grace: GRACE, ..Settings::default() };
    let lambda = Lambda::start(settings).await.with_one_warm_instance().await;
    let alone = play(&lambda.gateway, Batching::Lists, Drops::None, None).await.expect("a visit");
    for number in 0..10_000 {
        for kind in ["C", "R"] {
            let item = json!({
                "TableName": lambda.gateway.table(),
                "Item": {
                    "pk": {"S": format!("{kind}#{number}")}, "v": {"N": "1"}, "s": {"S": "{}"},
                },
            });
            let item = serde_json::from_value(item).expect("an item");
            lambda.gateway.database().put_item(item).expect("room in the table");
        }
    }
    let crowded = play(&lambda.gateway, Batching::Lists, Drops::None, None).await.expect("a visit");
    assert_eq!(crowded.write_units, alone.write_units);
    // A cold start reads once to open its connection, and the number of cold starts is chance.
    let requests = |bill: &Bill| bill.dynamodb_requests - bill.cold_starts;
    let reads = |bill: &Bill| bill.read_units - bill.cold_starts as f64;
    assert_eq!(requests(&crowded), requests(&alone), "{alone} {crowded}");
    assert_eq!(reads(&crowded), reads(&alone), "{alone} {crowded}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_in_a_warm_instance_is_one_post_one_read_and_no_write() {
    let lambda = Lambda::with_one_instance().await;
    let [mut ada, mut bob] = meet(&lambda, "visit", ["ada", "bob"]).await;
    lambda.gateway.settle().await;
    for (nth, (from, to)) in [("ada", "bob"), ("bob", "ada"), ("ada", "bob")].iter().enumerate() {
        let before = lambda.gateway.bill();
        let (sender, receiver) =
            if *from == "ada" { (&mut ada, &mut bob) } else { (&mut bob, &mut ada) };
        sender.send(json!({"type": "candidate", "to": to, "candidate": nth.to_string()})).await;
        receiver.expect("candidate").await;
        lambda.gateway.settle().await;
        let relay = lambda.gateway.bill().since(&before);
        assert_eq!((relay.posts, relay.invocations), (1, 1));
        assert_eq!(relay.write_units, 0.0);
        assert_eq!(relay.read_units, 1.0, "{relay}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_only_connects_costs_one_read() {
    let lambda = Lambda::with_one_instance().await;
    let before = lambda.gateway.bill();
    Client::connect(&lambda).await.close().await;
    lambda.gateway.settle().await;
    let bill = lambda.gateway.bill().since(&before);
    assert_eq!((bill.write_units, bill.read_units), (0.0, 1.0));
}
