//! `chat`, `typing_indicator` and `private_message`.

use serde_json::json;

use super::client::meet;
use super::{Runtime, Settings};

pub async fn a_message_without_a_recipient_goes_to_all_others<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for kind in ["chat", "typing_indicator"] {
        for mut message in [
            json!({"type": kind, "message": "hello\nall", "extra": {"a": [1]}}),
            json!({"type": kind, "to": null}),
            json!({"type": kind}),
        ] {
            bob.send(message.clone()).await;
            let first = ada.next().await;
            let sent_at = first["sentAt"].as_u64().expect("a time");
            assert!(sent_at > 1_600_000_000_000, "{first}");
            message["from"] = json!("bob");
            message["sentAt"] = json!(sent_at);
            assert_eq!(first, message);
            assert_eq!(cay.next().await, message, "all are told the same");
        }
    }
    for client in [&mut ada, &mut bob, &mut cay] {
        client.expect_nothing().await;
    }
}

pub async fn a_message_with_a_recipient_goes_to_that_peer_alone<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for kind in ["chat", "typing_indicator", "private_message"] {
        let mut message = json!({"type": kind, "to": "cay", "message": "psst"});
        ada.send(message.clone()).await;
        message["from"] = json!("ada");
        assert_eq!(cay.next().await, message);
    }
    for client in [&mut ada, &mut bob] {
        client.expect_nothing().await;
    }
}

pub async fn a_private_message_may_name_its_target_by_user_id<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for mut message in [
        json!({"type": "private_message", "targetUserId": "cay", "message": "psst"}),
        json!({"type": "private_message", "targetUserId": "cay", "to": null}),
        json!({"type": "private_message", "targetUserId": null, "to": "cay"}),
    ] {
        ada.send(message.clone()).await;
        message["from"] = json!("ada");
        assert_eq!(cay.next().await, message);
    }
    for client in [&mut ada, &mut bob] {
        client.expect_nothing().await;
    }
}

pub async fn a_private_message_needs_a_target<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    ada.send(json!({"type": "private_message", "message": "psst", "requestId": "p"})).await;
    let error = ada.expect_error("invalid_message").await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains("`to`")), "{error}");
    assert_eq!(error["requestId"], "p");
    bob.expect_nothing().await;
}

pub async fn chat_in_an_empty_room_is_not_an_error<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    ada.send(json!({"type": "chat", "message": "anybody?"})).await;
    ada.expect_nothing().await;
}

pub async fn chat_is_not_kept_for_peers_that_join_later<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    ada.send(json!({"type": "chat", "message": "anybody?"})).await;
    ada.expect_nothing().await;
    let [mut bob] = meet(&server, "visit", ["bob"]).await;
    bob.expect_nothing().await;
}
