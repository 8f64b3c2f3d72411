//! Only the server sets `from` and `sentAt`.

use serde_json::{Value, json};

use super::client::meet;
use super::{Runtime, Settings};

/// Ways to claim to be Eve.
const FORGED: [&str; 8] = [
    r#""from":"eve","#,
    r#""from":"eve","from":"eve","#,
    r#""fr\u006fm":"eve","#,
    r#""\u0066\u0072\u006f\u006d":"eve","from":"eve","#,
    r#""from":{"from":"eve"},"#,
    r#""from":null,"#,
    r#""from":"ada","fro\u006D":"eve","#,
    r#" "from" : [ "eve" ] , "#,
];

pub async fn a_forged_from_never_arrives<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for forged in FORGED {
        for text in [
            format!(r#"{{{forged}"type":"offer","to":"bob","sdp":"v=0"}}"#),
            format!(r#"{{"type":"offer","to":"bob",{forged}"sdp":"v=0"}}"#),
            format!(r#"{{"type":"offer",{forged}"to":"bob",{forged}"sdp":"v=0"}}"#),
        ] {
            ada.send_text(text.clone()).await;
            let arrived = bob.text().await;
            let message: Value = serde_json::from_str(&arrived).expect("JSON");
            let expected = json!({"type": "offer", "to": "bob", "from": "ada", "sdp": "v=0"});
            assert_eq!(message, expected, "{text}");
            // A parser shows one of two equal keys, so there must be only one in the text.
            assert_eq!(arrived.matches("from").count(), 1, "{arrived}");
            assert!(!arrived.contains(r"\u00"), "{arrived}");
        }
    }
}

pub async fn a_forged_from_never_reaches_the_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob, mut cay] = meet(&server, "visit", ["ada", "bob", "cay"]).await;
    for forged in FORGED {
        ada.send_text(format!(r#"{{"type":"chat",{forged}"message":"hi"}}"#)).await;
        for client in [&mut bob, &mut cay] {
            let arrived = client.text().await;
            let message: Value = serde_json::from_str(&arrived).expect("JSON");
            assert_eq!((&message["from"], &message["message"]), (&json!("ada"), &json!("hi")));
            assert_eq!(arrived.matches("from").count(), 1, "{arrived}");
        }
    }
}

pub async fn a_from_deeper_in_the_message_is_left_alone<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for forged in ["", r#""from":"eve","#] {
        let deep = r#""signal":{"from":"x","sentAt":1},"list":[{"fr\u006fm":"y"}]}"#;
        ada.send_text(format!(r#"{{"type":"signal","to":"bob",{forged}{deep}"#)).await;
        let arrived = bob.text().await;
        assert!(arrived.ends_with(deep), "{arrived}");
        let message: Value = serde_json::from_str(&arrived).expect("JSON");
        assert_eq!(message["from"], "ada");
    }
}

pub async fn removing_a_from_leaves_the_other_fields_alone<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let text = r#"{"type":"signal","from":1,"to":"bob","n":1.50,"k\"ey":"A","big":12345678901234567890123,"text":"Grüße 🩺","fromm":1,"From":2}"#;
    ada.send_text(text).await;
    let arrived = bob.text().await;
    let kept = [r#""n":1.50"#, r#""k\"ey":"A""#, r#""big":12345678901234567890123"#, "Grüße 🩺"];
    for part in kept.into_iter().chain([r#""fromm":1"#, r#""From":2"#]) {
        assert!(arrived.contains(part), "{part} in {arrived}");
    }
    let message: Value = serde_json::from_str(&arrived).expect("JSON");
    assert_eq!(message["from"], "ada");
}

pub async fn a_forged_sent_at_never_reaches_the_room<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for forged in
        [r#""sentAt":1,"#, r#""sentAt":1,"sentAt":"x","#, r#""sent\u0041t":1,"from":"eve","#]
    {
        for kind in ["chat", "typing_indicator"] {
            ada.send_text(format!(r#"{{"type":"{kind}",{forged}"message":"hi"}}"#)).await;
            let arrived = bob.text().await;
            let message: Value = serde_json::from_str(&arrived).expect("JSON");
            assert!(message["sentAt"].as_u64().is_some_and(|at| at > 1_600_000_000_000));
            assert_eq!(arrived.matches("sent").count(), 1, "{arrived}");
            assert_eq!(message["from"], "ada");
        }
    }
}

pub async fn a_message_to_one_peer_keeps_its_own_sent_at<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    for kind in ["chat", "offer", "private_message"] {
        let mut message = json!({"type": kind, "to": "bob", "sentAt": "yesterday"});
        ada.send(message.clone()).await;
        message["from"] = json!("ada");
        assert_eq!(bob.next().await, message);
    }
}
